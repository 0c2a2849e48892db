package scrape

import (
	"fmt"
	"slices"
	"strings"
)

// Pin is what a user fixed of the mapping, as names on the page. What is empty
// is found by the Reader; the zero Pin fixes nothing.
type Pin struct {
	Counter  string   // sample name of the family that counts requests
	Duration string   // family that times them
	Route    []string // labels that make the route
	Status   string   // label with the status
	Method   string   // label with the method
	Unit     string   // of the duration: "seconds", "ms", "us" and the like
}

// Pin fixes parts of the mapping. It is for before the first Read.
func (r *Reader) Pin(p Pin) { r.pin = p }

// pinned is what the rank of a mapping gains by each family that is fixed, so
// that it replaces the one that was found before the family was on the page.
const pinned = 100_000

// apply puts what the user fixed in the place of what was found. A family that
// is fixed and not on the page changes nothing yet; see missing.
func (p Pin) apply(v *view, m mapping) mapping {
	if p.Counter == "" && p.Duration == "" && len(p.Route) == 0 && p.Status == "" && p.Method == "" && p.Unit == "" {
		return m
	}
	if f := v.family(p.Counter); f != nil {
		m = p.count(v, m, f)
		m.rank += pinned
	}
	if f := v.family(p.Duration); f != nil && f.shape == distribution {
		m = p.time(v, m, f)
		m.rank += pinned
	}
	m.counts, m.times = p.roles(m.counts), p.roles(m.times)
	if u := perSecond[strings.ToLower(p.Unit)]; u > 0 {
		m.scale, m.unsure = u, false
	}
	m = v.ended(m)
	m.why = slices.Concat(v.reasons(m), []string{"fixed by the configuration: " + p.text()})
	return m
}

// count takes the requests from the fixed counter, and the times from the
// durations that belong to it.
func (p Pin) count(v *view, m mapping, f *family) mapping {
	if f.name == m.counter {
		return m
	}
	r := rolesOf(v.evidence(f), false)
	if f.shape == distribution { // its count is the requests
		return mapping{duration: f.name, counts: r, times: r, scale: v.scale(f), rank: m.rank}
	}
	fixed := mapping{counter: f.name, counts: r, rank: m.rank}
	d := v.partner(f, func(x *family) bool { return x.shape == distribution })
	if d != nil {
		fixed.duration, fixed.times, fixed.scale = d.name, rolesOf(v.evidence(d), false), v.scale(d)
	}
	return fixed
}

// time takes the times from the fixed family, and the requests from the counter
// that belongs to it where none is fixed.
func (p Pin) time(v *view, m mapping, f *family) mapping {
	if f.name == m.duration {
		return m
	}
	r := rolesOf(v.evidence(f), false)
	m.duration, m.times, m.scale, m.dialect = f.name, r, v.scale(f), ""
	if p.Counter != "" {
		return m
	}
	m.counter, m.counts, m.only, m.except = "", r, nil, nil
	c := v.partner(f, func(x *family) bool { return x.shape == counting && rolesOf(v.evidence(x), false).covers(r) })
	if c != nil {
		m.counter, m.counts = c.name, rolesOf(v.evidence(c), false)
	}
	return m
}

// partner is the family of another kind with the same name but for what says
// the kind, with the most telling labels; nil when there is none.
func (v *view) partner(f *family, kind func(*family) bool) *family {
	var found *family
	most := -1
	for _, x := range v.families {
		if x == f || x.says().stem != f.says().stem || x.topic().off || !kind(x) {
			continue
		}
		if n := rate(rolesOf(v.evidence(x), false), v.evidence(x)); n > most {
			found, most = x, n
		}
	}
	return found
}

func (p Pin) roles(r roles) roles {
	if len(p.Route) > 0 {
		r.route = nil
		for _, name := range p.Route {
			r.route = append(r.route, normal(name))
		}
	}
	if p.Status != "" {
		r.status = normal(p.Status)
	}
	if p.Method != "" {
		r.method = normal(p.Method)
	}
	return r
}

// text lists what is fixed.
func (p Pin) text() string {
	var parts []string
	for _, x := range [...][2]string{
		{"requests", p.Counter}, {"duration", p.Duration}, {"route", strings.Join(p.Route, "|")},
		{"status", p.Status}, {"method", p.Method}, {"unit", p.Unit},
	} {
		if x[1] != "" {
			parts = append(parts, x[0]+"="+x[1])
		}
	}
	return strings.Join(parts, " ")
}

// missing says which fixed names the page does not have, a line each.
func (p Pin) missing(v *view, m mapping) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if p.Counter != "" && v.family(p.Counter) == nil {
		say("pinned family %s is not on the page%s", p.Counter, nearest(p.Counter, v.names(false)))
	}
	switch f := v.family(p.Duration); {
	case p.Duration == "":
	case f == nil:
		say("pinned family %s is not on the page%s", p.Duration, nearest(p.Duration, v.names(true)))
	case f.shape != distribution:
		say("pinned family %s is no histogram or summary%s", p.Duration, nearest(p.Duration, v.names(true)))
	}
	if perSecond[strings.ToLower(p.Unit)] == 0 && p.Unit != "" {
		say("pinned unit %q is none: seconds, ms, us or ns", p.Unit)
	}
	labels := map[string]bool{}
	for _, name := range []string{m.counter, m.duration} {
		if f := v.byName[normal(name)]; f != nil {
			for l := range v.evidence(f).labels {
				labels[l] = true
			}
		}
	}
	for _, l := range slices.Concat(p.Route, []string{p.Status, p.Method}) {
		if l != "" && len(labels) > 0 && !labels[normal(l)] {
			say("pinned label %s is on no series that was read%s", l, nearest(l, sortedKeys(labels)))
		}
	}
	return lines
}

// family finds a family by the name that a user gives, also by the name of its
// samples; nil when it is not on the page.
func (v *view) family(name string) *family {
	if f := v.byName[normal(name)]; f != nil || name == "" {
		return f
	}
	base, role := splitName(name)
	if f := v.byName[normal(base)]; role != isAlone && f != nil && f.shape == distribution {
		return f
	}
	return nil
}

// names lists the families that may be meant: distributions, or those that count.
func (v *view) names(distributions bool) []string {
	var names []string
	for _, f := range v.families {
		if (f.shape == distribution) == distributions && f.shape != gauging {
			names = append(names, f.name)
		}
	}
	return names
}
