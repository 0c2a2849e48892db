package load

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// loggedIn is a planner of the demo whose users all have tokens.
func loggedIn(t *testing.T, s *Scenario, rps float64) *planner {
	t.Helper()
	r, err := New(Spec{Target: "http://shop/base", Scenario: s, Stages: []Stage{{0, rps, rps}}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, callers := range r.planner.crowd.callers {
		for _, c := range callers {
			if c.user != "" {
				c.logged("t")
			}
		}
	}
	return r.planner
}

// draw plans one request and makes it.
func draw(t *testing.T, p *planner) (plan, *http.Request) {
	t.Helper()
	next, ok := p.next(time.Now(), 50)
	if !ok {
		t.Fatal("nothing is asked")
	}
	return next, p.request(next, (&http.Request{}).WithContext(t.Context()))
}

// TestMix counts what many requests ask for.
func TestMix(t *testing.T) {
	p := loggedIn(t, DemoScenario(), 50)
	patterns := map[string]*regexp.Regexp{
		"product": regexp.MustCompile(`^GET /base/products/\d+$`), "list": regexp.MustCompile(`^GET /base/products(\?(after|category)=\d+)?$`),
		"search": regexp.MustCompile(`^POST /base/products/search$`), "categories": regexp.MustCompile(`^GET /base/categories$`),
		"me": regexp.MustCompile(`^GET /base/users/me$`), "health": regexp.MustCompile(`^GET /base/health$`),
		"order": regexp.MustCompile(`^POST /base/orders$`), "login": regexp.MustCompile(`^POST /base/auth/login$`),
	}
	const draws = 50_000
	got := map[string]float64{}
	for range draws {
		next, req := draw(t, p)
		if next.route.account && next.who.user == "" {
			t.Fatalf("a guest asks for %s", next.route.name)
		}
		known := false
		for name, pattern := range patterns {
			if pattern.MatchString(req.Method + " " + req.URL.RequestURI()) {
				got[name]++
				known = true
			}
		}
		if !known {
			t.Fatalf("unexpected request %s %s", req.Method, req.URL)
		}
		if next.body != "" && (!json.Valid([]byte(next.body)) || strings.ContainsAny(next.body, "<>") || req.Header.Get("Content-Type") != "application/json") {
			t.Fatalf("body %s", next.body)
		}
	}
	// Guests, 15 % of the load, ask the rest in the place of accounts and orders.
	want := map[string]float64{"product": 40, "list": 30, "search": 15, "categories": 8, "health": 2, "login": 0.5}
	for name := range want {
		want[name] *= 0.85 + 0.15*100/95.5
	}
	want["me"], want["order"] = 0.85*3, 0.85*1.5
	for name, percent := range want {
		n, e := got[name], percent/100*draws
		if math.Abs(n-e) > 5*math.Sqrt(e) {
			t.Errorf("%s: %.0f of %d, want about %.0f", name, n, draws, e)
		}
	}
}

// TestOrders: an order has each product once, and who has made it looks at it
// next, once.
func TestOrders(t *testing.T) {
	p := loggedIn(t, DemoScenario(), 50)
	var order *route
	for range 20_000 {
		next, _ := draw(t, p)
		if next.route.follow == nil {
			continue
		}
		order = next.route
		var body struct {
			Items []struct {
				Product  int `json:"product_id"`
				Quantity int
			}
		}
		if err := json.Unmarshal([]byte(next.body), &body); err != nil || len(body.Items) < 1 || len(body.Items) > 3 {
			t.Fatalf("%s: %v", next.body, err)
		}
		seen := map[int]bool{}
		for _, item := range body.Items {
			if seen[item.Product] || item.Product < 1 || item.Product > products || item.Quantity < 1 || item.Quantity > 3 {
				t.Fatalf("order %s", next.body)
			}
			seen[item.Product] = true
		}
	}
	who := p.crowd.callers[3][0]
	who.follow.Store(&followUp{route: order.follow, path: "/orders/77?x=%2F"})
	looked := 0
	for range 1000 {
		if next, req := draw(t, p); next.route == order.follow {
			looked++
			if next.who != who || req.Method != "GET" || req.URL.RequestURI() != "/base/orders/77?x=%2F" || next.route.name != "/orders/{id}" || req.Header.Get("Authorization") != "Bearer t" {
				t.Errorf("the order is asked for by %+v", req)
			}
		}
	}
	if looked != 1 {
		t.Errorf("the order is looked at %d times", looked)
	}
}

// TestCrowd: at any rate no caller but the abuser comes near its limits, as long
// as there are enough accounts.
func TestCrowd(t *testing.T) {
	limits := map[string]float64{"guest": 100, "basic": 500, "premium": 2000, "admin": 10000}
	for _, rps := range []float64{10, 50, 100, 500, 2000} {
		c := newCrowd(DemoScenario(), Spec{Stages: []Stage{{0, rps, rps}}})
		for i, tier := range c.tiers {
			hourly := rps * tier.Share / 100 * 3600 / float64(tier.Identities) * 0.83
			if hourly > 0.85*limits[tier.Tier] || len(c.callers[i]) != tier.Identities {
				t.Errorf("at %v a second a %s caller asks %.0f times an hour, of %v allowed", rps, tier.Tier, hourly, limits[tier.Tier])
			}
		}
	}
	// Other shares need other numbers of callers; given numbers stay.
	tiers := []TierShare{{"guest", 60, 0}, {"basic", 30, 0}, {"admin", 10, 3}}
	c := newCrowd(DemoScenario(), Spec{Tiers: tiers, Stages: []Stage{{0, 50, 50}}})
	if c.tiers[0].Identities != 1200 || c.tiers[1].Identities != 144 || c.tiers[2].Identities != 3 {
		t.Errorf("%+v", c.tiers)
	}
}

// TestShares counts who asks.
func TestShares(t *testing.T) {
	p := loggedIn(t, DemoTraffic(), 50)
	const draws = 50_000
	got, abuse := map[string]float64{}, map[string]float64{}
	for range draws {
		next, req := draw(t, p)
		who := next.who.name
		if got[who]++; next.who == p.crowd.abuser {
			abuse[req.URL.Path]++
			if req.Header.Get("X-Client-Id") != "scraper" || req.Header.Get("Authorization") != "" {
				t.Fatalf("the abuser shows %v", req.Header)
			}
		}
	}
	const abuser = 1.7 / 50
	want := map[string]float64{"scraper": abuser, "guest": 0.15 * (1 - abuser), "basic": 0.25 * (1 - abuser), "premium": 0.35 * (1 - abuser), "admin": 0.25 * (1 - abuser)}
	for who, share := range want {
		if e := share * draws; math.Abs(got[who]-e) > 5*math.Sqrt(e) {
			t.Errorf("%s: %.0f of %d, want about %.0f", who, got[who], draws, e)
		}
	}
	// Seconds until the abuser's ten logins are used up.
	if span := draws / 50.0; 10/(abuse["/base/auth/login"]/span) > 20 || abuse["/base/products"]/span < 0.9 {
		t.Errorf("the abuser does %v in %v seconds, want 0.7 logins and one list a second", abuse, span)
	}
}

// TestKeys: the most wanted product is 42, all ids are in range, and the spec's
// keys replace the scenario's.
func TestKeys(t *testing.T) {
	for _, n := range []int{1, 10, 1000, spread, 50_000} {
		src := sources(DemoScenario(), Keys{Exponent: 0.99, Count: n})["key"]
		rng := rand.New(rand.NewPCG(1, 1))
		seen := map[int]int{}
		for range 20_000 {
			id := src.number(rng)
			if id < 1 || id > n {
				t.Fatalf("product %d of %d", id, n)
			}
			seen[id]++
		}
		for id, k := range seen {
			if n >= 42 && n != spread && k > seen[42] {
				t.Errorf("of %d products %d is wanted more often than 42: %d to %d", n, id, k, seen[42])
			}
		}
	}
	src, ids := sources(DemoScenario(), Keys{})["key"], map[int]bool{}
	for rank := range products {
		ids[(rank*src.step+src.hot)%products+1] = true
	}
	if len(ids) != products {
		t.Errorf("%d ranks give %d ids", products, len(ids))
	}
}

// TestZipfShares compares with the known shares of the most wanted.
func TestZipfShares(t *testing.T) {
	tests := []struct {
		n          int
		s          float64
		top1, top9 float64 // shares of the first, and of the first ten
	}{
		{1000, 0.8, 0.065, 0.23}, {1000, 0.99, 0.129, 0.382}, {1000, 1.1, 0.179, 0.481},
		{100, 0.99, 0.189, 0.558}, {10000, 0.99, 0.098, 0.289}, {1, 0.99, 1, 1}, {10, 0, 0.1, 1}, {100, 0, 0.01, 0.1},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range tests {
		z := newZipf(tt.n, tt.s)
		const draws = 200_000
		first, ten := 0, 0
		for range draws {
			k := z.draw(rng)
			if k < 0 || k >= tt.n {
				t.Fatalf("n=%d: rank %d", tt.n, k)
			}
			if k == 0 {
				first++
			}
			if k < 10 {
				ten++
			}
		}
		if a, b := float64(first)/draws, float64(ten)/draws; math.Abs(a-tt.top1) > 0.006 || math.Abs(b-tt.top9) > 0.006 {
			t.Errorf("n=%d s=%v: shares %.3f and %.3f, want %.3f and %.3f", tt.n, tt.s, a, b, tt.top1, tt.top9)
		}
	}
}

// TestTemplates: values cannot break what they are put into.
func TestTemplates(t *testing.T) {
	nasty := "a/b?c&d=\"e\" {n}\n"
	known := map[string]*source{"v": newSource(Values{List: []string{nasty}}), "k": newSource(Values{Keys: Keys{Count: 1}, First: 7})}
	who := &caller{number: 5, name: "basic", user: "basic5"}
	tests := map[string]struct {
		text string
		as   encoding
		want string
	}{
		"path":        {"/p/{v}/{k}?q={v}&n={n}", inPath, "/p/a%2Fb%3Fc&d=%22e%22%20%7Bn%7D%0A/7?q=a%2Fb%3Fc%26d%3D%22e%22+%7Bn%7D%0A&n=5"},
		"JSON":        {`{"q":"{v}","id":{k},"who":"{user}","x":{}}`, inJSON, `{"q":"a/b?c\u0026d=\"e\" {n}\n","id":7,"who":"basic5","x":{}}`},
		"caller":      {"{tier}-{n}-{user}", inHeader, "basic-5-basic5"},
		"fixed":       {"/health", inPath, "/health"},
		"unknown":     {"{a b}{A}{}", inHeader, "{a b}{A}{}"},
		"empty":       {"", inHeader, ""},
		"only values": {"{k}{k}", inHeader, "77"},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for name, tt := range tests {
		if got := newTemplate(tt.text, known).render(who, rng, tt.as); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := newTemplate("{user}", nil).render(&caller{number: 5}, rng, inHeader); got != "visitor5" {
		t.Errorf("a guest is called %q", got)
	}
}

// TestLoginInLoad: each user logs in once, before anything else, and again only
// after a failure and a pause.
func TestLoginInLoad(t *testing.T) {
	r, err := New(Spec{Target: "http://shop", Scenario: DemoScenario(), Stages: []Stage{{0, 50, 50}}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	logins := map[*caller]int{}
	for range 20_000 {
		next, _ := r.planner.next(now, 50)
		if next.login {
			logins[next.who]++
		} else if next.who.user != "" {
			t.Fatalf("%s asks for %s without a token", next.who.user, next.route.name)
		}
	}
	if len(logins) != 165 {
		t.Errorf("%d users logged in, want 120 basic, 40 premium, 5 admin", len(logins))
	}
	for who, n := range logins {
		if n != 1 {
			t.Errorf("%s logs in %d times at once", who.user, n)
		}
		who.failed(now)
	}
	again := func(at time.Time) (n int) {
		for range 1000 {
			if next, _ := r.planner.next(at, 50); next.login {
				n++
			}
		}
		return n
	}
	if again(now.Add(retryLogin-1)) != 0 || again(now.Add(retryLogin)) == 0 {
		t.Error("users try again at once, or never")
	}
}

// TestScenariosAreOwned: changing one does not change the next.
func TestScenariosAreOwned(t *testing.T) {
	a := DemoScenario()
	a.Requests[0].Weight, a.Tiers[0].Share, a.Values["key"] = 0, 0, Values{}
	if b := DemoScenario(); b.Requests[0].Weight != 40 || b.Tiers[0].Share != 15 || b.Values["key"].Count != products || b.Abuser != nil {
		t.Errorf("%+v", b)
	}
	sum := 0.0
	for _, r := range DemoScenario().Requests {
		sum += r.Weight
	}
	if math.Abs(sum-100) > 1e-9 || !slices.Equal(searchTerms()[:2], []string{"lamp", "desk"}) {
		t.Errorf("the weights add up to %v", sum)
	}
}
