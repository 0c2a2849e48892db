package screen

import (
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// RouteID is the identity of a route on every screen. The zero value names
// nothing.
type RouteID struct{ Method, Route analysis.Text }

// RouteIDs are the identities of rows, in their order.
func RouteIDs(rows []analysis.Route) []RouteID {
	list := make([]RouteID, len(rows))
	for i, r := range rows {
		list[i] = RouteID{r.Method, r.Route}
	}
	return list
}

// RouteName is a route as it is shown: "GET /products/{id}".
func RouteName(r *analysis.Route) string {
	path := r.Route.String()
	if r.Route.IsZero() {
		path = "(no route)"
	}
	return strings.TrimSpace(r.Method.String() + " " + path)
}

// Quiet is st, dimmed for what is unknown or nothing.
func Quiet(v analysis.Value, st canvas.Style) canvas.Style {
	if !v.OK || v.V == 0 {
		return theme.Dim
	}
	return st
}

// Alarm is the look of v: good up to warn, bad beyond bad, dim when unknown.
func Alarm(v analysis.Value, warn, bad float64) canvas.Style {
	switch {
	case !v.OK:
		return theme.Dim
	case v.V > bad:
		return theme.Bad
	case v.V > warn:
		return theme.Warn
	default:
		return theme.Good
	}
}

// badErrors is the share of failed requests beyond which it is bad; any is a
// warning.
const badErrors = 0.05

// ErrorLook is the look of a share of failed requests.
func ErrorLook(v analysis.Value) canvas.Style { return Alarm(v, 0, badErrors) }

// A percentile of few requests is an anecdote: with fewer than these behind it,
// it is dimmed.
const (
	EnoughP50 = analysis.EnoughP50
	EnoughP95 = analysis.EnoughP95
	EnoughP99 = analysis.EnoughP99
)

// QuantileLook is the look of a percentile in bucket b, which may be nil, with so
// many requests behind it. One of few requests is dimmed, and one whose bucket is
// so wide that the number is mostly a guess; not so where the number is written
// as the bucket's end, "<5ms" or ">10s", as that is the truth.
func QuantileLook(measured, enough float64, b *analysis.Bucket) canvas.Style {
	if measured < enough || b != nil && b.Coarse() && !b.First() && !b.Open() {
		return theme.Dim
	}
	return theme.Plain
}
