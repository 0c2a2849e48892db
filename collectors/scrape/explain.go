package scrape

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxListed is how many families are named as left out.
const maxListed = 20

// again lists the families that count the requests of m once more: others of
// the same library, and those of about the same totals or the same name.
func (v *view) again(m mapping, rows []dialect) []string {
	var found []string
	add := func(f *family) {
		if f != nil && !m.reads(f) && !slices.Contains(found, f.name) && len(found) < maxListed {
			found = append(found, f.name)
		}
	}
	for _, d := range rows {
		if d.name == m.dialect && d.name != "" && !strings.HasPrefix(d.counter+d.duration, "*") {
			add(v.byName[d.counter])
			add(v.byName[d.duration])
		}
	}
	all := v.totalOf(m)
	counters, durations := v.candidates(false)
	for _, c := range slices.Concat(counters, durations) {
		if all > 0 && math.Abs(c.total-all) <= 0.01*all || v.sameStem(c.family, m.counter) || v.sameStem(c.family, m.duration) {
			add(c.family)
		}
	}
	return found
}

// reads tells whether f is one of the families that m reads.
func (m mapping) reads(f *family) bool {
	return f.name == m.counter || f.name == m.duration || f.name == m.statuses
}

// sameStem tells whether f and the named family differ only in what they are.
func (v *view) sameStem(f *family, name string) bool {
	other := v.byName[normal(name)]
	return name != "" && other != nil && other.says().stem == f.says().stem
}

// totalOf is how many requests m counts.
func (v *view) totalOf(m mapping) float64 {
	name := m.counter
	if name == "" {
		name = m.duration
	}
	if f := v.byName[normal(name)]; f != nil {
		return v.total(f)
	}
	return 0
}

// reasons says how a mapping came about, a line each.
func (v *view) reasons(m mapping) []string {
	var why []string
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	how := "by its labels and name"
	if m.dialect != "" {
		how = "as " + m.dialect + " writes it"
	}
	switch {
	case m.counter != "":
		say("%s: counter of requests with %s, %s", m.counter, v.parts(m.counter, m.counts), how)
	case m.duration != "":
		say("%s: its count is the requests, with %s, %s", m.duration, v.parts(m.duration, m.times), how)
	}
	if m.duration != "" {
		kind := "summary"
		if f := v.byName[normal(m.duration)]; f != nil && f.buckets {
			kind = "histogram"
		}
		say("%s: %s of durations in %s, with %s", m.duration, kind, unitName(m.scale), v.parts(m.duration, m.times))
	}
	if m.counts.kind == grpcStatus {
		say("%s: codes of gRPC, read as the statuses of HTTP that they stand for", m.counts.status)
	}
	for _, x := range m.only {
		say("only series with %s=%q: others count the same requests, or other services'", x.label, x.value)
	}
	for i, x := range m.except {
		if i == 0 || m.except[i-1].label != x.label {
			say("series with %s left out: not requests of the service, or counted elsewhere too", x.label+" "+excepted(m.except[i:]))
		}
	}
	if c, d := v.byName[normal(m.counter)], v.byName[normal(m.duration)]; c != nil && d != nil &&
		hasAny(v.evidence(c), m.counts.route) && !hasAny(v.evidence(d), m.times.route) {
		say("%s has no %s: latency is of all routes together", m.duration, strings.Join(m.times.route, "|"))
	}
	if m.statuses != "" {
		say("%s: %s of all routes together, as %s has none: errors of a single route are not known",
			m.statuses, v.parts(m.statuses, m.ends), cmp.Or(m.counter, m.duration))
	}
	for _, name := range m.ignored {
		say("%s counts the same requests: left out", name)
	}
	return append(why, v.others(m)...)
}

// parts names the labels that were used of a family.
func (v *view) parts(name string, r roles) string {
	f := v.byName[normal(name)]
	if f == nil {
		return "no labels"
	}
	e := v.evidence(f)
	var parts []string
	for _, p := range []struct {
		what   string
		labels []string
	}{{"status", []string{r.status}}, {"route", r.route}, {"method", []string{r.method}}} {
		if hasAny(e, p.labels) {
			parts = append(parts, p.what+" "+strings.Join(p.labels, "|"))
		}
	}
	if len(parts) == 0 {
		return "no labels"
	}
	return strings.Join(parts, ", ")
}

// others says of the families that count requests, too, but others than m.
func (v *view) others(m mapping) []string {
	var why []string
	for i, reason := range [...]string{"it counts other requests, or says less of them", "remote procedure calls beside HTTP"} {
		late := i == 1
		if late && topicOf("", wordsOf(cmp.Or(m.counter, m.duration), nil)).call {
			continue // calls are what was chosen
		}
		counters, durations := v.candidates(late)
		for _, c := range slices.Concat(counters, durations) {
			if !m.reads(c.family) && !slices.Contains(m.ignored, c.name) && len(why) < maxListed {
				why = append(why, c.name+" left out: "+reason)
			}
		}
	}
	return why
}

// excepted lists the values of the first's label.
func excepted(all []match) string {
	var list []string
	for _, x := range all {
		if x.label == all[0].label {
			list = append(list, x.value)
		}
	}
	return strings.Join(list, ", ")
}
