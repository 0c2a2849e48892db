package main

import (
	"fmt"
	"strings"
	"time"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/tui/format"
	"apitop/tui/loadview"
	"apitop/tui/screen"
)

// view is a run under way as the screen shows it.
func (w *loadWatch) view(p *load.Progress) loadview.View {
	t := &p.Totals
	v := loadview.View{
		At: time.Now(), Target: w.title, Phase: w.phase(p), Elapsed: p.Elapsed, Planned: p.Planned, InFlight: p.InFlight,
		SentRPS: analysis.Value{V: p.SentRPS, OK: p.Elapsed >= time.Second},
		Lag:     w.lag, Recent: w.history, Outcomes: outcomes(t), Objectives: objectives(w.slos, w.results),
		Warning: w.warning(p),
	}
	if w.planned > 0 {
		v.Lag = analysis.Value{} // nothing is due in a closed loop
	}
	if p.Planned > 0 {
		v.IntendedRPS = analysis.Value{V: p.IntendedRPS, OK: true}
	} else if w.planned > 0 {
		v.Done = analysis.Value{V: min(float64(t.Sent)/float64(w.planned), 1), OK: true}
	}
	for i := range p.Routes {
		if r := &p.Routes[i]; r.Requests > 0 {
			v.Routes = append(v.Routes, liveRoute(r))
		}
	}
	return v
}

// phase is what happens now, in words.
func (w *loadWatch) phase(p *load.Progress) string {
	words := map[load.Phase]string{
		load.LogIn: "logging in", load.Warmup: "warming up", load.Measure: "measuring", load.Drain: "last answers", load.Done: "done",
	}
	if w.label == "" {
		return words[p.Phase]
	}
	return strings.TrimSpace(w.label + " " + words[p.Phase])
}

// warning is what makes the figures doubtful, seen in the last second.
func (w *loadWatch) warning(p *load.Progress) string {
	const lagBad, ofResponse = 0.01, 0.1 // seconds; of the response time
	if len(w.history) == 0 || p.Phase != load.Measure || !w.lag.OK || w.lag.V < lagBad {
		return ""
	}
	if response := w.history[len(w.history)-1].P95; response.OK && w.lag.V > ofResponse*response.V {
		return "sent late: this machine or --max-inflight is the limit"
	}
	return ""
}

func outcomes(t *load.Totals) []loadview.Outcome {
	all := t.OK + t.ClientErrors + t.Errors + t.Throttled
	one := func(label string, n uint64, bad bool) loadview.Outcome {
		return loadview.Outcome{Label: label, Count: n, Share: ratio(n, all), Bad: bad}
	}
	return []loadview.Outcome{
		one("ok", t.OK, false), one("errors", t.Errors, true), one("429", t.Throttled, true), one("4xx", t.ClientErrors, true),
		one("late", t.Late, true), one("dropped", t.Dropped, true),
	}
}

// ratio is unknown of nothing.
func ratio(part, all uint64) analysis.Value {
	if all == 0 {
		return analysis.Value{}
	}
	return analysis.Value{V: float64(part) / float64(all), OK: true}
}

func pointed(v *float64) analysis.Value {
	if v == nil {
		return analysis.Value{}
	}
	return analysis.Value{V: *v, OK: true}
}

// recentQuantile is a quantile of one second. As on every screen it takes fewer
// samples than a report does, since nothing is decided by it.
func recentQuantile(l *load.Latency, q float64) analysis.Value {
	enough := map[float64]uint64{0.5: screen.EnoughP50, 0.95: screen.EnoughP95, 0.99: screen.EnoughP99}[q]
	v, _ := l.Quantile(q)
	return analysis.Value{V: v, OK: l.Count > 0 && l.Count >= enough}
}

// objectives is how they stand; results may still be missing.
func objectives(slos []load.SLO, results []load.SLOResult) []loadview.Objective {
	out := make([]loadview.Objective, len(slos))
	for i, s := range slos {
		out[i] = loadview.Objective{Text: safe.Clean(s.Expr, 60)}
		if i >= len(results) {
			continue
		}
		r := results[i]
		switch {
		case r.Pass == nil:
			out[i].Value = safe.Clean(r.Reason, 60)
		case *r.Pass:
			out[i].Standing, out[i].Value = loadview.Kept, sloValue(s, r)
		default:
			out[i].Standing, out[i].Value = loadview.Broken, sloValue(s, r)
		}
	}
	return out
}

// sloValue is a result in the unit of its objective.
func sloValue(s load.SLO, r load.SLOResult) string {
	if r.Value == nil {
		return format.Unknown
	}
	switch {
	case s.Figure.IsLatency():
		return format.Seconds(pointed(r.Value))
	case s.Figure == load.FigureRPS:
		return format.Number(pointed(r.Value)) + "/s"
	}
	if p := *r.Value * 100; p > 0 && p < 10 {
		return fmt.Sprintf("%.2g%%", p) // two digits, as bounds are small
	}
	return format.Percent(pointed(r.Value))
}

func liveRoute(r *load.RouteProgress) loadview.Route {
	return loadview.Route{
		Method: safe.Clean(r.Method, 10), Route: safe.Clean(r.Route, 200), Requests: r.Requests,
		P50: pointed(r.ResponseP50), P95: pointed(r.ResponseP95), ServiceP95: pointed(r.ServiceP95),
		Errors: ratio(r.Errors, r.Requests), ClientErrors: ratio(r.ClientErrors, r.Requests), Throttled: ratio(r.Throttled, r.Requests),
	}
}
