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
	if slots != nil && slots.Exact {
		title += fmt.Sprintf(" · %d", slots.Total)
	}
	if m.look.err != nil && m.look.key == s.Key.Raw() {
		note = "stale"
	}
	body := widget.Panel(a, title, note)
	switch {
	case slots != nil && slots.Exact && slots.WindowSeconds > 0:
		drawStrip(body, slots, s)
	case note != "" && slots == nil:
		widget.Wrap(body, theme.Warn, m.look.err.Error())
	case slots == nil && m.redis.Slots != nil && m.open && m.look.key == s.Key.Raw():
		widget.Wrap(body, theme.Dim, "asking the server …")
	case slots == nil && m.redis.Slots != nil:
		widget.Wrap(drawWindow(body, s), theme.Dim, "Enter asks the server for them")
	case slots == nil:
		widget.Wrap(drawWindow(body, s), theme.Dim, "there is no live server to ask for them")
	default:
		widget.Wrap(drawWindow(body, s), theme.Dim, "this layout keeps a count, not the times of the requests")
	}
}

// drawWindow draws how much of the window has passed, as far as that is known,
// and gives the rest.
func drawWindow(a canvas.Area, s *analysis.Subject) canvas.Area {
	if !s.WindowSeconds.OK || !s.ResetsInSeconds.OK || s.WindowSeconds.V <= 0 {
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

// drawStrip draws a column for each piece of the window, as high as there are
// requests in it, with a mark below the one that frees the next place.
func drawStrip(a canvas.Area, slots *screen.Slots, s *analysis.Subject) {
	w, h := a.Size()
	if w < 8 || h < 2 {
		return
	}
	counts := spread(slots, w)
	most := 4 // one request alone is no peak
	for _, n := range counts {
		most = max(most, n)
	}
	frees := freeing(slots, s)
	marked := -1
	if frees >= 0 {
		marked = place(slots.Ages[frees], slots.WindowSeconds, w)
	}
	plot, axis := a.Top(-1)
	for x, n := range counts {
		st := theme.Series1
		if x == marked {
			st = theme.Mark
		}
		column(plot, x, float64(n)/float64(most), st)
	}
	drawSlotAxis(axis, slots, frees, marked)
}

// drawSlotAxis draws the line below the strip: how long ago its left end is, and
// when the marked request leaves.
func drawSlotAxis(a canvas.Area, slots *screen.Slots, frees, marked int) {
	w, _ := a.Size()
	for x := range w {
		a.Set(x, 0, '─', theme.Grid)
	}
	a.TextRight(0, 0, w, " now", theme.Dim)
	a.Text(0, 0, "-"+format.Age(analysis.Value{V: slots.WindowSeconds, OK: true})+" ", theme.Dim)
	if frees < 0 {
		if n := len(slots.Ages); n < slots.Total {
			text := fmt.Sprintf(" the newest %d of them ", n)
			a.TextIn(max((w-canvas.Width(text))/2, 8), 0, w-12, text, theme.Dim)
		}
		return
	}
	text := fmt.Sprintf(" the next place frees in %s ", format.Age(analysis.Value{V: max(slots.WindowSeconds-slots.Ages[frees], 0), OK: true}))
	n := canvas.Width(text)
	if x := marked + 1; x+n <= w-4 {
		a.TextIn(max(x, 9), 0, max(w-13, 0), text, theme.Accent)
	} else if x = marked - n; x >= 0 {
		a.TextIn(x, 0, n, text, theme.Accent)
	}
	a.Set(marked, 0, '▲', theme.Mark)
}

// spread counts the requests of each of w equal pieces of the window, the oldest
// first.
func spread(slots *screen.Slots, w int) []int {
	counts := make([]int, w)
	for _, age := range slots.Ages {
		if x := place(age, slots.WindowSeconds, w); x >= 0 {
			counts[x]++
		}
	}
	return counts
}

// place is the column of a request so many seconds ago; -1 when it has left the
// window.
func place(age, window float64, w int) int {
	if age < 0 {
		age = 0 // clocks differ a little
	}
	if !(age < window) {
		return -1
	}
	return w - 1 - min(int(age/window*float64(w)), w-1)
}

// freeing is the index in Ages of the request whose leaving lets the next one
// through or, while nobody is blocked, of the oldest; -1 when it is not known.
func freeing(slots *screen.Slots, s *analysis.Subject) int {
	n := len(slots.Ages)
	i := n - 1
	if n < slots.Total {
		i = -1 // the oldest ones were not read
	}
	if limit := int(s.Limit.V); s.Limit.OK && limit >= 1 && slots.Total >= limit && limit <= n {
		i = limit - 1
	}
	if i < 0 || place(slots.Ages[i], slots.WindowSeconds, 1) < 0 {
		return -1
	}
	return i
}
