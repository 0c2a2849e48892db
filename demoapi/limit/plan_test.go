package limit_test

import (
	"math"
	"testing"
	"time"

	"apitop/demoapi/limit"
)

func TestQuota(t *testing.T) {
	p := limit.DefaultPlan()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	classes := []limit.Class{limit.Search, limit.Orders, limit.Login, limit.Default}
	tests := map[limit.Tier][4]int{
		limit.Guest:   {50, 30, 10, 100},
		limit.Basic:   {250, 150, 50, 500},
		limit.Premium: {1000, 600, 200, 2000},
		limit.Admin:   {5000, 3000, 1000, 10000},
		"unknown":     {50, 30, 10, 100},
	}
	for tier, want := range tests {
		for i, class := range classes {
			if got := p.Quota(tier, class); got.Limit != want[i] || got.Window != time.Hour {
				t.Errorf("Quota(%s, %s) = %+v, want %d per hour", tier, class, got, want[i])
			}
		}
	}
}

func TestQuotaRounding(t *testing.T) {
	tests := map[string]struct {
		requests   int
		multiplier float64
		want       int
	}{
		"noise of floats":    {100, 0.29, 29},
		"down":               {10, 0.19, 1},
		"never to nothing":   {1, 0.1, 1},
		"more than the tier": {100, 1.5, 150},
	}
	for name, tt := range tests {
		p := limit.Plan{
			Window: time.Hour, Requests: map[limit.Tier]int{limit.Guest: tt.requests},
			Multipliers: map[limit.Class]float64{limit.Orders: tt.multiplier},
		}
		if got := p.Quota(limit.Guest, limit.Orders).Limit; got != tt.want {
			t.Errorf("%s: %d x %v = %d, want %d", name, tt.requests, tt.multiplier, got, tt.want)
		}
	}
}

func TestOverallQuota(t *testing.T) {
	p := limit.DefaultPlan()
	for tier, want := range map[limit.Tier]int{limit.Guest: 150, limit.Basic: 750, limit.Premium: 3000, limit.Admin: 15000, "unknown": 150} {
		if got := p.OverallQuota(tier); got != (limit.Quota{Limit: want, Window: time.Hour}) {
			t.Errorf("OverallQuota(%s) = %+v, want %d per hour", tier, got, want)
		}
	}
	p.Overall = 0
	if got := p.OverallQuota(limit.Guest); got != (limit.Quota{}) || p.Check() != nil {
		t.Errorf("a plan without: %+v, %v", got, p.Check())
	}
}

func TestClass(t *testing.T) {
	p := limit.DefaultPlan()
	tests := map[string]limit.Class{
		"/orders":              limit.Orders,
		"/orders/{id}":         limit.Orders,
		"/orders/{id}/lines":   limit.Orders,
		"/ordersheet":          limit.Default,
		"/products/search":     limit.Search,
		"/products/{id}":       limit.Default,
		"/products":            limit.Default,
		"/auth/login":          limit.Login,
		"/auth":                limit.Default,
		"/":                    limit.Default,
		"":                     limit.Default,
		"default":              limit.Default,
		"/v2/orders":           limit.Default,
		"/products/searchable": limit.Default,
	}
	for route, want := range tests {
		if got := p.Class(route); got != want {
			t.Errorf("Class(%q) = %q, want %q", route, got, want)
		}
	}
	p.Multipliers["/orders/{id}/refund"] = 0.01
	if got := p.Class("/orders/{id}/refund"); got != "/orders/{id}/refund" {
		t.Errorf("the longest class does not win: %q", got)
	}
}

func TestCheck(t *testing.T) {
	tests := map[string]func(*limit.Plan){
		"no window":             func(p *limit.Plan) { p.Window = 0 },
		"no guests":             func(p *limit.Plan) { delete(p.Requests, limit.Guest) },
		"a tier of nothing":     func(p *limit.Plan) { p.Requests["x"] = 0 },
		"multiplier 0":          func(p *limit.Plan) { p.Multipliers["/x"] = 0 },
		"multiplier NaN":        func(p *limit.Plan) { p.Multipliers["/x"] = math.NaN() },
		"overall negative":      func(p *limit.Plan) { p.Overall = -1 },
		"overall NaN":           func(p *limit.Plan) { p.Overall = math.NaN() },
		"overall infinite":      func(p *limit.Plan) { p.Overall = math.Inf(1) },
		"overall below a tier":  func(p *limit.Plan) { p.Overall = 0.9; clear(p.Multipliers) },
		"overall below a class": func(p *limit.Plan) { p.Multipliers[limit.Search] = 2 },
		"multiplier infinite":   func(p *limit.Plan) { p.Multipliers["/x"] = math.Inf(1) },
	}
	for name, spoil := range tests {
		p := limit.DefaultPlan()
		spoil(&p)
		if p.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
