package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Comparison is what changed between two reports of the same test. Differences
// that chance explains are not called changes.
type Comparison struct {
	Rows  []Change `json:"rows"`  // of the whole test first, then by route
	Notes []string `json:"notes"` // what makes the two hard to compare; empty for nothing
	Gate  Gate     `json:"-"`     // Broken: at least one figure became worse; Unmeasured: the two cannot be compared
}

// Change is one figure of both reports.
type Change struct {
	Method string   `json:"method"` // "" with Route "" for the whole test
	Route  string   `json:"route"`
	Figure string   `json:"figure"` // "response p95", "service p95", "errors", "rps"
	Base   Estimate `json:"base"`
	Now    Estimate `json:"now"`
	Kind   Kind     `json:"change"`
	Reason string   `json:"reason,omitempty"` // of Unclear
}

// Estimate is a figure and the interval that holds its true value with a
// confidence of 99 %: seconds, a ratio or requests a second. Nil is unknown.
type Estimate struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// Kind is what a change amounts to.
type Kind string

// The kinds of change.
const (
	Same    Kind = "same"
	Better  Kind = "better"
	Worse   Kind = "worse"
	Unclear Kind = "unclear" // too few samples in one of the two
)

// Tolerance is what a change must exceed to count, in both ways, beside what
// chance explains. The zero value stands for [DefaultTolerance].
type Tolerance struct {
	Ratio   float64 // of the base
	Seconds float64 // of a latency
	Share   float64 // of the requests: errors
	RPS     float64
}

// DefaultTolerance is 10 %, and 2 ms, half a percentage point or one request a
// second.
func DefaultTolerance() Tolerance {
	return Tolerance{Ratio: 0.1, Seconds: 0.002, Share: 0.005, RPS: 1}
}

// normal99 is the 99.5 % quantile of the normal distribution: 99 % lie between
// it and its negative.
const normal99 = 2.5758

// alike discounts samples: requests that follow each other meet the same pauses,
// so n of them say as little as n/alike that know nothing of each other. It is a
// rule of thumb, and the reason for [Tolerance].
const alike = 4

// ErrIncomparable says that the two reports are of different tests.
var ErrIncomparable = errors.New("the reports are of different tests")

// Comparable says why now cannot be compared with base; nil when it can. Of now
// only Mode and Scenario are needed.
func Comparable(base, now *Report) error {
	switch {
	case base.Schema != Schema:
		return fmt.Errorf("%w: the base has the schema %.40q, not %q", ErrIncomparable, base.Schema, Schema)
	case now.Mode != "" && base.Mode != now.Mode:
		return fmt.Errorf("%w: the base is of %s loop, this is of %s loop", ErrIncomparable, base.Mode, now.Mode)
	case base.Scenario != now.Scenario:
		return fmt.Errorf("%w: the base is of the scenario %.60q, this is of %.60q", ErrIncomparable, base.Scenario, now.Scenario)
	}
	return nil
}

// Compare holds now against base, route by route.
//
// A figure is worse when it is so by more than chance (the 99 % intervals of
// both do not touch) and by more than the tolerance, in proportion and in
// absolute terms. What the generator's own lag explains is unclear; then service
// times decide. The interval of a percentile comes from the order of the
// samples (binomial), that of a share is Wilson's.
func Compare(base, now *Report, t Tolerance) Comparison {
	if t == (Tolerance{}) {
		t = DefaultTolerance()
	}
	c := Comparison{Notes: doubts(base, now)}
	if len(c.Notes) > 0 {
		c.Gate = Unmeasured
	}
	c.add(t, "", "", allFigures(base), allFigures(now))
	for i := range now.Routes {
		r := &now.Routes[i]
		at := slices.IndexFunc(base.Routes, func(b RouteReport) bool { return b.Method == r.Method && b.Route == r.Route })
		if at >= 0 {
			c.add(t, r.Method, r.Route, routeFigures(&base.Routes[at], ownLag(base)), routeFigures(r, ownLag(now)))
		}
	}
	if c.Gate == Kept {
		c.Gate = gateOf(c.Rows)
	}
	return c
}

// gateOf sums changes up. Without a single latency that could be told in both
// reports nothing was compared.
func gateOf(rows []Change) Gate {
	told := false
	for _, row := range rows {
		if row.Kind == Worse {
			return Broken
		}
		told = told || row.Kind != Unclear && row.Figure != "errors" && row.Figure != "rps"
	}
	if !told {
		return Unmeasured
	}
	return Kept
}

// ownLag is the lag of a run that the generator limited; nil without such. Where
// many requests began late it was for want of a place among those under way, and
// the target is to blame after all.
func ownLag(r *Report) *Latency {
	const often = 0.01
	if !r.GeneratorLimited || float64(r.Late) >= often*float64(r.Requests) {
		return nil
	}
	return &r.Lag
}

// explained tells whether the generator's own lag may be all there is to a step:
// quantiles do not add up exactly, so twice the lag does.
func explained(b, n figure) bool {
	return math.Abs(*n.est.Value-*b.est.Value) <= 2*max(b.lag, n.lag)
}

