package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// request is what is to be sent.
type request struct {
	method, path string
	body         string // JSON; "" for none
	who          *caller
	login        bool // its answer has a token for who
}

// planner decides what is sent next. It belongs to one goroutine; with the same
// seed it decides the same, as long as logins take the same time.
type planner struct {
	rng      *rand.Rand
	crowd    *crowd
	products zipf
	searches zipf
	terms    []string
	step     int // spreads hot products over the ids
	kinds    []kind
}

// kind is one kind of request with its share of the mix.
type kind struct {
	weight float64
	make   func(*caller) request
}

const (
	zipfExponent = 0.99 // measured on shops and caches again and again
	hottest      = 42   // the id of the most wanted product
	pageLength   = 20
	deepestPage  = 4
	categories   = 20
)

func newPlanner(c Config) *planner {
	p := &planner{
		rng: rand.New(rand.NewPCG(c.Seed, 0)), crowd: newCrowd(c.RPS, c.Calm),
		products: newZipf(c.Products, zipfExponent), terms: searchTerms(), step: 7919,
	}
	if c.Products%p.step == 0 { // then the step would not reach every id
		p.step = 1
	}
	p.searches = newZipf(len(p.terms), zipfExponent)
	p.kinds = p.mix()
	return p
}

// mix is the traffic of a shop: much looking, little buying. The weights add up
// to 100.
func (p *planner) mix() []kind {
	return []kind{
		{40.5, p.product},
		{30, p.list},
		{15, p.search},
		{8, get("/categories")},
		{3, p.me},
		{2, get("/health")},
		{1, p.order}, // each is looked at afterwards
		{0.5, p.relogin},
	}
}

// next decides on one request. A user without a token logs in first; while that
// takes its time a guest asks instead.
func (p *planner) next(now time.Time) request {
	who := p.crowd.pick(p.rng)
	if who == p.crowd.abuser {
		return p.abuse()
	}
	if who.name != "" && who.token.Load() == nil {
		if who.mayLogIn(now) {
			return login(who, who.name, password)
		}
		who = p.crowd.guest(p.rng)
	}
	if order := who.newOrder.Swap(nil); order != nil {
		return get(*order)(who)
	}
	u := p.rng.Float64() * 100
	for _, k := range p.kinds {
		if u < k.weight {
			return k.make(who)
		}
		u -= k.weight
	}
	return p.kinds[0].make(who) // only by rounding
}

func get(path string) func(*caller) request {
	return func(who *caller) request { return request{method: "GET", path: path, who: who} }
}

func login(who *caller, name, password string) request {
	return request{
		method: "POST", path: "/auth/login", who: who, login: true,
		body: fmt.Sprintf(`{"username":%q,"password":%q}`, name, password),
	}
}

// wanted is the id of a product by popularity.
func (p *planner) wanted() int {
	n := len(p.products.upTo)
	return (p.products.draw(p.rng)*p.step+hottest-1)%n + 1
}

func (p *planner) product(who *caller) request {
	return get(fmt.Sprint("/products/", p.wanted()))(who)
}

// list asks for a category's first page, or for one of the first pages of all
// products: each next page is asked for half as often.
func (p *planner) list(who *caller) request {
	if p.rng.IntN(2) == 0 {
		return get(fmt.Sprint("/products?category=", 1+p.rng.IntN(categories)))(who)
	}
	depth := 0
	for depth < deepestPage && p.rng.IntN(2) == 0 {
		depth++
	}
	if depth == 0 {
		return get("/products")(who)
	}
	return get(fmt.Sprint("/products?after=", depth*pageLength))(who)
}

func (p *planner) search(who *caller) request {
	term := p.terms[p.searches.draw(p.rng)]
	return request{method: "POST", path: "/products/search", body: fmt.Sprintf(`{"query":%q}`, term), who: who}
}

// me is for users; a guest has no account to look at.
func (p *planner) me(who *caller) request {
	if who.name == "" {
		return p.product(who)
	}
	return get("/users/me")(who)
}

// order buys one to three products. What is bought is spread evenly, or the most
// wanted products would be out of stock after a day. A guest only looks.
func (p *planner) order(who *caller) request {
	if who.name == "" {
		return p.product(who)
	}
	n, first := 1+p.rng.IntN(3), p.rng.IntN(len(p.products.upTo))
	lines := make([]string, n)
	for i := range lines {
		id := (first+i)%len(p.products.upTo) + 1
		lines[i] = fmt.Sprintf(`{"product_id":%d,"quantity":%d}`, id, 1+p.rng.IntN(3))
	}
	return request{method: "POST", path: "/orders", body: `{"items":[` + strings.Join(lines, ",") + `]}`, who: who}
}

// relogin is a user on a new device, or a guest who forgot that there is no
// account.
func (p *planner) relogin(who *caller) request {
	if who.name == "" {
		r := login(who, "visitor"+who.client, password)
		r.login = false
		return r
	}
	return login(who, who.name, password)
}

func (p *planner) abuse() request {
	who := p.crowd.abuser
	if p.rng.Float64()*abuseRPS < abuseListRPS {
		return get(fmt.Sprint("/products?after=", p.rng.IntN(deepestPage+1)*pageLength))(who)
	}
	r := login(who, abuserUser, fmt.Sprint("guess", p.rng.IntN(abuserPasswords)))
	r.login = false
	return r
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
