package widget

import (
	"math"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// blocks are eight heights of a cell.
var blocks = [...]rune{'▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// Spark draws the newest values of v, one a cell, right-aligned, on a scale from
// 0 to top; NaN is a gap. When v is longer than the area is wide, each cell
// shows the peak of its share of values.
func Spark(a canvas.Area, v []float32, top float64, st canvas.Style) {
	w, _ := a.Size()
	if w == 0 || len(v) == 0 {
		return
	}
	per := max((len(v)+w-1)/w, 1)
	x := w - 1
	for end := len(v); end > 0 && x >= 0; end -= per {
		if p := peak(v[max(end-per, 0):end]); !math.IsNaN(p) {
			a.Set(x, 0, blocks[level(p, top)], st)
		}
		x--
	}
}

// level is the height of v on a scale to top, 0..7.
func level(v, top float64) int {
	if top <= 0 || v <= 0 {
		return 0
	}
	return min(int(v/top*8), 7)
}

// peak is the largest value that is a number; NaN when there is none.
func peak(v []float32) float64 {
	p := math.NaN()
	for _, x := range v {
		if f := float64(x); !math.IsNaN(f) && !(p >= f) {
			p = f
		}
	}
	return p
}

// Gauge draws a bar of which share (0..1) is filled, in eighths of a cell; NaN
// draws an empty one.
func Gauge(a canvas.Area, share float64, st canvas.Style) {
	w, _ := a.Size()
	if math.IsNaN(share) {
		share = 0
	}
	eighths := int(math.Round(min(max(share, 0), 1) * float64(w) * 8))
	if share > 0 && eighths == 0 {
		eighths = 1 // a little is not nothing
	}
	for x := range w {
		switch n := eighths - 8*x; {
		case n >= 8:
			a.Set(x, 0, '█', st)
		case n > 0:
			a.Set(x, 0, partial[n-1], st)
		default:
			a.Set(x, 0, '░', theme.Track)
		}
	}
}

// partial are the left seven eighths of a cell.
var partial = [...]rune{'▏', '▎', '▍', '▌', '▋', '▊', '▉'}

// Bars draws the newest values of v as bars, one a column and as high as the area
// is, right-aligned, on a scale from 0 to top; NaN is a gap. style is the look of
// a value.
func Bars(a canvas.Area, v []float32, top float64, style func(v float64) canvas.Style) {
	w, _ := a.Size()
	v = v[max(len(v)-w, 0):]
	for i, f := range v {
		Bar(a, w-len(v)+i, float64(f)/top, style(float64(f)))
	}
}

// Bar draws a bar in column x from the bottom up, to the share v (0..1) of the
// height, in eighths of a cell; NaN draws none, nothing a line.
func Bar(a canvas.Area, x int, v float64, st canvas.Style) {
	_, h := a.Size()
	if math.IsNaN(v) || h == 0 {
		return
	}
	eighths := int(math.Round(min(max(v, 0), 1) * float64(8*h)))
	if eighths == 0 {
		a.Set(x, h-1, blocks[0], theme.Grid)
		return
	}
	for y := h - 1; y >= 0 && eighths > 0; y-- {
		a.Set(x, y, blocks[min(eighths, 8)-1], st)
		eighths -= 8
	}
}
