package analysis

import (
	"strings"

	"apitop/collectors/snapshot"
)

// sums collects the growth of many series: of one route, or of all.
type sums struct {
	requests Value
	rps      Value
	status   map[string]float64
	ladder   ladder
	worked   Value // requests whose statements were counted
	calls    Value // their database statements
}

// addTo adds the growth of every series of t to its route and to all.
func (t *target) addTo(routes map[routeKey]*sums, all *sums) {
	elapsed := t.counts.elapsed()
	for _, c := range t.reading.Requests {
		n := t.counts.one(c.Series.ID)
		status := c.Series.Status.String()
		routeOf(routes, c.Series).count(n, elapsed, status)
		all.count(n, elapsed, status)
	}
	var buf []float64
	for _, d := range t.reading.Durations {
		var ok bool
		if buf, ok = t.hists.delta(d.Series.ID, buf); !ok {
			continue
		}
		n := len(buf) - 2
		l := ladder{bounds: d.Bounds, cum: buf[:n], count: buf[n], sum: buf[n+1]}
		// Some libraries count by route and measure all requests together.
		if r := routes[keyOf(d.Series)]; r != nil {
			r.ladder.add(l)
		}
		all.ladder.add(l)
	}
	for _, w := range t.reading.Work {
		var ok bool
		buf, ok = t.work.delta(w.Series.ID, buf)
		if r := routes[keyOf(w.Series)]; ok && r != nil {
			r.worked = plus(r.worked, Value{V: buf[0], OK: true})
			r.calls = plus(r.calls, Value{V: buf[1], OK: true})
		}
	}
}

func keyOf(s *snapshot.Series) routeKey { return routeKey{s.Method, s.Route} }

func routeOf(routes map[routeKey]*sums, s *snapshot.Series) *sums {
	key := keyOf(s)
	r := routes[key]
	if r == nil {
		r = &sums{status: map[string]float64{}}
		routes[key] = r
	}
	return r
}

func (s *sums) count(n, elapsed Value, status string) {
	s.requests = plus(s.requests, n)
	s.rps = plus(s.rps, over(n, elapsed))
	if s.status == nil {
		s.status = map[string]float64{}
	}
	if n.OK && n.V > 0 {
		s.status[status] += n.V
	}
}

// class sums the requests whose status begins with prefix: "5" takes 500, 5xx
// and a bare 5.
func (s *sums) class(prefix string) float64 {
	n := 0.0
	for status, v := range s.status {
		if strings.HasPrefix(status, prefix) {
			n += v
		}
	}
	return n
}

// share is class / all; unknown without requests, or when no series says a
// status.
func (s *sums) share(prefix string) Value {
	if s.requests.V > 0 && s.status[""] == s.requests.V {
		return Value{}
	}
	return over(Value{V: s.class(prefix), OK: true}, s.requests)
}

// throttled counts the 429 answers; unknown where only classes are counted.
func (s *sums) throttled() Value {
	if !s.requests.OK || s.status["4xx"] > 0 || s.status["4"] > 0 {
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
		durations:        s.ladder,
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
	h.Avg, h.Measured = s.ladder.mean(), s.ladder.count
	h.P50, h.P50Bucket = s.ladder.quantile(0.50)
	h.P95, h.P95Bucket = s.ladder.quantile(0.95)
	h.P99, h.P99Bucket = s.ladder.quantile(0.99)
}
