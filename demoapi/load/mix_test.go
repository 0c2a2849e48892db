package load

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

// loggedIn is a planner whose users all have tokens.
func loggedIn(t *testing.T, cfg Config) *planner {
	t.Helper()
	cfg.URL = "http://shop"
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, callers := range g.planner.crowd.callers {
		for _, c := range callers {
			if c.name != "" {
				c.logged("t")
			}
		}
	}
	return g.planner
}

// TestMix counts what many requests ask for.
func TestMix(t *testing.T) {
	p := loggedIn(t, Config{RPS: 50, Seed: 3, Calm: true})
	patterns := map[string]*regexp.Regexp{
		"product": regexp.MustCompile(`^GET /products/\d+$`), "list": regexp.MustCompile(`^GET /products(\?(after|category)=\d+)?$`),
		"search": regexp.MustCompile(`^POST /products/search$`), "categories": regexp.MustCompile(`^GET /categories$`),
		"me": regexp.MustCompile(`^GET /users/me$`), "health": regexp.MustCompile(`^GET /health$`),
		"order": regexp.MustCompile(`^POST /orders$`), "login": regexp.MustCompile(`^POST /auth/login$`),
	}
	const draws = 100_000
	got := map[string]float64{}
	for range draws {
		r := p.next(time.Now())
		known := false
		for name, pattern := range patterns {
			if pattern.MatchString(r.method + " " + r.path) {
				got[name]++
				known = true
			}
		}
		if !known {
			t.Fatalf("unexpected request %+v", r)
		}
		if r.body != "" && !json.Valid([]byte(r.body)) {
			t.Fatalf("body %s", r.body)
		}
	}
	// Guests, 15 % of the traffic, look at products in place of accounts and orders.
	want := map[string]float64{
		"product": 40.5 + 0.15*(3+1), "list": 30, "search": 15, "categories": 8, "me": 0.85 * 3, "health": 2, "order": 0.85 * 1, "login": 0.5,
	}
	for name, percent := range want {
		n, e := got[name], percent/100*draws
		if math.Abs(n-e) > 5*math.Sqrt(e) {
			t.Errorf("%s: %.0f of %d, want about %.0f", name, n, draws, e)
		}
	}
}

// TestNewOrder: who has ordered looks at the order next, once.
func TestNewOrder(t *testing.T) {
	p := loggedIn(t, Config{RPS: 50, Seed: 3, Calm: true})
	path, looked := "/orders/77", 0
	who := p.crowd.callers[3][0]
	who.newOrder.Store(&path)
	for range 1000 {
		if r := p.next(time.Now()); r.path == path {
			looked++
			if r.who != who || r.method != "GET" {
				t.Errorf("the order is asked for by %+v", r)
			}
		}
	}
	if looked != 1 {
		t.Errorf("the order is looked at %d times", looked)
	}
}

// TestCrowd: at the base rate no caller but the abuser comes near its limits
// of the default class, and at four times the rate guests still do not.
func TestCrowd(t *testing.T) {
	limits := map[string]float64{"guest": 100, "basic": 500, "premium": 2000, "admin": 10000}
	for rps, tiers := range map[float64][]string{50: {"guest", "basic", "premium", "admin"}, 100: {"guest", "basic", "premium", "admin"}, 200: {"guest"}} {
		c := newCrowd(rps, true)
		for _, tier := range tiers {
			for i, g := range c.groups {
				if g.tier != tier {
					continue
				}
				hourly := rps * g.share * 3600 / float64(len(c.callers[i])) * 0.83
				if hourly > 0.85*limits[tier] {
					t.Errorf("at %v a second a %s caller asks %.0f times an hour, of %v allowed", rps, tier, hourly, limits[tier])
				}
			}
		}
	}
	sum := 0.0
	for _, g := range groups() {
		sum += g.share
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the shares add up to %v", sum)
	}
}

// TestShares counts who asks.
func TestShares(t *testing.T) {
	p := loggedIn(t, Config{RPS: 50, Seed: 5})
	const draws = 100_000
	got := map[string]float64{}
	abuse := map[string]float64{}
	for range draws {
		r := p.next(time.Now())
		switch {
		case r.who == p.crowd.abuser:
			got["abuser"]++
			abuse[strings.SplitN(r.path, "?", 2)[0]]++
		case r.who.name == "":
			got["guest"]++
		default:
			got[strings.TrimRight(r.who.name, "0123456789")]++
		}
	}
	abuser := abuseRPS / 50
	want := map[string]float64{"abuser": abuser, "guest": 0.15 * (1 - abuser), "basic": 0.25 * (1 - abuser), "premium": 0.35 * (1 - abuser), "admin": 0.25 * (1 - abuser)}
	for who, share := range want {
		if e := share * draws; math.Abs(got[who]-e) > 5*math.Sqrt(e) {
			t.Errorf("%s: %.0f of %d, want about %.0f", who, got[who], draws, e)
		}
	}
	// Seconds until the abuser's ten logins are used up.
	if span := draws / 50.0; 10/(abuse["/auth/login"]/span) > 20 || abuse["/products"]/span < 0.9 {
		t.Errorf("the abuser does %v in %v seconds, want 0.7 logins and one list a second", abuse, span)
	}
}

// TestHotProducts: the most wanted product is 42, and all ids are in range.
func TestHotProducts(t *testing.T) {
	for _, n := range []int{1, 10, 1000, 7919, 50_000} {
		p := loggedIn(t, Config{RPS: 50, Seed: 9, Products: n})
		seen := map[int]int{}
		for range 20_000 {
			id := p.wanted()
			if id < 1 || id > n {
				t.Fatalf("product %d of %d", id, n)
			}
			seen[id]++
		}
		for id, k := range seen {
			if n >= 42 && k > seen[42] {
				t.Errorf("of %d products %d is wanted more often than 42: %d to %d", n, id, k, seen[42])
			}
		}
	}
	p, ids := loggedIn(t, Config{RPS: 50, Products: 1000}), map[int]bool{}
	for rank := range 1000 {
		ids[(rank*p.step+hottest-1)%1000+1] = true
	}
	if len(ids) != 1000 {
		t.Errorf("1000 ranks give %d ids", len(ids))
	}
}

// TestLogins: each user logs in once, before anything else, and again only
// after a failure and a pause.
func TestLogins(t *testing.T) {
	g, err := New(Config{URL: "http://shop", RPS: 50, Seed: 1, Calm: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	logins := map[*caller]int{}
	for range 20_000 {
		r := g.planner.next(now)
		if r.login {
			logins[r.who]++
		} else if r.who.name != "" {
			t.Fatalf("%s asks for %s without a token", r.who.name, r.path)
		}
	}
	if len(logins) != 165 {
		t.Errorf("%d users logged in, want 120 basic, 40 premium, 5 admin", len(logins))
	}
	for who, n := range logins {
		if n != 1 {
			t.Errorf("%s logs in %d times at once", who.name, n)
		}
		who.failed(now)
	}
	for range 1000 {
		if r := g.planner.next(now.Add(retryLogin - 1)); r.login {
			t.Fatalf("%s tries again at once", r.who.name)
		}
	}
	again := 0
	for range 1000 {
		if g.planner.next(now.Add(retryLogin)).login {
			again++
		}
	}
	if again == 0 {
		t.Error("nobody tries again")
	}
}
