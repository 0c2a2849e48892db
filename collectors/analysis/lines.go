package analysis

import (
	"math"
	"slices"

	"apitop/collectors/snapshot"
)

// lines follows the series of one kind on the pages of one target. A page lists
// its series in the same order each time and shares their identities, so that a
// series is found by comparing one pointer, and by its long ID only when the
// page changed.
type lines struct {
	tally
	clock *steps
	list  []*line          // of the newest page, in its order
	gone  []*line          // those that vanished, the longest gone first
	byID  map[string]*line // all of them

	next    int     // place in list of the series that should come
	visited []*line // this page's, once its order differs from the list's
	differs bool
	kept    int // native buckets of the last steps
	falls   int // series of this page that count from zero anew
	could   int // series of this page of which that can be told
}

// line is one series of a target.
type line struct {
	track
	series  *snapshot.Series
	bounds  []float64 // of a histogram
	created float64   // unix seconds when it began; 0: unknown
	row     *row      // what its growth is added to
	native  *natives  // of a histogram; nil: it never had any
}

// totals is what a page says of one series. The first strict of the values never
// fall unless they were reset.
type totals struct {
	series  *snapshot.Series
	values  []float64
	strict  int
	bounds  []float64
	created float64
	native  *snapshot.Native
}

func newLines(clock *steps) *lines {
	return &lines{tally: newTally(len(clock.times)), clock: clock, byID: map[string]*line{}}
}

// begin opens a page.
func (l *lines) begin() {
	l.next, l.visited, l.differs = 0, nil, false
	l.falls, l.could = 0, 0
}

// add takes one series of the page. how is the change that holds for all of
// them; a series that was reset by itself counts from zero even if the others go
// on.
func (l *lines) add(v totals, how change) {
	at := l.find(v)
	if at == nil {
		return // the same series twice: the first counts
	}
	switch {
	case at.seen == 0: // new
		how = l.newcomer(how)
	case how == goesOn && (l.fell(&at.track, v.values[:v.strict]) || at.native.fell(v.native) || remade(at.created, v.created)):
		how = fromZero
	}
	if at.seen != 0 && l.last[at.from+v.strict-1] > 0 {
		l.could++
		if how == fromZero {
			l.falls++
		}
	}
	l.advance(&at.track, v.values, how)
	if v.native != nil && at.native == nil {
		at.native = &natives{}
	}
	l.kept += at.native.follow(v.native, how, l.clock, maxKept-l.kept)
	at.seen, at.created = l.clock.step, v.created
}

// newcomer is how a series goes on that was not on the pages before: all that it
// counted happened since the last one.
func (l *lines) newcomer(how change) change {
	if l.clock.step == 1 || how == asBaseline {
		return asBaseline
	}
	return fromZero
}

// remade tells whether a series says that it began anew. The times come from
// one clock and are written once, so that any difference counts; what little is
// left for is the rounding of a page.
func remade(before, after float64) bool {
	return before > 0 && after > 0 && math.Abs(after-before) > 0.01
}

// find is the line of a series, new or known; nil when the page had it already.
func (l *lines) find(v totals) *line {
	if l.next < len(l.list) {
		if at := l.list[l.next]; at.series == v.series && at.fits(v) && at.seen != l.clock.step {
			l.next++
			if l.differs {
				l.visited = append(l.visited, at)
			}
			return at
		}
	}
	if !l.differs {
		l.visited, l.differs = append(l.visited, l.list[:l.next]...), true
	}
	at := l.byID[v.series.ID]
	switch {
	case at == nil:
		at = l.make(v)
	case at.seen == l.clock.step:
		return nil
	case !at.fits(v):
		l.skipTo(at)
		at = l.remake(at, v)
	default:
		l.skipTo(at)
		if at.series != v.series {
			at.series, at.row = v.series, nil // what people see of it changed
		}
	}
	l.visited = append(l.visited, at)
	return at
}

// skipTo goes on behind at, if that is not far: what stood before it vanished.
func (l *lines) skipTo(at *line) {
	const far = 32
	ahead := l.list[l.next:min(l.next+far, len(l.list))]
	if i := slices.Index(ahead, at); i >= 0 {
		l.next += i + 1
	}
}

// fits tells whether v has the shape that the line follows: the same bounds.
func (at *line) fits(v totals) bool {
	return at.size() == len(v.values) && sameFloats(at.bounds, v.bounds)
}

// sameFloats is slices.Equal that knows a shared slice at once.
func sameFloats(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	return len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b)
}

func (l *lines) make(v totals) *line {
	at := &line{track: l.place(len(v.values)), series: v.series, bounds: v.bounds}
	at.born = l.clock.step
	l.byID[v.series.ID] = at
	return at
}

// remake follows a histogram whose bounds changed. What the old ones counted in
// the window stays. The new ones start with a baseline, unless the histogram
// began anew, which its count tells.
func (l *lines) remake(old *line, v totals) *line {
	at := l.make(v)
	n, was := v.values[v.strict-1], l.last[old.from+max(old.size()-2, 0)]
	if n >= was && !remade(old.created, v.created) {
		l.advance(&at.track, v.values, asBaseline)
		at.seen = old.seen
		return at
	}
	l.falls++
	l.could++
	return at
}

// end closes the page. restarted says that the target's process started anew:
// then those that are not on the page began at zero too.
func (l *lines) end(restarted bool) {
	if l.differs || l.next < len(l.list) {
		l.part()
	}
	l.forget()
	if restarted {
		for _, at := range l.gone {
			l.restart(&at.track)
			at.native.restart()
		}
	}
	if l.sparse() {
		l.compact(l.tracks())
	}
	l.record(l.clock.head)
}

// part tells the page's series from those that vanished.
func (l *lines) part() {
	before, step := l.list, l.clock.step
	if l.differs {
		l.list = l.visited
	} else {
		l.list = slices.Clone(before[:l.next])
	}
	l.gone = slices.DeleteFunc(l.gone, func(at *line) bool { return at.seen == step })
	for _, at := range before {
		if at.seen != step {
			l.gone = append(l.gone, at)
		}
	}
	l.visited = nil
}

// maxGone is how many vanished series are remembered beside as many again as
// are on the page: some pages have others each time.
const maxGone = 5000

// forget drops the series that are long gone.
func (l *lines) forget() {
	n := max(len(l.gone)-maxGone-len(l.list), 0)
	for n < len(l.gone) && l.clock.step-l.gone[n].seen > keepSteps {
		n++
	}
	for _, at := range l.gone[:n] {
		l.release(&at.track)
		if at.native != nil {
			l.kept -= at.native.kept
		}
		if l.byID[at.series.ID] == at {
			delete(l.byID, at.series.ID)
		}
	}
	l.gone = slices.Delete(l.gone, 0, n)
}

func (l *lines) tracks() []*track {
	all := make([]*track, 0, len(l.list)+len(l.gone))
	for _, list := range [...][]*line{l.list, l.gone} {
		for _, at := range list {
			all = append(all, &at.track)
		}
	}
	return all
}

// restarted tells whether the page as a whole began anew, as its series show: of
// those that were there before, at least half count from zero.
func (l *lines) restarted() bool { return l.falls > 0 && 2*l.falls >= l.could }

// each calls f with every series that may have grown in the window, those of the
// page first.
func (l *lines) each(f func(at *line)) {
	for _, list := range [...][]*line{l.list, l.gone} {
		for _, at := range list {
			f(at)
		}
	}
}
