package overview

import (
	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawSmall is the screen for small terminals: the four signals as lines of
// numbers, what is wrong, and the worst routes.
func (m Model) drawSmall(a canvas.Area, f screen.Frame) {
	w, h := a.Size()
	if h <= 3 || w < 30 {
		drawTiny(a, f.Report)
		return
	}
	list := signals()
	top, rest := a.Top(min(len(list), max(h-4, 1)))
	for y, s := range list {
		line := top.Sub(0, y, w, 1)
		if f.Report.Stale[s.part] {
			line = line.With(canvas.Faint)
		}
		line.Text(0, 0, s.title, theme.Title)
		x := 11
		for _, g := range s.now(f.Report) {
			line.Text(x, 0, g.label, theme.Label)
			line.TextRight(x+canvas.Width(g.label)+1, 0, 6, g.text, g.style)
			x += canvas.Width(g.label) + 9
		}
	}
	verdict, rest := rest.Top(1)
	drawVerdict(verdict, f.Report)
	m.drawRoutes(rest, f)
}

// drawTiny fits into any terminal: the numbers that matter most, one a line.
func drawTiny(a canvas.Area, r *analysis.Report) {
	h := http(r)
	widget.Lines(a, theme.Plain,
		"rps "+format.Number(h.RPS)+" err "+format.Percent(h.ErrorRatio),
		"p50 "+format.Quantile(h.P50, h.P50Bucket),
		"p95 "+format.Quantile(h.P95, h.P95Bucket),
		"p99 "+format.Quantile(h.P99, h.P99Bucket),
	)
}
