package analysis

import (
	"math"
	"time"
)

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
	window   time.Duration
	complete bool        // each step lists every key that the source has
	times    []time.Time // ring: when each step was read, by the source's clock
	head     int         // ring place of the newest step
	filled   int         // steps in the ring
	step     int         // number of the newest step, from 1
	fresh    bool        // the source restarted in this step
	falls    int         // keys whose totals fell in this step
	tracks   map[K]*track
}

// track is one key's vector.
type track struct {
	last  []float64 // totals as the source gave them
	grown []float64 // growth since the key was first seen
	ring  []float64 // grown at each step of the ring, len(grown) each
	born  int       // step in which the key was first seen
	seen  int       // step in which the key was last on the page
}

// keepSteps is how long a vanished key is remembered, so that one that comes
// back is compared with its own past and not taken for new.
const keepSteps = 60

// newGrowth follows the totals of a source that lists all it has.
func newGrowth[K comparable](opt Options) *growth[K] {
	slots := 2 + int(opt.Window/max(opt.Interval, time.Millisecond))
	return &growth[K]{
		window:   opt.Window,
		complete: true,
		times:    make([]time.Time, min(slots, maxSlots)),
		head:     -1,
		tracks:   map[K]*track{},
	}
}

// newSampledGrowth follows the totals of a source that lists only some of its
// keys, not always the same.
func newSampledGrowth[K comparable](opt Options) *growth[K] {
	g := newGrowth[K](opt)
	g.complete = false
	return g
}

// maxSlots bounds the memory of a long window of short intervals.
const maxSlots = 130

// begin opens a step read at the time at; a zero time is unknown. restarted
// says that the source itself started anew, which makes every total count from
// zero even if it did not fall.
func (g *growth[K]) begin(at time.Time, restarted bool) {
	if g.filled > 0 {
		if last := g.times[g.head]; jumped(at.Sub(last), at.Round(0).Sub(last.Round(0))) {
			g.filled = 0 // start a new window
		}
	}
	g.head = (g.head + 1) % len(g.times)
	g.times[g.head] = at
	g.filled = min(g.filled+1, len(g.times))
	g.step++
	g.fresh, g.falls = restarted, 0
}

// jumped tells whether the monotonic and the wall clock disagree on the time
// between two steps: the machine was suspended, or its clock was set. A rate
// over either would be wrong.
func jumped(mono, wall time.Duration) bool { return (mono - wall).Abs() > time.Second }

// add takes key's totals in this step. The first strict of them never fall
// unless they were reset; the others (sums) are not asked. fromZero tells
// whether all of the totals are growth of this step.
func (g *growth[K]) add(key K, totals []float64, strict int) (fromZero bool) {
	t := g.tracks[key]
	if t == nil || len(t.last) != len(totals) {
		g.tracks[key] = g.born(totals)
		return g.complete && g.step > 1
	}
	down := fell(t.last[:strict], totals[:strict])
	if down {
		g.falls++
	}
	for i, v := range totals {
		if down || g.fresh {
			t.grown[i] += v
		} else {
			t.grown[i] += v - t.last[i]
		}
	}
	copy(t.last, totals)
	t.seen = g.step
	copy(t.at(g.head), t.grown)
	return down || g.fresh
}

// cut says that key was reset before its next totals are added, although they
// may not show it.
func (g *growth[K]) cut(key K) {
	if t := g.tracks[key]; t != nil {
		for i := range t.last {
			t.last[i] = math.Inf(1) // whatever comes has fallen
		}
	}
}

// born starts a track. Ring places of earlier steps hold zero, as the key did
// not exist then.
func (g *growth[K]) born(totals []float64) *track {
	n := len(totals)
	buf := make([]float64, n*(2+len(g.times)))
	t := &track{last: buf[:n:n], grown: buf[n : 2*n : 2*n], ring: buf[2*n:], born: g.step, seen: g.step}
	copy(t.last, totals)
	if g.complete && g.step > 1 {
		copy(t.grown, totals)
		copy(t.at(g.head), totals)
	}
	return t
}

func (t *track) at(slot int) []float64 {
	n := len(t.grown)
	return t.ring[slot*n : (slot+1)*n]
}

func fell(before, after []float64) bool {
	for i, v := range after {
		if v < before[i] {
			return true
		}
	}
	return false
}

// end closes the step: keys that were not on the page stand still, and those
// long gone are forgotten.
func (g *growth[K]) end() {
	for key, t := range g.tracks {
		if t.seen == g.step {
			continue
		}
		copy(t.at(g.head), t.grown)
		if g.step-t.seen > keepSteps {
			delete(g.tracks, key)
		}
	}
}

// forget drops key, so that it counts as new when it comes again.
func (g *growth[K]) forget(key K) { delete(g.tracks, key) }

// base is how many steps back the window starts: the oldest step not older than
// the window, and at least the step before the newest, however old. 0 means
// that there is no baseline.
func (g *growth[K]) base() int {
	if g.filled < 2 {
		return 0
	}
	now, back := g.times[g.head], 1
	for i := 2; i < g.filled; i++ {
		if now.Sub(g.times[g.slot(i)]) > g.window+g.window/20 {
			break
		}
		back = i
	}
	return back
}

// baseOf is base for one key of a source that does not list all: its window
// cannot start before the key was first seen.
func (g *growth[K]) baseOf(t *track) int {
	if g.complete {
		return g.base()
	}
	return min(g.base(), g.step-t.born)
}

// slot is the ring place of the step so many back.
func (g *growth[K]) slot(back int) int { return (g.head - back + len(g.times)) % len(g.times) }

// elapsed is the length of the window in seconds by the source's clock; unknown
// without a baseline, and for readings without a time.
func (g *growth[K]) elapsed() Value { return g.since(g.base()) }

func (g *growth[K]) since(back int) Value {
	if back == 0 {
		return Value{}
	}
	then, now := g.times[g.slot(back)], g.times[g.head]
	if then.IsZero() || now.IsZero() {
		return Value{}
	}
	d := now.Sub(then).Seconds()
	return Value{V: d, OK: d > 0}
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
	then := t.at(g.slot(back))
	dst = dst[:0]
	for i, v := range t.grown {
		dst = append(dst, v-then[i])
	}
	return dst, true
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
	return over(n, g.since(g.baseOf(g.tracks[key])))
}

// put is add for a single total that may be unknown.
func (g *growth[K]) put(key K, total Value) {
	if total.OK {
		g.add(key, []float64{total.V}, 1)
	}
}
