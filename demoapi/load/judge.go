package load

import (
	"fmt"
	"math"
	"strings"
)

// Gate is what a set of objectives comes to.
type Gate int

// The outcomes of a gate. The zero value is Kept: no objective was broken.
const (
	Kept       Gate = iota // all objectives hold
	Broken                 // at least one does not
	Unmeasured             // none is broken, but at least one could not be judged
)

// Judge holds r to the objectives, in their order.
func Judge(slos []SLO, r *Report) []SLOResult {
	out := make([]SLOResult, len(slos))
	for i, s := range slos {
		out[i] = s.Judge(r)
	}
	return out
}

// GateOf sums results up.
func GateOf(results []SLOResult) Gate {
	g := Kept
	for _, r := range results {
		switch {
		case r.Pass == nil:
			g = max(g, Unmeasured)
		case !*r.Pass:
			return Broken
		}
	}
	return g
}

// Judge says whether r keeps the objective. A percentile of too few requests is
// neither kept nor broken: see [Latency]. Where several routes bear the name of
// the subject, the worst of them counts.
func (s SLO) Judge(r *Report) SLOResult {
	if s.Subject == "" {
		return s.judge(s.ofAll(r))
	}
	var worst *SLOResult
	for i := range r.Routes {
		if !s.Concerns(r.Routes[i].Method, r.Routes[i].Route) {
			continue
		}
		if got := s.judge(s.ofRoute(&r.Routes[i], r.Seconds)); worst == nil || badness(got) > badness(*worst) {
			worst = &got
		}
	}
	if worst == nil {
		return SLOResult{Expr: s.Expr, Reason: "nothing was asked of such a route"}
	}
	return *worst
}

// Concerns tells whether the subject of the objective is that route. The slash
// at its beginning may be left out.
func (s SLO) Concerns(method, route string) bool {
	name := strings.TrimPrefix(s.Subject, "/")
	return name == strings.TrimPrefix(route, "/") || s.Subject == method+" "+route
}

// badness orders results: what is broken is worst, then what cannot be judged.
func badness(r SLOResult) int {
	switch {
	case r.Pass == nil:
		return 1
	case !*r.Pass:
		return 2
	}
	return 0
}

// measured is what an objective is held to: a number, or why there is none.
type measured struct {
	value  float64
	ok     bool
	reason string // without ok
}

func (s SLO) judge(m measured) SLOResult {
	res := SLOResult{Expr: s.Expr, Reason: m.reason}
	if !m.ok {
		return res
	}
	pass := m.value < s.Bound
	if s.Above {
		pass = m.value > s.Bound
	}
	pass = pass || s.OrEqual && m.value == s.Bound
	res.Pass, res.Value = &pass, &m.value
	return res
}

// outcomes are the requests of a test, or of one route, by what came of them.
type outcomes struct {
	requests, ok, errors, clientErrors, throttled uint64
	seconds                                       float64
}

// counted is the objective's figure if it is one of outcomes; false: it is not.
func (s SLO) counted(o outcomes) (measured, bool) {
	switch s.Figure {
	case FigureErrors:
		return shareOf(o.errors, o.requests), true
	case FigureClientErrors:
		return shareOf(o.clientErrors, o.requests), true
	case FigureThrottled:
		return shareOf(o.throttled, o.requests), true
	case FigureRPS:
		return perSecond(o.ok, o.seconds), true
	}
	return measured{}, false
}

// ofAll is the objective's figure of the whole test.
func (s SLO) ofAll(r *Report) measured {
	if s.Figure == FigureLate {
		return shareOf(r.Late+r.Dropped, r.Requests+r.Dropped)
	}
	if m, ok := s.counted(outcomes{r.Requests, r.OK, r.Errors, r.ClientErrors, r.Throttled, r.Seconds}); ok {
		return m
	}
	switch s.Span {
	case SpanService:
		return s.latency(&r.Service)
	case SpanTTFB:
		return s.latency(&r.TTFB)
	}
	return s.latency(&r.Response)
}

// ofRoute is the objective's figure of one route.
func (s SLO) ofRoute(r *RouteReport, seconds float64) measured {
	if m, ok := s.counted(outcomes{r.Requests, r.OK, r.Errors, r.ClientErrors, r.Throttled, seconds}); ok {
		return m
	}
	if s.Span == SpanService {
		return s.latency(&r.Service)
	}
	return s.latency(&r.Response)
}

func (s SLO) latency(l *Latency) measured {
	if l.Count == 0 {
		return measured{reason: "no request was answered well"}
	}
	var p *float64
	switch s.Figure {
	case FigureMax:
		p = l.Max
	case FigureMean:
		p = l.Mean
	default:
		if v, enough := l.Quantile(s.Q); enough {
			p = &v
		} else {
			return measured{reason: fmt.Sprintf("%d of the %d answers that it takes", l.Count, samplesFor(s.Q))}
		}
	}
	if p == nil {
		return measured{reason: "not measured"}
	}
	return measured{value: *p, ok: true}
}

// samplesFor is how many samples tell the quantile q; see [enoughSamples].
func samplesFor(q float64) uint64 {
	return uint64(math.Ceil(10/(1-q) - 1e-6))
}

func shareOf(part, all uint64) measured {
	if all == 0 {
		return measured{reason: "no request was sent"}
	}
	return measured{value: float64(part) / float64(all), ok: true}
}

func perSecond(n uint64, seconds float64) measured {
	if !(seconds > 0) {
		return measured{reason: "no time was measured"}
	}
	return measured{value: float64(n) / seconds, ok: true}
}
