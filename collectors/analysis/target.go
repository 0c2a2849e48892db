package analysis

import (
	"math"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// targetState says what a target's figures are good for.
type targetState uint8

// The states. One process of an address may vanish while others answer there:
// what it counted in the window happened, so that it stays until the window has
// passed. What an address counted that does not answer at all is left out.
const (
	targetFresh   targetState = iota // it keeps its rhythm
	targetLeaving                    // it does not, others at its address do
	targetGone                       // its address does not answer
)

// target is one process's metrics page.
type target struct {
	reading  *snapshot.HTTP
	instance safe.Text
	clock    steps
	counts   *lines
	ends     *lines // the same requests by status, where counts have none
	hists    *lines
	work     *lines
	service  *serviceGrowth

	came   time.Time     // when the newest page came, by the round's clock
	rhythm time.Duration // time between its pages
	gap    time.Duration // between the newest two
	swap   int           // step in which its start time went back last: another process answered; 0: never
	// fromZero: the process was not there before its first page.
	fromZero bool

	state   targetState
	back    int   // how many steps back the window starts; 0: there is none
	slot    int   // the ring place of that step
	elapsed Value // length of the window in seconds
}

func newTarget(opt Options, instance safe.Text) *target {
	t := &target{instance: instance, clock: newSteps(opt), service: newServiceGrowth(opt)}
	t.counts, t.ends, t.hists, t.work = newLines(&t.clock), newLines(&t.clock), newLines(&t.clock), newLines(&t.clock)
	return t
}

// instanceOf is the address that people know the target of h by.
func instanceOf(h *snapshot.HTTP) safe.Text {
	if h.Instance.IsZero() {
		return h.Target
	}
	return h.Instance
}

// take follows one page that came at now and says what is worth a mark on the
// charts: "restart", "reset", "remap", "swap", or nothing.
func (t *target) take(h *snapshot.HTTP, now time.Time) (mark string) {
	before, swaps := t.reading, t.swaps()
	how := t.change(h)
	t.reading = h
	t.arrive(now)
	t.clock.open(h.At)
	t.counts.takeCounts(h.Requests, how.counts)
	t.ends.takeCounts(h.Statuses, how.ends)
	t.takeDurations(h, how.times)
	t.takeWork(h, how.process)
	restarted := t.counts.restarted() || t.hists.restarted()
	t.counts.end(restarted)
	t.ends.end(restarted)
	t.hists.end(restarted)
	t.work.end(restarted)
	t.service.take(h, how.process)
	switch {
	case remapped(before, h):
		return "remap"
	case !swaps && t.swaps():
		return "swap"
	case before == nil || !restarted && how.process != fromZero:
		return ""
	case how.process == goesOn && before.StartTime.OK && h.StartTime.OK:
		return "reset" // the process is the same one
	}
	return "restart"
}

// changes says how the totals of a page go on from those of the page before.
type changes struct{ process, counts, ends, times change }

// change compares h with the page before. A process that started later than the
// one before counts from zero even if nothing fell. One that started earlier is
// no restart: another process answered, of which nothing is known. And other
// families have other totals, of which nothing is known either.
func (t *target) change(h *snapshot.HTTP) changes {
	var c changes
	old := t.reading
	if old == nil {
		return c
	}
	if old.StartTime.OK && h.StartTime.OK {
		switch d := h.StartTime.V - old.StartTime.V; {
		case math.Abs(d) <= trembling:
		case d < 0:
			t.swap = t.clock.step
			c.process = asBaseline
		case t.swaps():
			c.process = asBaseline
		default:
			c.process = fromZero
		}
	}
	c.counts, c.ends, c.times = c.process, c.process, c.process
	if other(old.Page.Statuses, h.Page.Statuses) {
		c.ends = asBaseline
	}
	if other(old.Page.Counter, h.Page.Counter) {
		c.counts = asBaseline
	}
	if other(old.Page.Duration, h.Page.Duration) {
		c.times = asBaseline
		if h.Page.Counter.IsZero() {
			c.counts = asBaseline
		}
	}
	if remapped(old, h) {
		c.counts, c.ends, c.times = asBaseline, asBaseline, asBaseline
	}
	return c
}

// swaps tells whether several processes answered in turn not long ago, so that
// one that started later is no restart either.
func (t *target) swaps() bool { return t.swap > 0 && t.clock.step-t.swap < keepSteps }

// remapped tells whether a page came to be read by series that it had before.
func remapped(before, after *snapshot.HTTP) bool {
	return before != nil && before.Page.Mapping != after.Page.Mapping
}

// other tells whether a page's requests are told by another family than before.
// One that was not there before is new, and counts from zero.
func other(before, after safe.Text) bool { return !before.IsZero() && before != after }

// trembling is how far a process's start time may move, in seconds: some
// exporters compute it from the uptime.
const trembling = 1

// moved tells whether a process start time changed.
func moved(before, after Value) bool {
	return before.OK && after.OK && math.Abs(after.V-before.V) > trembling
}

func (l *lines) takeCounts(counts []snapshot.Count, how change) {
	l.begin()
	l.reserve(len(counts))
	var total [1]float64
	for _, c := range counts {
		total[0] = c.Total
		l.add(totals{series: c.Series, values: total[:], strict: 1, created: c.Created}, how)
	}
}

func (t *target) takeDurations(h *snapshot.HTTP, how change) {
	t.hists.begin()
	n := 0
	for i := range h.Durations {
		n += len(h.Durations[i].Cumulative) + 2
	}
	t.hists.reserve(n)
	var buf []float64
	for _, d := range h.Durations {
		buf = append(append(buf[:0], d.Cumulative...), d.Count, d.Sum)
		t.hists.add(totals{series: d.Series, values: buf, strict: len(buf) - 1, bounds: d.Bounds, created: d.Created, native: d.Native}, how)
	}
}

func (t *target) takeWork(h *snapshot.HTTP, how change) {
	t.work.begin()
	for _, w := range h.Work {
		t.work.add(totals{series: w.Series, values: []float64{w.Requests, w.Statements}, strict: 2}, how)
	}
}

// arrive notes that a page came. The rhythm is the shorter of the last two
// gaps, so that an outage is not taken for one.
func (t *target) arrive(now time.Time) {
	if !t.came.IsZero() {
		gap := now.Sub(t.came)
		t.rhythm = gap
		if t.gap > 0 {
			t.rhythm = min(gap, t.gap)
		}
		t.gap = gap
	}
	t.came = now
}

// fresh tells whether the target keeps its rhythm.
func (t *target) fresh(now time.Time, interval time.Duration) bool {
	return now.Sub(t.came) <= max(t.rhythm, interval)*5/2
}

// startAt makes the target one whose process was not there before at: all that
// its first page counts happened since.
func (t *target) startAt(at time.Time) {
	t.fromZero = true
	t.clock.open(at)
	for _, l := range [...]*lines{t.counts, t.ends, t.hists, t.work} {
		l.begin()
		l.end(false)
	}
	t.service.startAt(at)
}
