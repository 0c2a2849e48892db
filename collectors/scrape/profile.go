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
	scale    float64
	only     match
	except   match
}

// choose finds the mapping of a page: by the rows of known libraries, else by
// what its families look like.
func choose(v *view, rows []dialect) (mapping, bool) {
	for _, d := range rows {
		if m, ok := d.on(v); ok {
			return v.joinable(m), true
		}
	}
	m, ok := v.guess()
	return v.joinable(m), ok
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
	for _, f := range v.families {
		prefix, ok := fits(leading, f.norm)
		if !ok || f.shape != shapes && (f.shape != maybe || shapes == distribution) {
			continue
		}
		e := v.evidence(f)
		if !hasAll(e, d.labels) {
			continue
		}
		r := roles{route: strings.Fields(d.route), status: d.status, method: d.method}
		m := mapping{dialect: d.name, counts: r, times: r, only: d.only, except: d.except}
		if d.counter != "" {
			m.counter = f.name
		}
		if t := v.byName[strings.Replace(d.duration, "*", prefix, 1)]; t != nil && t.shape == distribution {
			m.duration, m.scale = t.name, d.scale(v, t)
		}
		return m, true
	}
	return mapping{}, false
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
func (v *view) scale(f *family) float64 {
	low, high, n, total := math.Inf(1), 0.0, 0.0, 0.0
	for _, g := range v.table.groups {
		if g.base != f.name {
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
	return scaleOf(f, low, high, mean)
}

// present tells whether a family of m is still on the page.
func (m mapping) present(t *table) bool {
	return m.counter != "" && t.metrics[m.counter] != nil ||
		m.duration != "" && t.distributes(m.duration)
}

// same tells whether two mappings read the same families the same way.
func (m mapping) same(o mapping) bool {
	return m.counter == o.counter && m.duration == o.duration && m.scale == o.scale &&
		m.only == o.only && m.except == o.except && m.counts.same(o.counts) && m.times.same(o.times)
}

func (r roles) same(o roles) bool {
	return r.status == o.status && r.method == o.method && slices.Equal(r.route, o.route)
}

// settle finds the mapping for a page that changed. A mapping once found stays
// as long as its families do, as other families have other totals, which would
// look like a burst of requests; it only gains a histogram that was missing.
func (m mapping) settle(t *table, rows []dialect) mapping {
	if m.present(t) && m.duration != "" {
		return m
	}
	found, ok := choose(newView(t), rows)
	switch {
	case !ok:
		return m
	case !m.present(t):
		return found
	case found.counter == m.counter:
		return found
	}
	return m
}
