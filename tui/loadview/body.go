package loadview

import (
	"fmt"
	"math"
	"slices"
	"time"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// The least height at which each part is worth its place.
const (
	leastChart  = 5 // legend, three rows of dots, time axis
	titledFrom  = 16
	mostGoals   = 6 // lines
	besideFrom  = 110
	chartWindow = 2 * time.Minute
)

// drawBody shares the space between the latency chart, the objectives and the
// routes. A small screen has no titles; a wide one has the objectives beside
// the chart.
func (m *Model) drawBody(a canvas.Area) {
	w, h := a.Size()
	titled := h >= titledFrom
	routes := 1 + len(m.view.Routes)
	if titled {
		routes++
	}
	routes = min(routes, max(h*2/5, 3))
	top, bottom := a.Top(h - routes)
	if h-routes < leastChart {
		top, bottom = a.Top(0)
	}
	m.drawRoutes(bottom, titled)
	goals := len(m.view.Objectives)
	if goals > 0 && w >= besideFrom {
		left, right := top.Left(w * 2 / 3)
		right = right.Sub(2, 0, w, h)
		m.drawLatency(left.Sub(0, 0, w*2/3-1, h), titled)
		drawObjectives(panel(right, "Objectives", titled), m.view.Objectives)
		return
	}
	_, th := top.Size()
	lines := min(objectiveLines(m.view.Objectives, w), mostGoals, max(th-leastChart, 0))
	goalsArea, chart := top.Top(lines)
	drawObjectives(goalsArea, m.view.Objectives)
	m.drawLatency(chart, titled)
}

// panel is a titled part, or the whole area where there is no room for titles.
func panel(a canvas.Area, title string, titled bool) canvas.Area {
	if !titled {
		return a
	}
	return widget.Panel(a, title, "")
}

// objectiveText is an objective with its figure.
func objectiveText(o Objective) string {
	if o.Value == "" {
		return o.Text
	}
	return o.Text + " " + o.Value
}

// objectiveLines is how many lines the objectives take in w cells.
func objectiveLines(goals []Objective, w int) int {
	lines, x := 0, w
	for _, o := range goals {
		n := canvas.Width(objectiveText(o)) + 2
		if x > 0 && x+n > w {
			lines, x = lines+1, 0
		}
		x += n + 2
	}
	return lines
}

// drawObjectives writes them one after the other, with a new line where one
// does not fit any more. When there is no room for all, the broken ones come
// first.
func drawObjectives(a canvas.Area, goals []Objective) {
	w, h := a.Size()
	if objectiveLines(goals, w) > h {
		goals = slices.Clone(goals)
		slices.SortStableFunc(goals, func(a, b Objective) int { return urgency(b) - urgency(a) })
	}
	x, y := 0, 0
	for _, o := range goals {
		glyph, st := o.Standing.mark()
		n := canvas.Width(objectiveText(o)) + 2
		if x > 0 && x+n > w {
			x, y = 0, y+1
		}
		a.Set(x, y, glyph, st)
		a.TextIn(x+2, y, w-x-2, o.Text, theme.Plain)
		if after := x + 3 + canvas.Width(o.Text); after < w {
			a.TextIn(after, y, w-after, o.Value, st)
		}
		x += n + 2
	}
}

func urgency(o Objective) int {
	if o.Standing == Broken {
		return 1
	}
	return 0
}

// curve is one line of the latency chart.
type curve struct {
	name  string
	style canvas.Style
	of    func(*Second) analysis.Value
}

// curves are the lines of the chart; later ones are drawn over earlier ones.
func curves() []curve {
	return []curve{
		{"p99", theme.Series3, func(s *Second) analysis.Value { return s.P99 }},
		{"p95", theme.Series1, func(s *Second) analysis.Value { return s.P95 }},
		{"p50", theme.Series4, func(s *Second) analysis.Value { return s.P50 }},
		{"service p95", theme.Series2, func(s *Second) analysis.Value { return s.ServiceP95 }},
	}
}

// drawLatency is the latency of the last minutes, second by second. The legend
// has the figures of the last second.
func (m *Model) drawLatency(a canvas.Area, titled bool) {
	a = panel(a, "Latency of each second", titled)
	recent := m.view.Recent
	if len(recent) == 0 {
		widget.Lines(a, theme.Dim, "no second is over yet")
		return
	}
	w, h := a.Size()
	last := &recent[len(recent)-1]
	x := a.Text(0, 0, "response ", theme.Label)
	legend := curves()
	legend[0], legend[2] = legend[2], legend[0] // as they are read: from the half to the tail
	for _, c := range legend {
		if text := c.name + " " + format.Seconds(c.of(last)); x+canvas.Width(text)+2 <= w {
			x = a.Text(x, 0, c.name+" ", c.style)
			x = a.Text(x, 0, format.Seconds(c.of(last)), theme.Strong) + 2
		}
	}
	chart := widget.Chart{
		N:     len(recent),
		Time:  func(i int) time.Time { return recent[i].At },
		Span:  m.chartSpan(),
		Label: format.Bound,
	}
	for _, c := range curves() {
		chart.Lines = append(chart.Lines, widget.Line{Style: c.style, Value: func(i int) float64 {
			if v := c.of(&recent[i]); v.OK {
				return v.V
			}
			return math.NaN()
		}})
	}
	chart.Draw(a.Sub(0, 1, w, h-1))
}

// chartSpan is the time that the chart shows: the whole test while it is short.
func (m *Model) chartSpan() time.Duration {
	if p := m.view.Planned; p > 0 && p < chartWindow {
		return max(p, 10*time.Second)
	}
	return chartWindow
}

// drawRoutes is a row a route.
func (m *Model) drawRoutes(a canvas.Area, titled bool) {
	rows := m.view.Routes
	_, h := a.Size()
	if titled {
		h--
	}
	first := max(min(m.first, len(rows)-(h-1)), 0)
	title := "Routes"
	if len(rows) > h-1 && h > 1 {
		title = fmt.Sprintf("Routes %d-%d of %d", first+1, min(first+h-1, len(rows)), len(rows))
	}
	widget.Table{
		Columns: []widget.Column{
			{Title: "METHOD", Width: 6, Drop: 3},
			{Title: "ROUTE", Width: 14, Flex: true, Ends: true},
			{Title: "REQS", Width: 6, Right: true},
			{Title: "P50", Width: 6, Right: true, Drop: 2},
			{Title: "P95", Width: 6, Right: true},
			{Title: "SERVICE P95", Width: 11, Right: true, Drop: 6},
			{Title: "ERR", Width: 5, Right: true},
			{Title: "4XX", Width: 5, Right: true, Drop: 5},
			{Title: "429", Width: 5, Right: true, Drop: 4},
		},
		Rows: len(rows), Row: func(i int) []widget.Cell { return routeCells(&rows[i]) },
		Selected: -1, Top: first,
	}.Draw(panel(a, title, titled))
}

func routeCells(r *Route) []widget.Cell {
	share := func(v analysis.Value, bad canvas.Style) widget.Cell {
		st := bad
		if !v.OK || v.V == 0 {
			st = theme.Dim
		}
		return widget.Cell{Text: format.Percent(v), Style: st}
	}
	latency := func(v analysis.Value) widget.Cell {
		st := theme.Plain
		if !v.OK {
			st = theme.Dim
		}
		return widget.Cell{Text: format.Seconds(v), Style: st}
	}
	return []widget.Cell{
		{Text: r.Method, Style: theme.Dim},
		{Text: r.Route},
		{Text: format.Whole(analysis.Value{V: float64(r.Requests), OK: true})},
		latency(r.P50), latency(r.P95), latency(r.ServiceP95),
		share(r.Errors, theme.Bad), share(r.ClientErrors, theme.Warn), share(r.Throttled, theme.Warn),
	}
}
