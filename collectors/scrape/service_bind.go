package scrape

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"apitop/collectors/safe"
)

// serviceBinder makes a servicePlan.
type serviceBinder struct {
	table  *table
	plan   *servicePlan
	index  map[thingKey]int
	uses   map[*metric][]use
	taken  map[*metric]bool // families that are something known
	adHoc  adHocCaches
	others []*series // counters of nothing known
}

// bindService makes the plan of the service. counted are the names of sample
// families that count the requests; old is the plan before.
func (t *table) bindService(counted []string, old *servicePlan) *servicePlan {
	b := &serviceBinder{
		table: t, plan: &servicePlan{runtime: -1}, index: map[thingKey]int{},
		uses: map[*metric][]use{}, taken: map[*metric]bool{}, adHoc: findAdHocCaches(t),
	}
	families := map[string]int{}
	t.each(func(s *series) bool {
		uses, seen := b.uses[s.metric]
		if !seen {
			uses = b.usesOf(s)
			b.uses[s.metric] = uses
			b.taken[s.metric] = len(uses) > 0 || slices.Contains(counted, s.metric.name) || !t.isBusiness(s.metric)
		}
		switch {
		case len(uses) > 0:
			b.bind(s, uses)
		case !b.taken[s.metric] && families[s.metric.name] < mostOfFamily && len(b.others) < mostCandidates:
			families[s.metric.name]++
			b.others = append(b.others, s)
		}
		return true
	})
	b.settle()
	b.bindWaits()
	if old != nil {
		b.plan.counters = old.counters
	}
	b.plan.counters.bind(b.others)
	return b.plan
}

// usesOf finds what the family of s says of the service; s is its first series.
func (b *serviceBinder) usesOf(s *series) []use {
	var uses []use
	for _, u := range known().find(s.metric.name) {
		again := u.lib.unless != "" && b.table.metrics[u.lib.unless] != nil
		if again || u.isLevel() && b.table.kind(s.metric.name) == kindCounter {
			continue
		}
		uses = append(uses, u)
	}
	if len(uses) == 0 {
		uses = b.adHoc.usesOf(b.table, s)
	}
	return uses
}

// isLevel tells whether the field is a level and not a total: a counter cannot
// be one, whatever it is called.
func (u use) isLevel() bool {
	switch u.lib.section {
	case runtimes:
		return u.row.to == runtimeHeap || u.row.to == runtimeThreads || u.row.to == runtimeTasks || u.row.to == runtimeLag
	case pools:
		return u.row.to <= poolWaiting || u.row.to == poolOpen
	case caches:
		return u.row.to == cacheEntries
	case queues:
		return u.row.to <= queueBusy || u.row.to == queueWait
	}
	return false
}

// bind takes one series of a known family.
func (b *serviceBinder) bind(s *series, uses []use) {
	labels := b.table.labelsOf(s)
	for _, u := range uses {
		if !u.fits(labels) {
			continue
		}
		i := b.thing(u, labels)
		if i < 0 {
			continue
		}
		if u.lib.section == runtimes && u.row.to == runtimeVersion {
			b.plan.things[i].version = u.version(s, labels)
			continue
		}
		per := u.row.per
		if per == 0 {
			per = 1
		}
		b.plan.pieces = append(b.plan.pieces, piece{
			series: s, thing: i, figure: u.row.to, rank: u.rank, per: per, max: u.row.max,
		})
	}
}

// fits tells whether a series with these labels is one that the row means.
func (u use) fits(labels []label) bool {
	if v, ok := normalValue(labels, u.lib.except.label); ok && u.lib.except.label != "" && v == u.lib.except.value {
		return false
	}
	name, values, ok := strings.Cut(u.row.when, "=")
	if !ok {
		return true
	}
	has, _ := normalValue(labels, name)
	for v := range strings.SplitSeq(values, "|") {
		if strings.EqualFold(v, has) {
			return true
		}
	}
	return false
}

// normalValue is the value of the label with that normal name.
func normalValue(labels []label, name string) (string, bool) {
	for _, l := range labels {
		if l.name == name || normal(l.name) == name {
			return l.value, true
		}
	}
	return "", false
}

// version is the text of a version field.
func (u use) version(s *series, labels []label) safe.Text {
	if u.row.text == "" {
		return safe.Short(strconv.FormatFloat(s.value, 'g', -1, 64), mostText)
	}
	v, _ := normalValue(labels, u.row.text)
	return safe.Short(v, mostText)
}

// mostText bounds names and labels, in cells.
const mostText = 200

// thing finds or makes the thing that a series speaks of; -1 when there are too
// many.
func (b *serviceBinder) thing(u use, labels []label) int {
	by := u.lib.by
	if u.row.by != "" {
		by = u.row.by
	}
	name := nameBy(by, labels)
	if name == "" && u.lib.section != runtimes {
		name = u.prefix
	}
	key := thingKey{u.lib.section, u.lib.kind, name}
	i, ok := b.index[key]
	if !ok {
		if len(b.plan.things) >= mostThings {
			return -1
		}
		i = len(b.plan.things)
		b.index[key] = i
		b.plan.things = append(b.plan.things, thing{lib: u.lib, name: safe.Short(name, mostText)})
	}
	return i
}

// nameBy puts a name together from labels.
func nameBy(by string, labels []label) string {
	var parts []string
	for options := range strings.FieldsSeq(by) {
		for name := range strings.SplitSeq(options, "|") {
			if v, _ := normalValue(labels, name); v != "" {
				parts = append(parts, v)
				break
			}
		}
	}
	return strings.Join(parts, "/")
}

// settle keeps, of several rows for one field of a thing, the first, and picks
// the runtime: the one with most fields.
func (b *serviceBinder) settle() {
	p := b.plan
	best := make([][mostFields]int, len(p.things)) // rank + 1
	for _, x := range p.pieces {
		at := &best[x.thing][x.figure]
		if *at == 0 {
			p.things[x.thing].fields++
		}
		if *at == 0 || x.rank+1 < *at {
			*at = x.rank + 1
		}
	}
	p.pieces = slices.DeleteFunc(p.pieces, func(x piece) bool { return x.rank+1 != best[x.thing][x.figure] })
	most := -1
	for i, x := range p.things {
		if x.lib.section != runtimes || x.lib.kind == "" {
			continue
		}
		n := 2 * x.fields
		if !x.version.IsZero() {
			n++ // an info family alone tells the language
		}
		if n > most {
			p.runtime, most = i, n
		}
	}
}

// bindWaits finds the histogram of how long goroutines waited for their turn.
func (b *serviceBinder) bindWaits() {
	if b.table.metrics["go_sched_latencies_seconds_bucket"] == nil {
		return
	}
	for _, g := range b.table.groups {
		first := b.plan.waits == nil || g.key < b.plan.waits.key
		if g.base == "go_sched_latencies_seconds" && len(g.buckets) <= maxBounds && first {
			b.plan.waits = g
		}
	}
	if b.plan.waits == nil {
		return
	}
	for _, x := range b.plan.waits.buckets {
		if !math.IsInf(x.le, 0) && !slices.Contains(b.plan.bounds, x.le) {
			b.plan.bounds = append(b.plan.bounds, x.le)
		}
	}
}
