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

// column is one column of the table of routes. Its compare puts the most
// interesting first.
type column struct {
	head    widget.Column
	compare func(a, b *analysis.Route) int // nil: cannot be sorted by
	cell    func(r *analysis.Route, peak float64) widget.Cell
}

// byImpact is the column that the screen is sorted by at first: where the time
// goes hurts most.
const byImpact = 8

// byCalls is the column of statements, which few services count.
const byCalls = 9

// columns is the table, from left to right.
var columns = []column{
	{head: widget.Column{Title: "ROUTE", Width: 16, Flex: true}, compare: byName, cell: nameCell},
	{head: widget.Column{Title: "RPS", Width: 6, Right: true}, compare: falling(rps), cell: numberCell(rps)},
	{head: widget.Column{Title: "P50", Width: 6, Right: true, Drop: 3}, compare: falling(p50), cell: p50Cell},
	{head: widget.Column{Title: "P95", Width: 6, Right: true}, compare: falling(p95), cell: p95Cell},
	{head: widget.Column{Title: "P99", Width: 6, Right: true, Drop: 2}, compare: falling(p99), cell: p99Cell},
	{head: widget.Column{Title: "ERR", Width: 5, Right: true}, compare: falling(errors5xx), cell: errorCell},
	{head: widget.Column{Title: "4XX", Width: 5, Right: true, Drop: 5}, compare: falling(errors4xx), cell: clientErrorCell},
	{head: widget.Column{Title: "429", Width: 5, Right: true, Drop: 4}, compare: falling(throttled), cell: throttledCell},
	{head: widget.Column{Title: "TIME", Width: 5, Right: true, Drop: 6}, compare: falling(impact), cell: impactCell},
	{head: widget.Column{Title: "DB/REQ", Width: 6, Right: true, Drop: 10}, compare: falling(calls), cell: numberCell(calls)},
	{head: widget.Column{Title: "BUCKET", Width: 13, Right: true, Drop: 9}, cell: bucketCell},
	{head: widget.Column{Title: "REQUESTS", Width: 20, Right: true, Drop: 8}, cell: trendCell},
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

// falling compares by a value, the largest first, unknown ones last, then the
// name, so that equal rows do not change places.
func falling(of func(*analysis.Route) analysis.Value) func(a, b *analysis.Route) int {
	return func(a, b *analysis.Route) int {
		x, y := of(a), of(b)
		return cmp.Or(cmp.Compare(orLess(y), orLess(x)), byName(a, b))
	}
}

func orLess(v analysis.Value) float64 {
	if !v.OK {
		return -1
	}
	return v.V
}

func byName(a, b *analysis.Route) int {
	return cmp.Or(
		strings.Compare(a.Route.String(), b.Route.String()),
		strings.Compare(a.Method.String(), b.Method.String()),
	)
}

// nextSort is the next column after i, in direction d, that can be sorted by.
func nextSort(i, d int) int {
	for {
		i = (i + d + len(columns)) % len(columns)
		if columns[i].compare != nil {
			return i
		}
	}
}

// heads are the column heads with the mark of the sorted one.
func (m Model) heads() []widget.Column {
	list := make([]widget.Column, len(columns))
	for i, c := range columns {
		list[i] = c.head
	}
	list[m.sort].Sort = -1
	if m.reverse != (m.sort == 0) {
		list[m.sort].Sort = 1
	}
	list[m.sort].Drop = 0 // one must see what the order means
	return list
}

func cells(r *analysis.Route, peak float64) []widget.Cell {
	list := make([]widget.Cell, len(columns))
	for i, c := range columns {
		list[i] = c.cell(r, peak)
	}
	return list
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

func nameCell(r *analysis.Route, _ float64) widget.Cell {
	if r.RPS.OK && r.RPS.V == 0 {
		return widget.Cell{Text: name(r), Style: theme.Dim}
	}
	return widget.Cell{Text: name(r)}
}

func numberCell(of func(*analysis.Route) analysis.Value) func(*analysis.Route, float64) widget.Cell {
	return func(r *analysis.Route, _ float64) widget.Cell {
		v := of(r)
		return widget.Cell{Text: format.Number(v), Style: screen.Quiet(v, theme.Plain)}
	}
}

func p50Cell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P50, r.P50Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP50, r.P50Bucket)}
}

func p95Cell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P95, r.P95Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP95, r.P95Bucket)}
}

func p99Cell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Quantile(r.P99, r.P99Bucket), Style: screen.QuantileLook(r.Measured, screen.EnoughP99, r.P99Bucket)}
}

func errorCell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Percent(r.ErrorRatio), Style: screen.Quiet(r.ErrorRatio, screen.ErrorLook(r.ErrorRatio))}
}

func clientErrorCell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Percent(r.ClientErrorRatio), Style: screen.Quiet(r.ClientErrorRatio, theme.Plain)}
}

func throttledCell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Whole(r.Throttled), Style: screen.Quiet(r.Throttled, theme.Warn)}
}

func impactCell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Percent(r.TimeShare), Style: screen.Quiet(r.TimeShare, theme.Plain)}
}

func bucketCell(r *analysis.Route, _ float64) widget.Cell {
	return widget.Cell{Text: format.Span(r.P95Bucket), Style: theme.Dim}
}

func trendCell(r *analysis.Route, peak float64) widget.Cell {
	return widget.Cell{Draw: func(a canvas.Area) { widget.Spark(a, r.Trend, peak, theme.Series1) }}
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
