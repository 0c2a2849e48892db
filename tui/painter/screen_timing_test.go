package painter

import (
	"fmt"
	"testing"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// dashboard draws a screen as the real ones are: four charts, two tables, bars.
// The numbers follow n; with calm only a few of them.
func dashboard(a canvas.Area, n int, calm bool) {
	head, a := a.Top(1)
	head.TextRight(0, 0, 120, fmt.Sprintf("12:%02d:%02d  1s", n/60%60, n%60), theme.Dim)
	head.Text(0, 0, "apitop  shop-api  2 instances", theme.Title)
	if calm {
		n = 0
	}
	charts, tables := a.Top(12)
	for i := range 4 {
		var chart canvas.Area
		chart, charts = charts.Left(30)
		chart.Text(1, 0, "requests/s", theme.Label)
		chart.TextRight(0, 0, 29, fmt.Sprintf("%d.%d", 100+n%7, n%10), theme.Strong)
		for x := range 28 {
			for y := range 10 {
				chart.Set(x+1, y+1, '⠀'+rune((x*7+y*13+n*3)%255+1), theme.Series(i))
			}
		}
	}
	tables.Text(0, 0, "METHOD  ROUTE                          RPS     P50     P95     P99   ERR", theme.Header)
	for y := range 25 {
		look := theme.Plain
		row := tables.Sub(0, y+1, 120, 1)
		if y == 3 {
			row = row.With(canvas.Reverse)
		}
		row.Text(0, 0, "GET", theme.Key)
		row.Text(8, 0, "/api/products/{id}/reviews", look)
		for c := range 5 {
			row.TextRight(38+8*c, 0, 7, fmt.Sprintf("%d.%d", (n*(c+3)+y)%1000, n%10), theme.Good)
		}
		row.Text(82, 0, "████████▌   ", theme.Gauge)
		row.Text(96, 0, "product:4711", look)
		row.TextRight(108, 0, 12, fmt.Sprintf("%d/s", (n*7+y)%100), theme.Warn)
	}
}

// BenchmarkFrame is drawing, comparing and encoding at 120x40: full when all
// numbers and charts move, calm when the clock alone does, same when nothing.
func BenchmarkFrame(b *testing.B) {
	for name, tt := range map[string]struct {
		calm bool
		step int
	}{"full": {false, 1}, "calm": {true, 1}, "same": {true, 0}} {
		b.Run(name, func(b *testing.B) {
			s := newScreen(themeOf(b, "default"))
			s.resize(120, 40)
			n, sent := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				n += tt.step
				sent += len(s.frame(func(a canvas.Area) { dashboard(a, n, tt.calm) }))
			}
			b.ReportMetric(float64(sent)/float64(b.N), "bytes/frame")
		})
	}
}

// BenchmarkDiff is the painter's own part of it: no drawing but a copy.
func BenchmarkDiff(b *testing.B) {
	for name, calm := range map[string]bool{"full": false, "calm": true} {
		b.Run(name, func(b *testing.B) {
			var drawn [2]*canvas.Canvas
			for i := range drawn {
				drawn[i] = canvas.New(120, 40)
				dashboard(drawn[i].Area(), i, calm)
			}
			s := newScreen(themeOf(b, "default"))
			s.resize(120, 40)
			n := 0
			for b.Loop() {
				n++
				s.frame(func(canvas.Area) {
					for y := range 40 {
						copy(s.back.Row(y), drawn[n%2].Row(y))
					}
				})
			}
		})
	}
}
