package load

// Of the demo's accounts: names are tier and number, "basic7", and all share
// the password.
const password = "apitop-demo"

const (
	zipfExponent = 0.99 // measured on shops and caches again and again
	hottest      = 42   // the id of the most wanted product
	products     = 1000 // ids that are asked for; the demo's store has more
)

// DemoScenario is the traffic of the demo's shop: guests and users of all tiers,
// popular and forgotten products, much looking and little buying. The weights of
// its endpoints are health 2, products 30, one product 40, search 15, categories
// 8, account 3, orders 1.5 and login 0.5, and who has ordered looks at the order
// next. There are so many callers that most stay below their hourly limits. The
// caller owns what it gets.
func DemoScenario() *Scenario {
	return &Scenario{
		Name: "demo", Requests: demoRequests(), Values: demoValues(), ClientHeader: "X-Client-Id",
		// Chosen so that at the base rate a guest asks 90 times an hour, a basic user
		// 375, a premium user 1575, an admin 9000, of which four fifths fall into the
		// default class.
		Tiers: []TierShare{
			{Tier: "guest", Share: 15, Identities: 300}, {Tier: "basic", Share: 25, Identities: 120},
			{Tier: "premium", Share: 35, Identities: 40}, {Tier: "admin", Share: 25, Identities: 5},
		},
		BaseRate:   50,
		MaxPerTier: map[string]int{"basic": 17_800, "premium": 2000, "admin": 200}, // as many as there are accounts
		Login: &Login{
			Path: "/auth/login", Body: loginBody("{user}", password), Token: "token", User: "{tier}{n}", Guests: "guest",
		},
	}
}

// DemoTraffic is [DemoScenario] with an abuser: a scraper that lists products
// about once a second, and tries logins with wrong passwords so often that the
// ten an hour are used up after 15 seconds.
func DemoTraffic() *Scenario {
	s := DemoScenario()
	s.Headers = map[string]string{"User-Agent": "apitop-demo-traffic"}
	s.Abuser = &Abuser{Client: "scraper", MaxShare: 0.2, Requests: []Request{
		{Name: "/products", Path: "/products?after={page}", Weight: 1},
		{Method: "POST", Path: "/auth/login", Body: loginBody("admin1", "guess{guess}"), Weight: 0.7},
	}}
	return s
}

// CourseScenario is the benchmark of the course notes: five endpoints, one after
// another, each asked by all users. They are admins, so that the limiter does
// not decide the result.
func CourseScenario() *Scenario {
	s := DemoScenario()
	return &Scenario{
		Name: "course", Sequential: true, ClientHeader: s.ClientHeader, Login: s.Login,
		Tiers: []TierShare{{Tier: "admin", Share: 1, Identities: 10}},
		Requests: []Request{
			{Path: "/health", Weight: 1}, {Path: "/products", Weight: 1}, {Name: "/products/{id}", Path: "/products/1", Weight: 1},
			{Path: "/categories", Weight: 1}, {Path: "/users/me", Weight: 1, Account: true},
		},
	}
}

func loginBody(user, password string) string {
	return `{"username":"` + user + `","password":"` + password + `"}`
}

func demoRequests() []Request {
	const name = "/products"
	order := func(weight float64, items string) Request {
		return Request{
			Method: "POST", Path: "/orders", Body: `{"items":[` + items + `]}`, Weight: weight,
			Account: true, Follow: true, FollowName: "/orders/{id}",
		}
	}
	const first, second, third = `{"product_id":{item},"quantity":{quantity}}`, `,{"product_id":{item2},"quantity":{quantity}}`, `,{"product_id":{item3},"quantity":{quantity}}`
	return []Request{
		{Name: "/products/{id}", Path: "/products/{key}", Weight: 40},
		// Half of the lists are of a category, the others the first pages of all
		// products: each next one is asked for half as often.
		{Name: name, Path: "/products?category={category}", Weight: 15},
		{Name: name, Path: "/products", Weight: 7.5},
		{Name: name, Path: "/products?after=20", Weight: 3.75},
		{Name: name, Path: "/products?after=40", Weight: 1.875},
		{Name: name, Path: "/products?after=60", Weight: 0.9375},
		{Name: name, Path: "/products?after=80", Weight: 0.9375},
		{Method: "POST", Path: "/products/search", Body: `{"query":"{term}"}`, Weight: 15},
		{Path: "/categories", Weight: 8},
		{Path: "/users/me", Weight: 3, Account: true},
		{Path: "/health", Weight: 2},
		order(0.5, first), order(0.5, first+second), order(0.5, first+second+third),
		// A user on a new device, or a guest who forgot that there is no account.
		{Method: "POST", Path: "/auth/login", Body: loginBody("{user}", password), Weight: 0.5},
	}
}

// demoValues spread what is bought evenly, or the most wanted products would be
// out of stock after a day; an order has each product once, so its lines draw
// from different ranges.
func demoValues() map[string]Values {
	return map[string]Values{
		"key":      {Keys: Keys{Exponent: zipfExponent, Count: products}, First: 1, Hottest: hottest},
		"term":     {Keys: Keys{Exponent: zipfExponent}, List: searchTerms()},
		"category": {Keys: Keys{Count: 20}, First: 1},
		"item":     {Keys: Keys{Count: 333}, First: 1},
		"item2":    {Keys: Keys{Count: 333}, First: 334},
		"item3":    {Keys: Keys{Count: 334}, First: 667},
		"quantity": {Keys: Keys{Count: 3}, First: 1},
		"page":     {List: []string{"0", "20", "40", "60", "80"}},
		"guess":    {Keys: Keys{Count: 1000}},
	}
}

// searchTerms are what people look for, the most frequent first.
func searchTerms() []string {
	things := []string{"lamp", "desk", "chair", "mug", "rug", "shelf", "clock", "vase", "towel", "stool"}
	materials := []string{"oak", "walnut", "steel", "glass", "linen", "pine", "brass", "marble", "wool", "bamboo"}
	terms := append([]string{}, things...)
	for i := range materials {
		for j := range things {
			terms = append(terms, materials[(i+j)%len(materials)]+" "+things[j])
		}
	}
	return terms
}
