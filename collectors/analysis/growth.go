package analysis

import "time"

// growth follows rising totals over a sliding window. Each key has a vector of
// totals; growth keeps how much each has grown, with resets taken out, so that
// what happened in the window is one subtraction.
//
// The delta rule, per key (notes on PromQL: it loses the first value of a new
// series and decides resets per bucket; we do neither):
//   - a total that fell was reset: all of the vector counts from zero;
//   - a key that is new on a source that had answered before counts from zero,
//     where the source lists all it has (complete); where it lists only some,
//     the key's first value is its baseline;
//   - on a source's first answer nothing is known but the baseline;
//   - a failed poll is bridged: the window ends at the last good reading.
type growth[K comparable] struct {
	steps
	tally
	complete bool // each step lists every key that the source has
	fresh    bool // the source restarted in this step
	anew     bool // what it counts began anew, at a time in this step that is not known
	live     int  // keys of this step
	tracks   map[K]*track
}

// keepSteps is how long a vanished key is remembered, so that one that comes
// back is compared with its own past and not taken for new. sweepSteps is how
// often those longer gone are looked for.
const (
	keepSteps  = 60
	sweepSteps = 8
)

// newGrowth follows the totals of a source that lists all it has.
func newGrowth[K comparable](opt Options) *growth[K] {
	g := &growth[K]{steps: newSteps(opt), complete: true, tracks: map[K]*track{}}
	g.tally = newTally(len(g.times))
	return g
}

// newSampledGrowth follows the totals of a source that lists only some of its
// keys, not always the same.
func newSampledGrowth[K comparable](opt Options) *growth[K] {
	g := newGrowth[K](opt)
	g.complete = false
	return g
}

// begin opens a step read at the time at; a zero time is unknown. restarted
// says that the source itself started anew, which makes every total count from
// zero even if it did not fall.
func (g *growth[K]) begin(at time.Time, restarted bool) {
	g.open(at)
	g.fresh, g.anew, g.live = restarted, false, 0
}

// rebase makes the totals of this step a new baseline. It is for counters that
// are compared with others: all of them have to leave out the same time.
func (g *growth[K]) rebase() { g.anew = true }

// add takes key's totals in this step. The first strict of them never fall
// unless they were reset; the others (sums) are not asked.
func (g *growth[K]) add(key K, totals []float64, strict int) {
	t := g.tracks[key]
	switch {
	case t != nil && t.size() == len(totals):
		how := goesOn
		switch {
		case g.anew:
			how = asBaseline
		case g.fresh || g.fell(t, totals[:strict]):
			how = fromZero
		}
		g.advance(t, totals, how)
	case g.complete && g.step > 1 && !g.anew:
		t = g.bear(key, t, len(totals))
		g.advance(t, totals, fromZero)
	default:
		t = g.bear(key, t, len(totals))
		g.advance(t, totals, asBaseline)
	}
	if t.seen != g.step {
		t.seen = g.step
		g.live++
	}
}

// bear makes a track for key in place of old, if it had another.
func (g *growth[K]) bear(key K, old *track, n int) *track {
	if old != nil {
		g.release(old)
		if old.seen == g.step {
			g.live--
		}
	}
	t := g.place(n)
	t.born = g.step
	g.tracks[key] = &t
	return &t
}

// end closes the step: keys that were not on the page stand still, and those
// long gone are forgotten.
func (g *growth[K]) end() {
	if g.live < len(g.tracks) && g.step%sweepSteps == 0 {
		for key, t := range g.tracks {
			if g.step-t.seen > keepSteps {
				g.forget(key)
			}
		}
	}
	if g.sparse() {
		all := make([]*track, 0, len(g.tracks))
		for _, t := range g.tracks {
			all = append(all, t)
		}
		g.compact(all)
	}
	g.record(g.head)
}

// forget drops key, so that it counts as new when it comes again.
func (g *growth[K]) forget(key K) {
	if t := g.tracks[key]; t != nil {
		g.release(t)
		delete(g.tracks, key)
	}
}

// baseOf is base for one key of a source that does not list all: its window
// cannot start before the key was first seen.
func (g *growth[K]) baseOf(t *track) int {
	back := g.base()
	for !g.complete && back > 0 && g.number(back) < t.born {
		back--
	}
	return back
}

// delta writes key's growth in the window to dst and returns it; false when
// there is no baseline or no such key.
func (g *growth[K]) delta(key K, dst []float64) ([]float64, bool) {
	t := g.tracks[key]
	if t == nil {
		return dst, false
	}
	back := g.baseOf(t)
	if back == 0 {
		return dst, false
	}
	return g.since(t, g.slot(back), dst), true
}

// one is the growth of the first total of key in the window.
func (g *growth[K]) one(key K) Value {
	var buf [8]float64
	d, ok := g.delta(key, buf[:0])
	if !ok || len(d) == 0 {
		return Value{}
	}
	return Value{V: d[0], OK: true}
}

// rate is the growth of the first total of key per second; unknown when it fell,
// which only totals that may decay can do.
func (g *growth[K]) rate(key K) Value {
	n := g.one(key)
	if !n.OK || n.V < 0 {
		return Value{}
	}
	return over(n, g.length(g.baseOf(g.tracks[key])))
}

// put is add for a single total that may be unknown.
func (g *growth[K]) put(key K, total Value) {
	if total.OK {
		g.add(key, []float64{total.V}, 1)
	}
}
