package analysis

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// httpState follows the metrics pages of all targets of the service.
type httpState struct {
	opt      Options
	targets  map[safe.Text]*target
	order    []*target // by their first page
	active   int       // fresh targets in the newest report
	rows     *rows
	shown    []*row // the rows that tables show, in their order
	restarts int
	window   Value // of a server's rates; unknown: none came
	section  *HTTP
	service  serviceState
}

// trendPoints is how many rounds a route's sparkline shows.
const trendPoints = 60

func newHTTPState(opt Options) httpState {
	return httpState{opt: opt, targets: map[safe.Text]*target{}, rows: newRows()}
}

// step takes the pages that came and returns what is worth a mark on the charts.
func (h *httpState) step(s snapshot.Snapshot) []Event {
	var events []Event
	for _, reading := range s.HTTP {
		t := h.targets[reading.Target]
		if t == nil {
			t = h.meet(reading)
			if reading.FromZero {
				events = append(events, Event{At: s.At, Kind: "restart", Text: t.instance.String() + " started a process"})
			}
		}
		switch t.take(reading, s.At) {
		case "restart":
			h.restarts++
			events = append(events, Event{At: s.At, Kind: "restart", Text: reading.Target.String() + " restarted"})
		case "swap":
			events = append(events, Event{At: s.At, Kind: "reset", Text: reading.Target.String() + " is several processes"})
		case "remap":
			events = append(events, Event{At: s.At, Kind: "reset", Text: reading.Target.String() + " is read by other families"})
		case "reset":
			events = append(events, Event{At: s.At, Kind: "reset", Text: reading.Target.String() + " counts from zero"})
		}
	}
	if s.Rates != nil && len(h.order) == 0 { // what the service says itself is more exact
		h.section = h.fleet(s.Rates)
		h.window = snapshot.Known(s.Rates.Window.Seconds())
	}
	fresh := h.fresh(s.At)
	if fresh > 0 && (len(s.HTTP) > 0 || fresh != h.active) {
		h.forget(s.At)
		h.section = h.report()
		h.service.update(h.order, s.At)
		h.active = fresh
	}
	return events
}

// meet makes the target of a first page.
func (h *httpState) meet(reading *snapshot.HTTP) *target {
	t := newTarget(h.opt, instanceOf(reading))
	if reading.FromZero {
		t.startAt(h.before(t.instance, reading))
	}
	h.targets[reading.Target] = t
	h.order = append(h.order, t)
	return t
}

// before is when the instance of a first page was last read before it; without a
// trace of that, one round earlier.
func (h *httpState) before(instance safe.Text, reading *snapshot.HTTP) time.Time {
	last := time.Time{}
	earlier := reading.At.Add(-h.opt.Interval / 2) // not of this round
	for _, t := range h.order {
		if at := t.clock.readBefore(earlier); t.instance == instance && at.After(last) {
			last = at
		}
	}
	if last.IsZero() {
		return reading.At.Add(-h.opt.Interval)
	}
	return last
}

// fresh counts the targets that keep their rhythm, and says of each target what
// its figures are good for. When none does, all is left as it was, so that the
// last figures stay to be seen.
func (h *httpState) fresh(now time.Time) int {
	n, up := 0, map[safe.Text]bool{}
	for _, t := range h.order {
		if t.fresh(now, h.opt.Interval) {
			n++
			up[t.instance] = true
		}
	}
	if n == 0 {
		return 0
	}
	for _, t := range h.order {
		switch {
		case t.fresh(now, h.opt.Interval):
			t.state = targetFresh
		case up[t.instance]:
			t.state = targetLeaving
		default:
			t.state = targetGone
		}
	}
	return n
}

// forgetAfter is how long a target that gives nothing is remembered, so that one
// that comes back goes on where it was. It is for times when others answer.
const forgetAfter = 2 * time.Minute

func (h *httpState) forget(now time.Time) {
	long := max(forgetAfter, 2*h.opt.Window)
	h.order = slices.DeleteFunc(h.order, func(t *target) bool {
		gone := now.Sub(t.came) > max(long, 10*t.rhythm)
		if gone {
			delete(h.targets, t.reading.Target)
		}
		return gone
	})
}

// elapsed is the length of the longest window of the targets.
func (h *httpState) elapsed() Value {
	if len(h.order) == 0 {
		return h.window
	}
	longest := Value{}
	for _, t := range h.order {
		if v := t.clock.elapsed(); t.state == targetFresh && v.OK && v.V > longest.V {
			longest = v
		}
	}
	return longest
}

func (h *httpState) rps() Value {
	if h.section == nil {
		return Value{}
	}
	return h.section.RPS
}

// process is what a single target's page says of its own process.
func (h *httpState) process() *snapshot.HTTP {
	if h.active != 1 {
		return nil
	}
	for _, t := range h.order {
		if t.state == targetFresh {
			return t.reading
		}
	}
	return nil
}

// byRequests puts the most requests first; names break ties.
func byRequests(a, b Route) int {
	return cmp.Or(
		cmp.Compare(b.Requests.V, a.Requests.V),
		strings.Compare(a.Route.String(), b.Route.String()),
		strings.Compare(a.Method.String(), b.Method.String()),
	)
}

// pushTrends adds this round's rps to the sparkline of every row that tables
// show.
func (h *httpState) pushTrends(stale bool) {
	if h.section == nil {
		return
	}
	next := *h.section
	list := slices.Clone(next.Rows())
	for i, x := range h.shown {
		v := float32(math.NaN())
		if list[i].RPS.OK && !stale {
			v = float32(list[i].RPS.V)
		}
		list[i].Trend = x.trend.push(v)
	}
	next.setRows(list)
	h.section = &next
}

// setRows puts list where Rows found it.
func (h *HTTP) setRows(list []Route) {
	switch {
	case h.Templates == nil:
		h.Routes = list
	case len(h.Templates) == len(h.Routes):
		h.Routes, h.Templates = list, list // the routes are the templates
	default:
		h.Templates = list
	}
}

// plus adds two Values; an unknown one counts for nothing.
func plus(a, b Value) Value {
	if !a.OK {
		return b
	}
	if !b.OK {
		return a
	}
	return Value{V: a.V + b.V, OK: true}
}
