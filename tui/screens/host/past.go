package host

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

// roomForPast is how many lines below the lists are worth a chart.
const roomForPast = 8

// mostPast is how high it grows.
const mostPast = 14

// drawPast draws the machine's CPU over time, where there is room for it.
func drawPast(a canvas.Area, f screen.Frame) {
	_, h := a.Size()
	n := len(f.Report.History)
	if f.Report.Host == nil || n == 0 || h < roomForPast {
		return
	}
	a, _ = a.Top(min(h, mostPast))
	points := f.Report.History
	chart := widget.Chart{
		N:    n,
		Time: func(i int) time.Time { return points[i].At },
		Span: span(points[n-1].At.Sub(points[0].At)), Top: 1,
		Label: func(v float64) string { return format.Percent(analysis.Value{V: v, OK: true}) },
		Lines: []widget.Line{{Style: theme.Series1, Filled: true, Value: func(i int) float64 {
			if v := points[i].CPURatio; v.OK {
				return v.V
			}
			return math.NaN()
		}}},
	}
	for _, e := range f.Report.Events {
		chart.Marks = append(chart.Marks, e.At)
	}
	chart.Draw(screen.Panel(a, f, analysis.PartHost, "CPU of all cores"))
}

// span is the time that a chart shows of a history so long.
func span(age time.Duration) time.Duration {
	for _, s := range [...]time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
		if age < s {
			return s
		}
	}
	return time.Hour
}

// height is what all lists need.
func height(all []list) int {
	n := 0
	for i := range all {
		n += need(&all[i])
	}
	return n
}
