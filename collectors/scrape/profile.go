package scrape

import (
	"math"
	"slices"
	"strings"
)

// mapping says which families of a page count and time the service's requests,
// and what their labels mean. The zero mapping has neither.
type mapping struct {
	dialect  string // name of the library; empty: found by what the page holds
	counter  string // sample name as on the page; empty: the duration's count
	counts   roles  // labels of the counter
	duration string // family name as on the page; empty: none
	times    roles  // labels of the duration
	statuses string // sample name of another counter of the same requests, which has the statuses; empty: none
	ends     roles  // its labels
	scale    float64
	only     []match
	except   []match
	ignored  []string // families that count the same requests again
	why      []string // a line each: what was decided by what
	unit     bool     // the library's unit is known
	unsure   bool     // the unit may be another: there were few observations yet
	rank     int      // how much it says; a page's mapping gives way only to a higher one
}

// choose finds the mapping of a page: by the rows of known libraries, else by
// what its families look like. Remote procedure calls are looked at last, as
// they are beside HTTP where there is any.
func choose(v *view, rows []dialect) (mapping, bool) {
	for _, late := range [...]bool{false, true} {
		for i, d := range rows {
			if d.late != late {
				continue
			}
			if m, ok := d.on(v); ok {
				m.rank = len(rows) - i
				return v.finish(m, rows), true
			}
		}
		if m, ok := v.guess(late); ok {
			return v.finish(m, rows), true
		}
	}
	m, ok := v.bare()
	if !ok {
		return m, false
	}
	return v.finish(m, rows), true
}

// perSaying is above the rank of any row.
const perSaying = 1000

// finish rates a mapping and says how it came about.
func (v *view) finish(m mapping, rows []dialect) mapping {
	m = v.ended(v.joinable(m))
	m.rank += perSaying * v.says(m)
	if f := v.byName[normal(m.duration)]; f != nil && m.duration != "" {
		m.unsure = !m.unit && !v.table.measure(f.name).sure(f)
	}
	m.ignored = v.again(m, rows)
	m.why = v.reasons(m)
	return m
}

// says rates how much a mapping says of the requests: status, route, durations,
// in this order.
func (v *view) says(m mapping) int {
	counts, times := v.byName[normal(m.counter)], v.byName[normal(m.duration)]
	n := 0
	if m.duration != "" && times != nil {
		n++
	}
	if m.counter == "" {
		counts = times
	}
	if counts == nil {
		return n
	}
	e := v.evidence(counts)
	switch {
	case e.has(m.counts.status):
		n += 4
	case m.statuses != "":
		n += 3
	}
	if hasAny(e, m.counts.route) {
		n += 2
	}
	return n
}

// joinable drops the method where only one of counter and duration has it:
// their routes could not be joined, as each would have rows of its own.
func (v *view) joinable(m mapping) mapping {
	c, d := v.byName[normal(m.counter)], v.byName[normal(m.duration)]
	if c == nil || d == nil || m.counter == "" || m.duration == "" {
		return m
	}
	counts, times := v.evidence(c), v.evidence(d)
	if !hasAny(counts, m.counts.route) || !hasAny(times, m.times.route) {
		return m
	}
	if counts.has(m.counts.method) != times.has(m.times.method) {
		m.counts.method, m.times.method = "", ""
	}
	return m
}

func hasAny(e *evidence, labels []string) bool { return slices.ContainsFunc(labels, e.has) }

// on tells whether the row fits the page.
func (d dialect) on(v *view) (mapping, bool) {
	if d.needs != "" && v.byName[d.needs] == nil {
		return mapping{}, false
	}
	leading, shapes := d.counter, counting
	if d.counter == "" {
		leading, shapes = d.duration, distribution
	}
	for _, f := range v.named(leading) {
		prefix, ok := fits(leading, f.norm)
		usable := f.shape == shapes || shapes == counting && (f.shape == maybe || f.shape == gauging && d.gauges)
		if !ok || !usable {
			continue
		}
		e := v.evidence(f)
		if !hasAll(e, d.labels) {
			continue
		}
		t := v.byName[strings.Replace(d.duration, "*", prefix, 1)]
		if t == nil && d.duration != "" {
			t = v.partner(f, func(x *family) bool { return x.shape == distribution && timed(x) })
		}
		if t != nil && t.shape != distribution {
			t = nil
		}
		m := d.mapping(v, f, t)
		if v.wanted(m, f) {
			return m, true
		}
	}
	return mapping{}, false
}

