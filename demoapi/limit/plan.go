package limit

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Tier is what a caller has signed up for.
type Tier string

// The tiers of the demo.
const (
	Guest   Tier = "guest" // no account
	Basic   Tier = "basic"
	Premium Tier = "premium"
	Admin   Tier = "admin"
)

// Class is a group of routes with a quota of its own, named by the route that
// gave it its name.
type Class string

// The classes of the demo.
const (
	Search  Class = "/products/search"
	Orders  Class = "/orders"
	Login   Class = "/auth/login"
	Default Class = "default" // everything else
)

// Quota is how many requests are allowed within a period of that length.
type Quota struct {
	Limit  int           // >= 1
	Window time.Duration // > 0
}

// Plan says who may do how much. It is data: reading it concurrently is safe,
// and nothing changes it.
type Plan struct {
	Window      time.Duration     // of every quota
	Requests    map[Tier]int      // per window, before the multiplier; >= 1
	Multipliers map[Class]float64 // > 0; a class not listed has 1
	// Overall times a tier's requests is what one of its users may do over all
	// classes; 0: there is no such quota.
	Overall float64
}

// DefaultPlan has the demo's four tiers and four multipliers.
func DefaultPlan() Plan {
	return Plan{
		Window:   time.Hour,
		Requests: map[Tier]int{Guest: 100, Basic: 500, Premium: 2000, Admin: 10000},
		Multipliers: map[Class]float64{
			Search:  0.5, // costs more than reading
			Orders:  0.3, // changes data
			Login:   0.1, // guessing passwords
			Default: 1,
		},
		Overall: 1.5, // less than all classes together, which come to 1.9
	}
}

// Check reports what makes the plan unusable.
func (p Plan) Check() error {
	if p.Window < time.Millisecond {
		return fmt.Errorf("limit: window %v: want at least 1ms", p.Window)
	}
	if _, ok := p.Requests[Guest]; !ok {
		return fmt.Errorf("limit: the plan has no tier %q, which callers without an account get", Guest)
	}
	for tier, n := range p.Requests {
		if n < 1 {
			return fmt.Errorf("limit: tier %q has %d requests: want at least 1", tier, n)
		}
	}
	for class, m := range p.Multipliers {
		if !(m > 0) || math.IsInf(m, 0) {
			return fmt.Errorf("limit: class %q has the multiplier %v: want more than 0", class, m)
		}
	}
	return p.checkOverall()
}

// checkOverall: a class that may do more than all classes together would promise
// what it never gives. A class that is not listed has 1.
func (p Plan) checkOverall() error {
	if p.Overall == 0 {
		return nil
	}
	for _, m := range p.Multipliers {
		if p.Overall < m {
			return fmt.Errorf("limit: the overall factor %v: want at least that of each class, such as %v", p.Overall, m)
		}
	}
	if !(p.Overall >= 1) || math.IsInf(p.Overall, 0) {
		return fmt.Errorf("limit: the overall factor %v: want 0 or at least 1", p.Overall)
	}
	return nil
}

// Quota returns what the tier may do in the class: requests times multiplier,
// rounded down, at least 1. An unknown tier gets a guest's quota.
func (p Plan) Quota(tier Tier, class Class) Quota {
	m, ok := p.Multipliers[class]
	if !ok {
		m = 1
	}
	return p.quota(tier, m)
}

// OverallQuota returns what a user of the tier may do over all classes; zero if
// the plan has no such quota. An unknown tier gets a guest's.
func (p Plan) OverallQuota(tier Tier) Quota {
	if p.Overall == 0 {
		return Quota{}
	}
	return p.quota(tier, p.Overall)
}

func (p Plan) quota(tier Tier, m float64) Quota {
	n, ok := p.Requests[tier]
	if !ok {
		n = p.Requests[Guest]
	}
	// The summand keeps 100 x 0.29 = 28.999999999999996 from losing one.
	return Quota{Limit: max(1, int(float64(n)*m+1e-6)), Window: p.Window}
}

// Class returns the class of a route, the path of a mux pattern: the listed
// class that equals it or of which it is a sub-path, else [Default]. So
// "/orders/{id}" counts as [Orders]. The longest match wins.
func (p Plan) Class(route string) Class {
	best := Default
	for class := range p.Multipliers {
		rest, ok := strings.CutPrefix(route, string(class))
		if ok && (rest == "" || rest[0] == '/') && (best == Default || len(class) > len(best)) {
			best = class
		}
	}
	return best
}
