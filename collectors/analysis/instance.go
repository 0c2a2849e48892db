package analysis

import (
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
)

// instance is all processes behind one address, in one report.
type instance struct {
	name    safe.Text
	targets []*target // fresh ones and those leaving
	fresh   int       // how many of them are fresh
	newest  time.Time // when one of them was read last
	elapsed Value     // the longest of their windows
	sums    sums
	byRow   map[*row]*sums // only on request
	flight  Value
}

// instances groups the targets by address, in the order of the names, and finds
// the window of each target.
func (h *httpState) instances() []*instance {
	var list []*instance
	byName := map[safe.Text]*instance{}
	for _, t := range h.order {
		i := byName[t.instance]
		if i == nil {
			i = &instance{name: t.instance}
			byName[t.instance] = i
			list = append(list, i)
		}
		i.join(t)
	}
	for _, i := range list {
		for _, t := range i.targets {
			t.frame(i)
		}
		if h.opt.ByInstance {
			i.byRow = map[*row]*sums{}
		}
	}
	slices.SortFunc(list, func(a, b *instance) int { return strings.Compare(a.name.String(), b.name.String()) })
	return list
}

func (i *instance) join(t *target) {
	if t.state == targetGone {
		return
	}
	i.targets = append(i.targets, t)
	if t.state == targetLeaving {
		return
	}
	i.fresh++
	i.flight = plus(i.flight, t.reading.InFlight)
	if t.reading.At.After(i.newest) {
		i.newest = t.reading.At
	}
	if v := t.clock.elapsed(); v.OK && v.V > i.elapsed.V {
		i.elapsed = v
	}
}

// frame finds the window of t. It ends at the newest page of t, or, of a process
// that vanished, at that of its instance, whose window it is counted into.
func (t *target) frame(i *instance) {
	back := t.clock.base()
	t.elapsed = t.clock.length(back)
	if t.state == targetLeaving {
		back = max(t.clock.within(i.newest), 0)
		t.elapsed = i.elapsed
	}
	t.back, t.slot = back, t.clock.slot(back)
}

func (i *instance) rowSums(x *row) *sums {
	s := i.byRow[x]
	if s == nil {
		s = &sums{}
		i.byRow[x] = s
	}
	return s
}

// report is the instance as people see it; rows are those of the whole service,
// in their order, and are listed only on request.
func (i *instance) report(rows []*row) Instance {
	out := Instance{Name: i.name, Up: i.fresh > 0, Processes: i.fresh, InFlight: i.flight}
	i.sums.fillInstance(&out)
	for _, x := range rows {
		if s := i.byRow[x]; s != nil {
			out.Routes = append(out.Routes, s.route(x.key, i.sums.ladder.sum))
		}
	}
	slices.SortFunc(out.Routes, byRequests)
	return out
}