// mapping reads the requests from f as the row says, and their times from t,
// which may be nil.
func (d dialect) mapping(v *view, f, t *family) mapping {
	m := mapping{dialect: d.name, counts: d.roles(v.evidence(f)), only: d.only, except: d.except}
	m.times = m.counts
	if d.counter != "" {
		m.counter = f.name
	}
	if t != nil {
		m.duration, m.scale, m.unit = t.name, d.scale(v, t), d.unit != ""
	}
	return m
}

// roles are the row's, with a route by the labels' values where the row's own
// labels are not on the page.
func (d dialect) roles(e *evidence) roles {
	r := roles{status: d.status, method: d.method, kind: d.kind}
	r.route = d.routeOn(e)
	if !hasAny(e, r.route) {
		found := routeOf(e, r)
		if len(found) > 0 && (e.labels[found[0]].path > 0 || routeNames.of(found[0]) >= 0) {
			r.route = found
		}
	}
	return r
}

// routeOn is the first of the row's choices of route labels that the family has,
// else the first.
func (d dialect) routeOn(e *evidence) []string {
	var first []string
	for choice := range strings.SplitSeq(d.route, ",") {
		labels := strings.Fields(choice)
		if first == nil {
			first = labels
		}
		if hasAny(e, labels) {
			return labels
		}
	}
	return first
}

// wanted tells whether any series of f is left by what the mapping leaves out.
func (v *view) wanted(m mapping, f *family) bool {
	if len(m.only) == 0 && len(m.except) == 0 {
		return true
	}
	return slices.ContainsFunc(v.samples(f), func(s *series) bool { return m.wants(v.table.labelsOf(s)) })
}

// named lists the families that a row's pattern may mean.
func (v *view) named(pattern string) []*family {
	if strings.HasPrefix(pattern, "*") {
		return v.families
	}
	if f := v.byName[pattern]; f != nil {
		return []*family{f}
	}
	return nil
}

// fits tells whether name is pattern, and what its * stands for.
func fits(pattern, name string) (prefix string, ok bool) {
	if end, star := strings.CutPrefix(pattern, "*"); star {
		return strings.CutSuffix(name, end)
	}
	return "", pattern == name
}

func hasAll(e *evidence, labels string) bool {
	for l := range strings.FieldsSeq(labels) {
		if !e.has(l) {
			return false
		}
	}
	return true
}

func (d dialect) scale(v *view, f *family) float64 {
	if d.unit != "" && unitOf(f) == 0 {
		return perSecond[d.unit]
	}
	return v.scale(f)
}

// scale is how many of the family's units make a second.
func (v *view) scale(f *family) float64 { return v.table.measure(f.name).scale(f) }

// measured is what a family's numbers say of its unit.
type measured struct {
	low, high float64 // finite bounds at the ends of its ladder; 0 without
	n, mean   float64 // observations and their average
}

func (m measured) scale(f *family) float64 { return scaleOf(f, m.low, m.high, m.mean) }

// enoughObservations is how many an average must be of to say the unit.
const enoughObservations = 20

// sure tells whether more observations can change nothing.
func (m measured) sure(f *family) bool {
	return m.high > 0 || m.n >= enoughObservations || unitOf(f) > 1
}

// measure looks at all histograms of a family.
func (t *table) measure(name string) measured {
	low, high, n, total := math.Inf(1), 0.0, 0.0, 0.0
	for _, g := range t.groups {
		if g.base != name {
			continue
		}
		for _, b := range g.buckets {
			if !math.IsInf(b.le, 0) {
				low, high = min(low, b.le), max(high, b.le)
			}
		}
		if g.count != nil && g.sum != nil && finite(g.count.value) && finite(g.sum.value) {
			n, total = n+g.count.value, total+g.sum.value
		}
	}
	if high == 0 {
		low = 0
	}
	mean := 0.0
	if n > 0 {
		mean = total / n
	}
	return measured{low: low, high: high, n: n, mean: mean}
}

// present tells whether a family of m is still on the page.
func (m mapping) present(t *table) bool {
	return m.counter != "" && t.metrics[m.counter] != nil ||
		m.duration != "" && t.distributes(m.duration)
}

// same tells whether two mappings read the same families the same way.
func (m mapping) same(o mapping) bool {
	return m.counter == o.counter && m.duration == o.duration && m.statuses == o.statuses && m.scale == o.scale &&
		slices.Equal(m.only, o.only) && slices.Equal(m.except, o.except) && m.counts.same(o.counts) && m.times.same(o.times) && m.ends.same(o.ends)
}

func (r roles) same(o roles) bool {
	return r.status == o.status && r.method == o.method && slices.Equal(r.route, o.route)
}
