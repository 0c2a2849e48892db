package analysis

import (
	"slices"
	"strings"
)

// sums collects the growth of many series: of one row, of one instance, or of
// all.
type sums struct {
	requests Value
	rps      Value
	status   map[string]float64
	ended    float64 // requests whose end was counted, all that are in status
	apart    bool    // the statuses are of another family, and no row's
	ladder   ladder
	worked   Value // requests whose statements were counted
	calls    Value // their database statements
}

func (s *sums) count(n, elapsed Value, status string) {
	s.began(n, elapsed)
	if n.OK && n.V > 0 {
		s.answered(status, n.V)
	}
}

// began counts requests whose statuses are counted by themselves.
func (s *sums) began(n, elapsed Value) {
	s.requests = plus(s.requests, n)
	s.rps = plus(s.rps, over(n, elapsed))
}

// timed takes durations. What was not timed was not asked, which is all that is
// known of a route that is not counted.
func (s *sums) timed(l ladder, elapsed Value) {
	s.ladder.add(l)
	if l.count == 0 {
		s.began(Value{OK: true}, elapsed)
	}
}

func (s *sums) answered(status string, n float64) {
	s.ended += n
	s.put(status, n)
}

func (s *sums) put(status string, n float64) {
	if s.status == nil {
		s.status = map[string]float64{}
	}
	s.status[status] += n
}

func (s *sums) work(d []float64) {
	s.worked = plus(s.worked, Value{V: d[0], OK: true})
	s.calls = plus(s.calls, Value{V: d[1], OK: true})
}

// merge adds all that o collected.
func (s *sums) merge(o *sums) {
	s.requests, s.rps = plus(s.requests, o.requests), plus(s.rps, o.rps)
	s.ended += o.ended
	s.apart = s.apart || o.apart
	for status, n := range o.status {
		s.put(status, n)
	}
	s.ladder.add(o.ladder)
	s.worked, s.calls = plus(s.worked, o.worked), plus(s.calls, o.calls)
}

// class sums the requests whose status begins with prefix: "5" takes 500, 5xx
// and a bare 5.
func (s *sums) class(prefix string) float64 {
	var room [16]float64
	parts := room[:0]
	for status, v := range s.status {
		if strings.HasPrefix(status, prefix) {
			parts = append(parts, v)
		}
	}
	slices.Sort(parts) // added up in any order, the last digit would depend on chance
	n := 0.0
	for _, v := range parts {
		n += v
	}
	return n
}

// share is class / all; unknown without requests, or when no series says a
// status.
func (s *sums) share(prefix string) Value {
	if s.mute() {
		return Value{}
	}
	return over(Value{V: s.class(prefix), OK: true}, Value{V: s.ended, OK: s.requests.OK})
}

// mute tells whether there were requests of which no series says a status.
func (s *sums) mute() bool { return s.requests.V > 0 && s.status[""] == s.ended }

// throttled counts the 429 answers; unknown where only classes are counted, or
// no series says a status.
func (s *sums) throttled() Value {
	if !s.requests.OK || s.mute() || s.status["4xx"] > 0 || s.status["4"] > 0 {
		return Value{}
	}
	return Value{V: s.status["429"], OK: true}
}

func (s *sums) route(key routeKey, allSeconds float64) Route {
	r := Route{
		Method:           key.method,
		Route:            key.route,
		Requests:         s.requests,
		RPS:              s.rps,
		ErrorRatio:       s.share("5"),
		ClientErrorRatio: s.share("4"),
		Throttled:        s.throttled(),
		Status:           s.status,
		Avg:              s.ladder.mean(),
		TimeShare:        ratio(s.ladder.sum, allSeconds),
		Measured:         s.ladder.count,
		CallsPerRequest:  over(s.calls, s.worked),
		BoundsCut:        s.ladder.lossy(),
		AvgBeyond:        s.ladder.short(),
		durations:        s.ladder,
	}
	if r.Status == nil {
		r.Status = map[string]float64{}
	}
	r.P50, r.P50Bucket = s.ladder.quantile(0.50)
	r.P95, r.P95Bucket = s.ladder.quantile(0.95)
	r.P99, r.P99Bucket = s.ladder.quantile(0.99)
	return r
}

func (s *sums) fill(h *HTTP) {
	h.Requests, h.RPS = s.requests, s.rps
	h.ErrorRatio, h.ClientErrorRatio = s.share("5"), s.share("4")
	h.Throttled = s.throttled()
	if s.apart {
		h.Status = s.status
	}
	h.Avg, h.Measured = s.ladder.mean(), s.ladder.count
	h.BoundsCut, h.AvgBeyond = s.ladder.lossy(), s.ladder.short()
	h.P50, h.P50Bucket = s.ladder.quantile(0.50)
	h.P95, h.P95Bucket = s.ladder.quantile(0.95)
	h.P99, h.P99Bucket = s.ladder.quantile(0.99)
}

func (s *sums) fillInstance(i *Instance) {
	i.Requests, i.RPS, i.ErrorRatio = s.requests, s.rps, s.share("5")
	i.Avg = s.ladder.mean()
	i.percentiles(&s.ladder)
}

// percentiles are what l says of the durations of an instance.
func (i *Instance) percentiles(l *ladder) {
	i.Measured, i.BoundsCut, i.AvgBeyond = l.count, l.lossy(), l.short()
	i.P50, i.P50Bucket = l.quantile(0.50)
	i.P95, i.P95Bucket = l.quantile(0.95)
	i.P99, i.P99Bucket = l.quantile(0.99)
}
