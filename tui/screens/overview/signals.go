package overview

import (
	"math"
	"time"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// signal is one of the four golden signals: traffic, errors, latency,
// saturation.
type signal struct {
	title string
	part  analysis.Part
	now   func(r *analysis.Report) []figure
	lines []curve
	label func(float64) string
	top   float64 // fixed top of the scale; 0: from the values
}

// figure is a number in a panel's first line.
type figure struct {
	label, text string
	style       canvas.Style
}

// curve is a value of the history.
type curve struct {
	of     func(p *analysis.Point) analysis.Value
	style  canvas.Style
	filled bool
	enough float64 // durations that it must be of to say something; 0: it always does
}

func signals() []signal {
	return []signal{
		{
			title: "Traffic", part: analysis.PartHTTP, now: trafficNow, label: numberLabel,
			lines: []curve{{of: func(p *analysis.Point) analysis.Value { return p.RPS }, style: theme.Series1, filled: true}},
		},
		{
			title: "Latency", part: analysis.PartHTTP, now: latencyNow, label: secondsLabel,
			lines: []curve{
				{of: func(p *analysis.Point) analysis.Value { return p.P99 }, style: theme.Series4, enough: screen.EnoughP99},
				{of: func(p *analysis.Point) analysis.Value { return p.P95 }, style: theme.Series2, enough: screen.EnoughP95},
				{of: func(p *analysis.Point) analysis.Value { return p.P50 }, style: theme.Series1, enough: screen.EnoughP50},
			},
		},
		{
			title: "Errors", part: analysis.PartHTTP, now: errorsNow, label: percentLabel,
			lines: []curve{{of: func(p *analysis.Point) analysis.Value { return p.ErrorRatio }, style: theme.Bad, filled: true}},
		},
		{
			title: "Saturation", part: analysis.PartHost, now: saturationNow, label: percentLabel, top: 1,
			lines: []curve{{of: func(p *analysis.Point) analysis.Value { return p.CPURatio }, style: theme.Series3, filled: true}},
		},
	}
}

func numberLabel(v float64) string  { return format.Tick(v) }
func secondsLabel(v float64) string { return format.Bound(v) }
func percentLabel(v float64) string { return format.Percent(analysis.Value{V: v, OK: true}) }

func trafficNow(r *analysis.Report) []figure {
	h := http(r)
	return []figure{
		{"rps", format.Number(h.RPS), theme.Strong},
		{"in flight", format.Whole(h.InFlight), theme.Plain},
	}
}

func latencyNow(r *analysis.Report) []figure {
	h := http(r)
	return []figure{
		{"p50", format.Quantile(h.P50, h.P50Bucket), theme.Series1},
		{"p95", format.Quantile(h.P95, h.P95Bucket), theme.Series2},
		{"p99", format.Quantile(h.P99, h.P99Bucket), theme.Series4},
	}
}

func errorsNow(r *analysis.Report) []figure {
	h := http(r)
	throttled := analysis.Value{V: h.Throttled.V / r.WindowSeconds.V, OK: h.Throttled.OK && r.WindowSeconds.OK && r.WindowSeconds.V > 0}
	return []figure{
		{"5xx", format.Percent(h.ErrorRatio), screen.ErrorLook(h.ErrorRatio)},
		{"4xx", format.Percent(h.ClientErrorRatio), theme.Plain},
		{"429", perSecond(throttled), screen.Alarm(throttled, 0, math.Inf(1))},
	}
}

func saturationNow(r *analysis.Report) []figure {
	var cpu, load, busy analysis.Value
	if r.Host != nil {
		cpu, load = r.Host.CPURatio, r.Host.Load1
	}
	if r.Database != nil {
		busy = r.Database.Load
	}
	return []figure{
		{"cpu", format.Percent(cpu), screen.Alarm(cpu, 0.7, 0.9)},
		{"load", format.Number(load), theme.Plain},
		{"db", format.Number(busy), theme.Plain},
	}
}

// perSecond is a rate with its unit: "429 41" alone would be two numbers.
func perSecond(v analysis.Value) string {
	if !v.OK {
		return format.Unknown
	}
	return format.Number(v) + "/s"
}

// http is the HTTP section, one without values when there is none.
func http(r *analysis.Report) analysis.HTTP {
	if r.HTTP == nil {
		return analysis.HTTP{}
	}
	return *r.HTTP
}

// drawSignals draws the four charts: two by two, or in a row where it is wide.
func drawSignals(a canvas.Area, f screen.Frame) {
	w, h := a.Size()
	across, down := 2, 2
	if w >= wideWidth {
		across, down = 4, 1
	}
	for i, s := range signals() {
		x0, x1 := i%across*w/across, (i%across+1)*w/across
		y0, y1 := i/across*h/down, (i/across+1)*h/down
		cell := a.Sub(x0, y0, x1-x0, y1-y0)
		if i%across < across-1 {
			cell = gap(cell)
		}
		s.draw(cell, f)
	}
}

func (s signal) draw(a canvas.Area, f screen.Frame) {
	head, body := a.Top(1)
	if f.Report.Stale[s.part] {
		screen.Panel(head, f, s.part, s.title)
		body = body.With(canvas.Faint)
	} else {
		s.head(head, s.now(f.Report))
	}
	s.chart(f.Report).Draw(body)
}

// head is a rule with the title at the left and the figures at the right, as
// many as fit.
func (s signal) head(a canvas.Area, list []figure) {
	a.Fill('─', theme.Border)
	left := a.Text(0, 0, s.title, theme.Title)
	w, _ := a.Size()
	for len(list) > 0 && left+figuresWidth(list) > w {
		list = list[:len(list)-1]
	}
	x := w - figuresWidth(list)
	if x > left {
		a.Set(left, 0, ' ', theme.Plain)
	}
	for _, g := range list {
		x = a.Text(x, 0, " "+g.label+"       ", theme.Label)
		a.TextRight(x-6, 0, 6, g.text, g.style)
	}
}

// figuresWidth is a blank, the label, a blank and six cells of number each.
func figuresWidth(list []figure) int {
	n := 0
	for _, g := range list {
		n += canvas.Width(g.label) + 8
	}
	return n
}

func (s signal) chart(r *analysis.Report) widget.Chart {
	c := widget.Chart{
		N:    len(r.History),
		Time: func(i int) time.Time { return r.History[i].At },
		Span: screen.HistorySpan(r.History), Top: s.top, Label: s.label,
	}
	for _, l := range s.lines {
		c.Lines = append(c.Lines, widget.Line{
			Value: func(i int) float64 {
				if v := l.of(&r.History[i]); v.OK {
					return v.V
				}
				return math.NaN()
			},
			Style: l.style, Filled: l.filled,
			Weak: func(i int) bool { return r.History[i].Measured < l.enough },
		})
	}
	for _, e := range r.Events {
		c.Marks = append(c.Marks, e.At)
	}
	return c
}