// doubts are the reasons for which figures of the two do not compare.
func doubts(base, now *Report) []string {
	var notes []string
	if b, n := base.IntendedRPS, now.IntendedRPS; b != nil && n != nil && math.Abs(*b-*n) > 0.02**b {
		notes = append(notes, fmt.Sprintf("not like for like: %.4g/s were intended, in the base %.4g/s", *n, *b))
	}
	if base.Users != now.Users {
		notes = append(notes, fmt.Sprintf("not like for like: %d users, in the base %d", now.Users, base.Users))
	}
	for name, r := range map[string]*Report{"the base": base, "this run": now} {
		if r.Interrupted {
			notes = append(notes, name+" was interrupted")
		}
		if r.Seconds <= 0 || r.Requests == 0 {
			notes = append(notes, name+" measured nothing")
		}
	}
	slices.Sort(notes)
	return notes
}

// figure is one figure of a report.
type figure struct {
	name   string
	est    Estimate
	reason string  // for an estimate without a value
	higher bool    // more is better
	lag    float64 // seconds of it that the generator may have caused itself
	least  func(Tolerance) float64
}

func allFigures(r *Report) []figure {
	out := latencyFigures(&r.Response, &r.Service, ownLag(r))
	errs := shareFigure("errors", r.Errors, r.Requests)
	rps := figure{name: "rps", higher: true, least: func(t Tolerance) float64 { return t.RPS }, reason: "no time was measured"}
	if r.Seconds > 0 {
		n, wide := float64(r.OK), normal99*math.Sqrt(float64(r.OK))
		rps.est = estimate(n/r.Seconds, max(n-wide, 0)/r.Seconds, (n+wide)/r.Seconds)
	}
	return append(out, errs, rps)
}

func routeFigures(r *RouteReport, late *Latency) []figure {
	return append(latencyFigures(&r.Response, &r.Service, late), shareFigure("errors", r.Errors, r.Requests))
}

// latencyFigures are the same for all and for a route; late is the lag, if it is
// the generator's fault.
func latencyFigures(response, service, late *Latency) []figure {
	out := []figure{
		quantileFigure("response p50", response, 0.5),
		quantileFigure("response p95", response, 0.95),
		quantileFigure("response p99", response, 0.99),
	}
	if late != nil {
		for i, q := range []float64{0.5, 0.95, 0.99} {
			out[i].lag, _ = late.Quantile(q)
		}
	}
	return append(out, quantileFigure("service p95", service, 0.95), quantileFigure("service p99", service, 0.99))
}

func estimate(v, low, high float64) Estimate { return Estimate{Value: &v, Low: &low, High: &high} }

// quantileFigure bounds a quantile by the values at the ranks between which the
// true one lies: of n samples the share below it is q with a deviation of
// sqrt(q(1-q)/n).
func quantileFigure(name string, l *Latency, q float64) figure {
	f := figure{name: name, least: func(t Tolerance) float64 { return t.Seconds }}
	v, enough := l.Quantile(q)
	if !enough {
		f.reason = fmt.Sprintf("%d of the %d answers that it takes", l.Count, samplesFor(q))
		return f
	}
	wide := normal99 * math.Sqrt(q*(1-q)*alike/float64(l.Count))
	low, _ := l.Quantile(max(q-wide, 0))
	high, _ := l.Quantile(min(q+wide, 1))
	f.est = estimate(v, low, high)
	return f
}

// shareFigure has Wilson's interval, which is right for small shares, too.
func shareFigure(name string, part, all uint64) figure {
	f := figure{name: name, least: func(t Tolerance) float64 { return t.Share }}
	if all == 0 {
		f.reason = "no request was sent"
		return f
	}
	p, n := float64(part)/float64(all), max(float64(all)/alike, 1)
	const z2 = normal99 * normal99
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := normal99 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	f.est = estimate(p, max(centre-half, 0), min(centre+half, 1))
	return f
}

// add appends the changes of one route; both lists have the same order.
func (c *Comparison) add(t Tolerance, method, route string, base, now []figure) {
	for i, b := range base {
		n := now[i]
		row := Change{Method: method, Route: route, Figure: b.name, Base: b.est, Now: n.est}
		switch {
		case b.est.Value == nil:
			row.Kind, row.Reason = Unclear, "base: "+b.reason
		case n.est.Value == nil:
			row.Kind, row.Reason = Unclear, n.reason
		default:
			row.Kind = changed(b, n, t)
			if row.Kind != Same && explained(b, n) {
				row.Kind, row.Reason = Unclear, "generator-limited: this machine sent late"
			}
		}
		c.Rows = append(c.Rows, row)
	}
}

// changed says what the step from b to n amounts to.
func changed(b, n figure, t Tolerance) Kind {
	step := *n.est.Value - *b.est.Value
	enough := math.Abs(step) > b.least(t) && math.Abs(step) > t.Ratio**b.est.Value
	apart := *n.est.Low > *b.est.High || *n.est.High < *b.est.Low
	switch {
	case !enough || !apart:
		return Same
	case (step > 0) == b.higher:
		return Better
	}
	return Worse
}
