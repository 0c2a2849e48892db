package analysis

// tally keeps vectors of totals and how they grew over the last steps. All lie
// one behind the other in a few blocks, so that closing a step copies one block,
// whatever the number of vectors, and those that stand still cost nothing.
type tally struct {
	last   []float64   // totals as the source gave them
	grown  []float64   // growth since each vector was placed
	frames [][]float64 // ring: grown at the end of each step
	freed  int         // floats of released vectors
}

// track is the place of one vector in a tally.
type track struct {
	from, to int
	born     int // step in which it was first seen
	seen     int // step in which it was last seen
}

func (t *track) size() int { return t.to - t.from }

// change says how a vector of totals goes on from the one before.
type change uint8

const (
	goesOn     change = iota // it grew by the difference
	fromZero                 // it was zero since the step before
	asBaseline               // nothing is known of its growth
)

func newTally(slots int) tally { return tally{frames: make([][]float64, slots)} }

// place makes room for a vector of n totals, all zero.
func (a *tally) place(n int) track {
	from := len(a.last)
	for range n {
		a.last = append(a.last, 0)
		a.grown = append(a.grown, 0)
	}
	return track{from: from, to: from + n}
}

// reserve makes room for the first vectors, of so many totals together.
func (a *tally) reserve(n int) {
	if len(a.last) == 0 {
		a.last, a.grown = make([]float64, 0, n), make([]float64, 0, n)
	}
}

// release gives up the room of t.
func (a *tally) release(t *track) { a.freed += t.size() }

// fell tells whether any of the first totals of t is less than before.
func (a *tally) fell(t *track, totals []float64) bool {
	before := a.last[t.from:t.to]
	for i, v := range totals {
		if v < before[i] {
			return true
		}
	}
	return false
}

// advance takes the totals of t in this step.
func (a *tally) advance(t *track, totals []float64, how change) {
	last, grown := a.last[t.from:t.to], a.grown[t.from:t.to]
	switch how {
	case goesOn:
		for i, v := range totals {
			grown[i] += v - last[i]
		}
	case fromZero:
		for i, v := range totals {
			grown[i] += v
		}
	}
	copy(last, totals)
}

// restart says that what t counts began at zero again, unseen.
func (a *tally) restart(t *track) { clear(a.last[t.from:t.to]) }

// record closes the step with this ring place.
func (a *tally) record(slot int) {
	frame := a.frames[slot]
	if cap(frame) < len(a.grown) {
		frame = make([]float64, 0, len(a.grown)) // no more: there are many
	}
	a.frames[slot] = append(frame[:0], a.grown...)
}

// since writes the growth of t since the step with this ring place to dst. At a
// step before t was placed it had grown by nothing.
func (a *tally) since(t *track, slot int, dst []float64) []float64 {
	dst = append(dst[:0], a.grown[t.from:t.to]...)
	if then := a.frames[slot]; t.to <= len(then) {
		for i, v := range then[t.from:t.to] {
			dst[i] -= v
		}
	}
	return dst
}

// one is since of the first total alone.
func (a *tally) one(t *track, slot int) float64 {
	n := a.grown[t.from]
	if then := a.frames[slot]; t.to <= len(then) {
		n -= then[t.from]
	}
	return n
}

// sparse tells whether most of the room belongs to released vectors.
func (a *tally) sparse() bool {
	const little = 4096
	return a.freed > little && a.freed > len(a.last)/2
}

// compact moves the vectors that remain together. It comes before the step is
// recorded.
func (a *tally) compact(all []*track) {
	kept := len(a.last) - a.freed
	fresh := tally{
		last: make([]float64, 0, kept), grown: make([]float64, 0, kept), frames: make([][]float64, len(a.frames)),
	}
	for i, old := range a.frames {
		if old == nil {
			continue
		}
		frame := make([]float64, 0, kept)
		for _, t := range all {
			if t.to <= len(old) {
				frame = append(frame, old[t.from:t.to]...)
			} else {
				frame = append(frame, make([]float64, t.size())...)
			}
		}
		fresh.frames[i] = frame
	}
	for _, t := range all {
		from := len(fresh.last)
		fresh.last = append(fresh.last, a.last[t.from:t.to]...)
		fresh.grown = append(fresh.grown, a.grown[t.from:t.to]...)
		t.from, t.to = from, from+t.size()
	}
	*a = fresh
}
