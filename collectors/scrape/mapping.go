package scrape

import (
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Mapping says how a page's requests are read: which families count and time
// them, and what their labels mean. Names are as on the page. The zero Mapping
// reads nothing.
type Mapping struct {
	Dialect   string   // library; empty: found by what the page holds
	Counter   string   // sample name of the family that counts requests; empty: the duration's count
	Duration  string   // family that times them, without _bucket, _sum and _count; empty: none
	Counts    Labels   // of the counter; without one, of the duration's count
	Statuses  string   // sample name of another counter of the same requests, that has their status; empty: none
	Ends      Labels   // of Statuses: its Status alone
	Times     Labels   // of the duration
	PerSecond float64  // how many of the duration's unit make a second; 0 without a duration
	Only      []Match  // series that lack one of these are not the service's requests, or counted elsewhere too
	Except    []Match  // series that have one of these are not the service's requests
	InFlight  string   // gauge of the requests being served; empty: none
	Ignored   []string // families that count the same requests again
	Why       []string // a line each: what was decided by what
}

// Labels says which labels of a family hold what, by their names as on the page.
type Labels struct {
	Route  []string // several are joined by |; none: no label says the route
	Status string   // empty: none
	Method string   // empty: none

	kind statusKind
}

// Series is what a series with these labels stands for, as a reading has it: the
// method may be written in front of the route, and the status in words. id is
// its identity; value gives the value of a label, empty where the series has none.
func (l Labels) Series(id string, value func(label string) string) *snapshot.Series {
	of := func(label string) string {
		if label == "" {
			return ""
		}
		return value(label)
	}
	parts := make([]string, len(l.Route))
	for i, name := range l.Route {
		parts[i] = of(name)
	}
	return identity(id, parts, of(l.Method), l.kind.read(of(l.Status)))
}

// Failures is a regular expression, in the syntax of PromQL, that matches the
// values of Status that say the server failed: "5.*" where they are numbers.
func (l Labels) Failures() string { return l.kind.failures() }

// Match is a label and a value. Of an Only, a series without the label has it.
type Match struct{ Label, Value string }

// Mapping is how the newest page was read; false when no request metrics were
// found on it.
func (r *Reader) Mapping() (Mapping, bool) {
	if r.plan == nil || r.plan.counter.IsZero() && r.plan.duration.IsZero() {
		return Mapping{}, false
	}
	return r.mapping.public(r.table), true
}

// Mapping is how the newest page was read; see [Reader.Mapping]. It must not be
// called during a Collect.
func (c *Collector) Mapping() (Mapping, bool) { return c.reader.Mapping() }

// public gives the labels their names on the page back.
func (m mapping) public(t *table) Mapping {
	p := Mapping{
		Dialect: m.dialect, Counter: m.counter, Duration: m.duration, PerSecond: m.scale,
		Statuses: m.statuses, InFlight: inFlightName(t), Ignored: m.ignored, Why: m.why,
	}
	if m.duration == "" {
		p.PerSecond = 0
	}
	counted := map[string]string{} // names on the page by normal names
	timed, ended := map[string]string{}, map[string]string{}
	t.each(func(s *series) bool {
		switch {
		case s.metric.name == m.counter:
			t.spell(counted, s)
		case s.metric.name == m.statuses:
			t.spell(ended, s)
		case s.group != nil && s.group.base == m.duration && s.role != isBucket:
			t.spell(timed, s)
		}
		return true
	})
	if m.counter == "" {
		counted = timed
	}
	p.Counts, p.Times = m.counts.public(counted), m.times.public(timed)
	p.Ends = m.ends.public(ended)
	for _, x := range m.only {
		p.Only = append(p.Only, x.public(counted, timed))
	}
	for _, x := range m.except {
		p.Except = append(p.Except, x.public(counted, timed))
	}
	return p
}

// spell notes how the labels of s are written.
func (t *table) spell(names map[string]string, s *series) {
	for _, l := range t.labelsOf(s) {
		if n := normal(l.name); names[n] == "" {
			names[n] = strings.Clone(l.name)
		}
	}
}

// public leaves out what no series has.
func (r roles) public(names map[string]string) Labels {
	l := Labels{Status: names[r.status], Method: names[r.method], kind: r.kind}
	for _, name := range r.route {
		if names[name] != "" {
			l.Route = append(l.Route, names[name])
		}
	}
	return l
}

func (x match) public(counted, timed map[string]string) Match {
	for _, names := range []map[string]string{counted, timed} {
		if names[x.label] != "" {
			return Match{Label: names[x.label], Value: x.value}
		}
	}
	return Match{Label: x.label, Value: x.value}
}

// text writes which labels were taken for what, for people.
func (l Labels) text() safe.Text {
	var parts []string
	for _, p := range [][2]string{
		{"route", strings.Join(l.Route, "|")}, {"method", l.Method}, {"status", l.Status},
	} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	return safe.New(strings.Join(parts, " "))
}
