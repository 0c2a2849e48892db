package load

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// lateAfter is well above what a busy scheduler adds to a timer.
const lateAfter = 100 * time.Millisecond

// counts are outcomes.
type counts struct {
	requests, ok, clientErrors, errors, throttled uint64
}

// add counts an outcome by its class.
func (c *counts) add(class string) {
	c.requests++
	switch class {
	case "2xx", "3xx":
		c.ok++
	case "4xx":
		c.clientErrors++
	case "429":
		c.throttled++
	default:
		c.errors++
	}
}

// spans are the distributions of one kind of answer.
type spans struct {
	response, service *timings
}

func newSpans(digits int) *spans {
	return &spans{response: newTimings(digits), service: newTimings(digits)}
}

func (s *spans) record(o *outcome) {
	s.response.record(o.end - o.due)
	s.service.record(o.end - o.begun)
}

// row is what was measured of all requests or of one route.
type row struct {
	counts
	status  map[int]uint64
	kinds   map[string]uint64 // without a whole answer
	good    *spans            // of the requests that are OK; nil: none yet
	classes map[string]*spans // coarse; by class
}

func (r *row) record(o *outcome, class string) {
	r.add(class)
	if r.status == nil {
		r.status, r.kinds, r.classes = map[int]uint64{}, map[string]uint64{}, map[string]*spans{}
	}
	if o.status > 0 {
		r.status[o.status]++
	} else {
		r.kinds[o.kind]++
	}
	if r.classes[class] == nil {
		r.classes[class] = newSpans(coarse)
	}
	r.classes[class].record(o)
	if class == "2xx" || class == "3xx" {
		if r.good == nil {
			r.good = newSpans(precise)
		}
		r.good.record(o)
	}
}

// tierRow is what the callers of a tier got, warm-up included.
type tierRow struct {
	admitted, denied uint64
	firstDenial      time.Duration // 0: none
}

// tally is all that is counted. Its size is bounded by routes, tiers, callers
// and the kinds of errors, not by time.
type tally struct {
	mu sync.Mutex // guards all below

	totals    Totals
	all       row
	ttfb, lag *timings
	routes    []row
	bytes     uint64
	inTime    uint64 // measured requests begun within the schedule's time
	sent      uint64 // measured requests begun
	late      uint64 // of the measured ones, as are the next
	dropped   uint64
	held      uint64
	abandoned uint64

	tiers  []tierRow
	limits *conformance
	recent recent
}

func newTally(routes int, c *crowd) *tally {
	return &tally{
		totals: Totals{Status: map[int]uint64{}, Kinds: map[string]uint64{}},
		ttfb:   newTimings(precise), lag: newTimings(precise),
		routes: make([]row, routes),
		tiers:  make([]tierRow, len(c.tiers)), limits: newConformance(c), recent: newRecent(),
	}
}

// begun counts a request at its start; end is when the schedule ends, 0: never.
func (t *tally) begun(j *job, end time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lag := j.begun - j.due
	late := j.waited || lag > lateAfter
	t.totals.Sent++
	t.recent.at(j.begun).sent(lag)
	if late {
		t.totals.Late++
	}
	if !j.measured {
		return
	}
	t.sent++
	t.lag.record(lag)
	if late {
		t.late++
	}
	if end == 0 || j.begun <= end+lateAfter {
		t.inTime++
	}
}

// unsent counts a request that will not be sent.
func (t *tally) unsent(measured, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	total, here := &t.totals.Dropped, &t.dropped
	if held {
		total, here = &t.totals.Held, &t.held
	}
	*total++
	if measured {
		*here++
	}
}

// ended counts how a request ended.
func (t *tally) ended(o *outcome) {
	class := classOf(o.status)
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.over {
		t.totals.Abandoned++
		if o.measured {
			t.abandoned++
		}
		return
	}
	t.total(o, class)
	t.limited(o)
	if !o.measured {
		return
	}
	t.all.record(o, class)
	t.routes[o.route.index].record(o, class)
	t.bytes += uint64(o.bytes)
	if o.status > 0 && o.status < 400 {
		t.ttfb.record(o.header - o.begun)
	}
}

func (t *tally) total(o *outcome, class string) {
	c := counts{}
	c.add(class)
	t.totals.OK += c.ok
	t.totals.ClientErrors += c.clientErrors
	t.totals.Errors += c.errors
	t.totals.Throttled += c.throttled
	t.totals.Bytes += uint64(o.bytes)
	if o.status == 0 {
		t.totals.Kinds[o.kind]++
		return
	}
	t.totals.Status[o.status]++
	if c.ok > 0 {
		t.recent.at(o.end).answered(o)
	}
}

func (t *tally) limited(o *outcome) {
	if o.status == 0 {
		return
	}
	tier := &t.tiers[t.limits.crowd.tierNow(o)]
	if o.status == http.StatusTooManyRequests {
		if tier.denied++; tier.firstDenial == 0 {
			tier.firstDenial = max(o.end, 1)
		}
	} else {
		tier.admitted++
	}
	t.limits.record(o)
}

// snapshot is a copy of the totals.
func (t *tally) snapshot() Totals {
	totals := t.totals
	totals.Status, totals.Kinds = maps.Clone(t.totals.Status), maps.Clone(t.totals.Kinds)
	return totals
}

// recent keeps the last whole second and the one under way.
type recent struct {
	second     int64 // the one under way, since the start
	this, last moment
}

// moment is one second.
type moment struct {
	begun uint64
	spans *spans
	lag   *timings
}

func newRecent() recent { return recent{this: newMoment(), last: newMoment()} }

func newMoment() moment { return moment{spans: newSpans(coarse), lag: newTimings(coarse)} }

func (m *moment) clear() {
	m.begun = 0
	m.spans.response.reset()
	m.spans.service.reset()
	m.lag.reset()
}

// at turns to the second of a time.
func (r *recent) at(elapsed time.Duration) *moment {
	second := int64(elapsed / time.Second)
	if second <= r.second {
		return &r.this // events of several goroutines may come a little late
	}
	r.this, r.last = r.last, r.this
	r.this.clear()
	if second > r.second+1 {
		r.last.clear()
	}
	r.second = second
	return &r.this
}

func (m *moment) sent(lag time.Duration) {
	m.begun++
	m.lag.record(lag)
}

func (m *moment) answered(o *outcome) { m.spans.record(o) }
