package traffic

import (
	"cmp"
	"fmt"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// byImpact is the column that the screen is sorted by at first: where the time
// goes hurts most.
const byImpact = 8

// byCalls is the column of statements, which few services count.
const byCalls = 9

// columns is the table, from left to right; peak is the top of the scale of all
// sparklines.
func columns(peak float64) screen.Columns[analysis.Route] {
	by := func(of func(*analysis.Route) analysis.Value) func(a, b *analysis.Route) int {
		return screen.Falling(of, byName)
	}
	return screen.Columns[analysis.Route]{
		{Head: widget.Column{Title: "ROUTE", Width: 16, Flex: true}, Compare: byName, Rising: true, Cell: nameCell},
		{Head: widget.Column{Title: "RPS", Width: 6, Right: true}, Compare: by(rps), Cell: numberCell(rps)},
		{Head: widget.Column{Title: "P50", Width: 6, Right: true, Drop: 3}, Compare: by(p50), Cell: p50Cell},
		{Head: widget.Column{Title: "P95", Width: 6, Right: true}, Compare: by(p95), Cell: p95Cell},
		{Head: widget.Column{Title: "P99", Width: 6, Right: true, Drop: 2}, Compare: by(p99), Cell: p99Cell},
		{Head: widget.Column{Title: "ERR", Width: 5, Right: true}, Compare: by(errors5xx), Cell: errorCell},
		{Head: widget.Column{Title: "4XX", Width: 5, Right: true, Drop: 5}, Compare: by(errors4xx), Cell: clientErrorCell},
		{Head: widget.Column{Title: "429", Width: 5, Right: true, Drop: 4}, Compare: by(throttled), Cell: throttledCell},
		{Head: widget.Column{Title: "TIME", Width: 5, Right: true, Drop: 6}, Compare: by(impact), Cell: impactCell},
		{Head: widget.Column{Title: "DB/REQ", Width: 6, Right: true, Drop: 10}, Compare: by(calls), Cell: numberCell(calls)},
		{Head: widget.Column{Title: "BUCKET", Width: 13, Right: true, Drop: 9}, Cell: bucketCell},
		{Head: widget.Column{Title: "REQUESTS", Width: 20, Right: true, Drop: 8}, Cell: trendCell(peak)},
	}
}

func rps(r *analysis.Route) analysis.Value       { return r.RPS }
func p50(r *analysis.Route) analysis.Value       { return r.P50 }
func p95(r *analysis.Route) analysis.Value       { return r.P95 }
func p99(r *analysis.Route) analysis.Value       { return r.P99 }
func errors5xx(r *analysis.Route) analysis.Value { return r.ErrorRatio }
func errors4xx(r *analysis.Route) analysis.Value { return r.ClientErrorRatio }
func throttled(r *analysis.Route) analysis.Value { return r.Throttled }
func impact(r *analysis.Route) analysis.Value    { return r.TimeShare }
func calls(r *analysis.Route) analysis.Value     { return r.CallsPerRequest }

func byName(a, b *analysis.Route) int {
	return cmp.Or(
		strings.Compare(a.Route.String(), b.Route.String()),
		strings.Compare(a.Method.String(), b.Method.String()),
	)
}

// name is a route as the table shows it: the method padded, so that the paths
// stand below each other.
func name(r *analysis.Route) string {
	method, path, both := strings.Cut(screen.RouteName(r), " ")
	if !both || r.Method.IsZero() {
		return screen.RouteName(r)
	}
	return fmt.Sprintf("%-4s %s", method, path)
}

func nameCell(r *analysis.Route) widget.Cell {
	if r.RPS.OK && r.RPS.V == 0 {
		return widget.Cell{Text: name(r), Style: theme.Dim}
	}
	return widget.Cell{Text: name(r)}
}

func numberCell(of func(*analysis.Route) analysis.Value) func(*analysis.Route) widget.Cell {
	return func(r *analysis.Route) widget.Cell {
		v := of(r)
		return widget.Cell{Text: format.Number(v), Style: screen.Quiet(v, theme.Plain)}
	}
}

func p50Cell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P50, r.P50Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP50, r.P50Bucket)}
}

func p95Cell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P95, r.P95Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP95, r.P95Bucket)}
}

func p99Cell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P99, r.P99Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP99, r.P99Bucket)}
}

func errorCell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Percent(r.ErrorRatio), Style: screen.Quiet(r.ErrorRatio, screen.ErrorLook(r.ErrorRatio))}
}

func clientErrorCell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Percent(r.ClientErrorRatio), Style: screen.Quiet(r.ClientErrorRatio, theme.Plain)}
}

func throttledCell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Whole(r.Throttled), Style: screen.Quiet(r.Throttled, theme.Warn)}
}

func impactCell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Percent(r.TimeShare), Style: screen.Quiet(r.TimeShare, theme.Plain)}
}

func bucketCell(r *analysis.Route) widget.Cell {
	return widget.Cell{Text: format.Span(r.P95Bucket), Style: theme.Dim}
}

func trendCell(peak float64) func(*analysis.Route) widget.Cell {
	return func(r *analysis.Route) widget.Cell {
		return widget.Cell{Draw: func(a canvas.Area) { widget.Spark(a, r.Trend, peak, theme.Series1) }}
	}
}

// trendPeak is the top of the common scale of all sparklines.
func trendPeak(rows []analysis.Route) float64 {
	top := 0.0
	for i := range rows {
		for _, v := range rows[i].Trend {
			top = max(top, orZero(float64(v)))
		}
	}
	return top
}

// orZero makes a gap count for nothing.
func orZero(v float64) float64 {
	if v != v {
		return 0
	}
	return v
}

// heading is the title of the table.
func (m Model) heading(r *analysis.Report, rows int) string {
	if r.HTTP == nil {
		return "Routes"
	}
	all := len(r.HTTP.Rows())
	what := "Routes " + m.filter.Count(rows, all)
	if n := len(r.HTTP.Routes); n > all {
		what += fmt.Sprintf(" of %d paths", n) // ids are taken out of them
	}
	return what + " · last " + format.Age(r.WindowSeconds)
}
