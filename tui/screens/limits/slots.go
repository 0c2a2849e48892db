package limits

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawSlots draws the requests in a limiter's window over time, from its start at
// the left to now, and which of them frees the next place.
func (m Model) drawSlots(a canvas.Area, s *analysis.Subject) {
	title, note := "Requests in the window", ""
	slots := m.look.slots
	if m.look.key != s.Key.Raw() {
		slots = nil
	}
	view := m.windowOf(s)
	if view.window > 0 {
		title += fmt.Sprintf(" · %d", view.total)
	}
	if m.look.err != nil && m.look.key == s.Key.Raw() {
		note = "stale"
	}
	body := widget.Panel(a, title, note)
	switch {
	case view.window > 0:
		view.draw(body)
	case note != "" && slots == nil:
		widget.Wrap(body, theme.Warn, m.look.err.Error())
	case slots == nil && m.redis.Slots != nil && m.open && m.look.key == s.Key.Raw():
		widget.Wrap(body, theme.Dim, "asking the server …")
	case slots == nil && m.redis.Slots != nil:
		widget.Wrap(drawWindow(body, s), theme.Dim, "Enter asks the server for them")
	case slots == nil:
		widget.Wrap(drawWindow(body, s), theme.Dim, "there is no live server to ask for them")
	default:
		widget.Wrap(drawWindow(body, s), theme.Dim, "this layout keeps no times of requests")
	}
}

// drawWindow draws how much of the window has passed, as far as that is known,
// and gives the rest.
func drawWindow(a canvas.Area, s *analysis.Subject) canvas.Area {
	if !s.WindowSeconds.OK || !s.ResetsInSeconds.OK || s.WindowSeconds.V <= 0 || steady(s) {
		return a
	}
	line, rest := a.Top(1)
	w, _ := line.Size()
	text := "resets in " + format.Age(s.ResetsInSeconds)
	n := max(w-canvas.Width(text)-1, 0)
	widget.Gauge(line.Sub(0, 0, n, 1), 1-s.ResetsInSeconds.V/s.WindowSeconds.V, theme.Series1)
	line.Text(n+1, 0, text, theme.Dim)
	return rest
}

// window is the requests of a limiter's window, as they were when they were read.
type window struct {
	window float64   // seconds; 0: there is nothing to draw
	ages   []float64 // seconds ago, the newest first; those that were read
	total  int       // requests in the window
	limit  int       // 0: unknown
}

// windowOf is the window of a row, as last read for it.
func (m Model) windowOf(s *analysis.Subject) window {
	if m.look.key != s.Key.Raw() {
		return window{}
	}
	return windowOf(m.look.slots, s)
}

// windowOf is what of the requests that were read is in the window.
func windowOf(slots *screen.Slots, s *analysis.Subject) window {
	if slots == nil || !slots.Exact || !(s.WindowSeconds.V > 0) {
		return window{}
	}
	v := window{window: s.WindowSeconds.V}
	for _, age := range slots.Ages {
		if place(age, v.window, 1) >= 0 {
			v.ages = append(v.ages, age)
		}
	}
	v.total = len(v.ages)
	if v.total == len(slots.Ages) && slots.Total > v.total { // there may be more of it
		v.total = max(min(int(s.Used.V), slots.Total), v.total)
	}
	if s.Limit.OK && s.Limit.V >= 1 {
		v.limit = int(min(s.Limit.V, 1e9))
	}
	return v
}

// draw draws a column for each piece of the window, as high as there are requests
// in it, with a mark below the one that frees the next place.
func (v window) draw(a canvas.Area) {
	w, h := a.Size()
	if w < 8 || h < 2 {
		return
	}
	counts := v.spread(w)
	most := 4 // one request alone is no peak
	for _, n := range counts {
		most = max(most, n)
	}
	frees, marked := v.freeing(), -1
	if frees >= 0 {
		marked = place(v.ages[frees], v.window, w)
	}
	plot, axis := a.Top(-1)
	for x, n := range counts {
		st := theme.Series1
		if x == marked {
			st = theme.Mark
		}
		widget.Bar(plot, x, float64(n)/float64(most), st)
	}
	v.axis(axis, frees, marked)
}

// axis draws the line below the strip: how long ago its left end is, and when the
// marked request leaves.
func (v window) axis(a canvas.Area, frees, marked int) {
	w, _ := a.Size()
	for x := range w {
		a.Set(x, 0, '─', theme.Grid)
	}
	a.TextRight(0, 0, w, " now", theme.Dim)
	a.Text(0, 0, "-"+format.Age(analysis.Value{V: v.window, OK: true})+" ", theme.Dim)
	if frees < 0 {
		if n := len(v.ages); n < v.total {
			text := fmt.Sprintf(" the newest %d of them ", n)
			a.TextIn(max((w-canvas.Width(text))/2, 8), 0, w-12, text, theme.Dim)
		}
		return
	}
	what := "the oldest leaves in"
	if v.limit > 0 && v.total >= v.limit {
		what = "the next place frees in"
	}
	text := fmt.Sprintf(" %s %s ", what, format.Age(analysis.Value{V: max(v.window-v.ages[frees], 0), OK: true}))
	n := canvas.Width(text)
	if x := max(marked+1, 9); x+n <= w-4 {
		a.Text(x, 0, text, theme.Accent)
	} else if x = marked - n; x >= 8 {
		a.Text(x, 0, text, theme.Accent)
	}
	a.Set(marked, 0, '▲', theme.Mark)
}

// spread counts the requests of each of w equal pieces of the window, the oldest
// first.
func (v window) spread(w int) []int {
	counts := make([]int, w)
	for _, age := range v.ages {
		counts[place(age, v.window, w)]++
	}
	return counts
}

// place is the column of w of a request so many seconds ago; -1 when it has left
// the window.
func place(age, window float64, w int) int {
	if age < 0 {
		age = 0 // clocks differ a little
	}
	if !(age < window) {
		return -1
	}
	return w - 1 - min(int(age/window*float64(w)), w-1)
}

// freeing is the index in ages of the request whose leaving lets the next one
// through or, while nobody is blocked, of the oldest; -1 when it is not known.
func (v window) freeing() int {
	n := len(v.ages)
	switch {
	case v.limit > 0 && v.total >= v.limit && v.limit <= n:
		return v.limit - 1
	case n < v.total:
		return -1 // the oldest ones were not read
	default:
		return n - 1
	}
}
