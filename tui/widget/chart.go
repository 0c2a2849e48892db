package widget

import (
	"math"
	"time"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Line is one curve of a Chart.
type Line struct {
	Value  func(i int) float64 // at the i-th time of the chart; NaN is a gap
	Style  canvas.Style
	Filled bool             // the area below is filled
	Weak   func(i int) bool // the value says little and must not stretch the scale; nil: none is
}

// Chart draws curves over time with braille dots, two by four a cell.
type Chart struct {
	N     int                   // how many times there are
	Time  func(i int) time.Time // the i-th, rising; shared by all curves
	Lines []Line                // later ones are drawn over earlier ones
	Span  time.Duration
	Top   float64              // top of the scale; 0: chosen from the values
	Label func(float64) string // of the scale
	Marks []time.Time          // moments drawn on the time axis
}

// labelWidth is the room for the scale's labels.
const labelWidth = 6

// Draw draws the chart: scale at the left, clock times below.
func (c Chart) Draw(a canvas.Area) {
	w, h := a.Size()
	if w < labelWidth+4 || h < 2 || c.N == 0 {
		return
	}
	plot := a.Sub(labelWidth+1, 0, w-labelWidth-1, h-1)
	pw, ph := plot.Size()
	d := newDots(pw, ph)
	at := c.columns(d.w)
	top := c.Top
	if top <= 0 {
		top = NiceTop(c.peak(at))
	}
	c.scale(a.Sub(0, 0, labelWidth+1, h-1), top)
	c.axis(a.Sub(labelWidth+1, h-1, w-labelWidth-1, 1))
	for _, l := range c.Lines {
		c.curve(d, at, l, top)
	}
	d.draw(plot)
}

// scale draws the labels and the line at the left.
func (c Chart) scale(a canvas.Area, top float64) {
	_, h := a.Size()
	for y := range h {
		a.Set(labelWidth, y, '│', theme.Grid)
	}
	a.TextRight(0, 0, labelWidth, c.Label(top), theme.Dim)
	if h >= 5 {
		a.TextRight(0, h/2, labelWidth, c.Label(top/2), theme.Dim)
	}
	if h >= 2 {
		a.TextRight(0, h-1, labelWidth, "0", theme.Dim)
	}
}

// axis draws the clock times and marks of the time axis.
func (c Chart) axis(a canvas.Area) {
	w, _ := a.Size()
	for x := range w {
		a.Set(x, 0, '─', theme.Grid)
	}
	end := c.end()
	layout := "15:04:05"
	if c.Span >= 10*time.Minute {
		layout = "15:04"
	}
	a.Text(0, 0, end.Add(-c.Span).Format(layout), theme.Dim)
	if w >= 40 {
		a.Text(w/2-len(layout)/2, 0, end.Add(-c.Span/2).Format(layout), theme.Dim)
	}
	a.TextRight(0, 0, w, end.Format(layout), theme.Dim)
	for _, m := range c.Marks {
		if x := c.column(m, w); x >= 0 {
			a.Set(x, 0, '▲', theme.Mark)
		}
	}
}

// column is where the time t lies in n columns; -1 when it is out of view.
func (c Chart) column(t time.Time, n int) int {
	back := c.end().Sub(t)
	if back < 0 || back >= c.Span || c.Span <= 0 {
		return -1
	}
	return n - 1 - int(float64(n)*float64(back)/float64(c.Span))
}

// end is the newest time: the right edge.
func (c Chart) end() time.Time { return c.Time(c.N - 1) }

// columns is where each time lies in n columns; -1 when it is out of view.
func (c Chart) columns(n int) []int {
	at := make([]int, c.N)
	for i := range at {
		at[i] = c.column(c.Time(i), n)
	}
	return at
}

// peak is the largest value in view: of those that say something, if there are
// any, so that a first value of three requests does not flatten all others. What
// lies higher is drawn at the top.
func (c Chart) peak(at []int) float64 {
	firm, all := 0.0, 0.0
	for _, l := range c.Lines {
		for i, x := range at {
			if x < 0 {
				continue
			}
			all = larger(all, l.Value(i))
			if l.Weak == nil || !l.Weak(i) {
				firm = larger(firm, l.Value(i))
			}
		}
	}
	if firm > 0 {
		return firm
	}
	return all
}

// larger is the larger of a and b; NaN counts for nothing.
func larger(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// curve sets the dots of one line. Each dot column shows the peak of the values
// that fall into it, so that no spike is lost; columns between two neighbours
// are joined, gaps are left.
func (c Chart) curve(d *dots, at []int, l Line, top float64) {
	cols := make([]float64, d.w)
	for i := range cols {
		cols[i] = math.NaN()
	}
	for i, x := range at {
		if x < 0 {
			continue
		}
		if v := l.Value(i); !math.IsNaN(v) && !(cols[x] >= v) {
			cols[x] = v
		}
	}
	c.bridge(cols)
	prev := -1
	for x, v := range cols {
		if math.IsNaN(v) {
			prev = -1
			continue
		}
		y := d.h - 1 - int(min(max(v/top, 0), 1)*float64(d.h-1)+0.5)
		from, to := y, y
		if prev >= 0 {
			from, to = min(y, prev), max(y, prev)
		}
		if l.Filled {
			from, to = y, d.h-1
		}
		st := l.Style
		if v <= 0 {
			st = theme.Grid // nothing happened: no reason to catch the eye
		}
		for yy := from; yy <= to; yy++ {
			d.set(x, yy, st)
		}
		prev = y
	}
}

// bridge fills the columns between two samples when there are more columns than
// samples; a hole wider than three rounds is a gap and stays.
func (c Chart) bridge(cols []float64) {
	if c.N < 2 || c.Span <= 0 {
		return
	}
	step := c.end().Sub(c.Time(c.N - 2))
	limit := int(math.Ceil(3 * float64(step) / float64(c.Span) * float64(len(cols))))
	last := -1
	for x, v := range cols {
		if math.IsNaN(v) {
			continue
		}
		if hole := x - last; last >= 0 && hole > 1 && hole <= limit {
			for i := last + 1; i < x; i++ {
				cols[i] = cols[last]
			}
		}
		last = x
	}
}

// NiceTop is the smallest of 1, 2, 5 times a power of ten that is not below v.
func NiceTop(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= v {
			return m * p
		}
	}
	return 10 * p
}

// dots is a grid of braille dots over cells.
type dots struct {
	w, h  int // in dots
	cells []rune
	style []canvas.Style
	cw    int
}

func newDots(w, h int) *dots {
	return &dots{w: 2 * w, h: 4 * h, cw: w, cells: make([]rune, w*h), style: make([]canvas.Style, w*h)}
}

// brailleBit is the dot at column x (0, 1) and row y (0..3) of a cell (Unicode
// 16, block U+2800).
var brailleBit = [2][4]rune{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}

func (d *dots) set(x, y int, st canvas.Style) {
	i := y/4*d.cw + x/2
	d.cells[i] |= brailleBit[x%2][y%4]
	d.style[i] = st
}

func (d *dots) draw(a canvas.Area) {
	for i, c := range d.cells {
		if c != 0 {
			a.Set(i%d.cw, i/d.cw, 0x2800+c, d.style[i])
		}
	}
}
