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
			i.reach(t)
		}
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
}

// reach finds the window of t: how many steps back it starts, and how long it is.
// It ends at the newest page of t, or, of a process that vanished, at that of its
// instance.
func (i *instance) reach(t *target) {
	t.back = t.clock.base()
	t.elapsed = t.clock.length(t.back)
	if t.state == targetLeaving {
		t.back = max(t.clock.within(i.newest), 0)
		t.elapsed = t.clock.until(t.back, i.newest)
	}
	t.slot = t.clock.slot(t.back)
	if t.elapsed.V > i.elapsed.V {
		i.elapsed = t.elapsed
	}
}

// frame says over how much time the rates of t are. What a process served that
// vanished, or that was not there before, is all that it did in the instance's
// window.
func (t *target) frame(i *instance) {
	if t.state == targetLeaving || t.fromZero && t.elapsed.OK {
		t.elapsed = i.elapsed
	}
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
