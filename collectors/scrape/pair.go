package scrape

import (
	"cmp"
	"math"
	"strings"
)

// pair tells whether a counter and a histogram count the same requests: they
// share a stem, or at least the part about requests and their totals, or their
// figures agree route by route.
func (v *view) pair(c, d candidate) bool {
	if c.says().stem == d.says().stem {
		return true
	}
	return loose(c.says().stem) == loose(d.says().stem) && alike(c.total, d.total) || v.twins(c, d)
}

// loose is a stem without the words for requests.
func loose(stem string) string {
	stem = strings.TrimSuffix(strings.ReplaceAll(stem, "http_", ""), "request")
	return strings.TrimSuffix(stem, "_")
}

// agreeing is how far two totals of the same requests may be apart: they are
// counted at different moments, and not everything is timed.
const agreeing = 0.05

func alike(a, b float64) bool { return a > 0 && math.Abs(a-b) <= agreeing*a }

// leastTwins is how many requests figures that agree must be of, so that it is
// no chance.
const leastTwins = 20

// twins tells whether two families of any names count the same requests, as the
// figures of their routes show: each of several routes has as many in both.
func (v *view) twins(c, d candidate) bool {
	if c.total < leastTwins || !alike(c.total, d.total) {
		return false
	}
	counts, times := v.byRoute(c), v.byRoute(d)
	apart, both := 0.0, 0
	for route, n := range counts {
		apart += math.Abs(n - times[route])
		if n > 0 && times[route] > 0 && route != "" {
			both++
		}
	}
	for route, n := range times {
		if _, known := counts[route]; !known {
			apart += n
		}
	}
	return both > 1 && apart <= agreeing*c.total
}

// byRoute adds up a family's samples by what its labels say of the route, once.
func (v *view) byRoute(c candidate) map[string]float64 {
	if known := v.routes[c.family]; known != nil {
		return known
	}
	totals := map[string]float64{}
	for _, s := range v.samples(c.family) {
		if finite(s.value) && (s.role != isBucket || math.IsInf(s.le, 1)) && len(c.roles.route) > 0 {
			x := c.roles.meta("", v.table.labelsOf(s))
			totals[x.Route.Raw()] += s.value
		}
	}
	v.routes[c.family] = totals
	return totals
}

// bonus prefers, of histograms that look alike, the one with a counter.
func (v *view) bonus(d candidate, counters []candidate) int {
	for _, c := range counters {
		if v.pair(c, d) {
			return 1
		}
	}
	return 0
}

// ended finds the counter that has the statuses, where the family that counts
// the requests by route has none: the error ratio of all of them is known then,
// though not that of a route.
func (v *view) ended(m mapping) mapping {
	m.statuses, m.ends = "", roles{}
	f := v.byName[normal(cmp.Or(m.counter, m.duration))]
	if f == nil || v.evidence(f).has(m.counts.status) || !hasAny(v.evidence(f), m.counts.route) {
		return m
	}
	own := candidate{family: f, roles: m.counts, total: v.total(f)}
	counters, _ := v.candidates(f.topic().call)
	found := top(counters, func(c candidate) int {
		if c.family == f || c.roles.status == "" || !v.pair(c, own) || !near(c.total, own.total) {
			return 0
		}
		return c.score
	})
	if found != nil {
		m.statuses = found.sample
		m.ends = roles{status: found.roles.status, kind: found.roles.kind}
	}
	return m
}

// near tells whether two totals may be of the same requests, though some are not
// in one of them. Few say nothing.
func near(a, b float64) bool {
	return max(a, b) < leastTwins || max(a, b) <= 2*min(a, b)
}
