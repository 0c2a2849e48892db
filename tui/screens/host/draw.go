package host

import (
	"math"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawLists draws tables below each other. Where there is no room for all, the
// one with the cursor is drawn, and as many of the others as fit: theirs are one
// line each otherwise.
func drawLists(a canvas.Area, f screen.Frame, all []list, focus itemID) {
	_, h := a.Size()
	rooms := share(all, focus.list, h)
	for i := range all {
		room, rest := a.Top(rooms[i])
		drawList(room, f, &all[i], focus)
		a = rest
	}
}

// share cuts h lines into rooms for the lists: what each needs if that fits, else
// title lines first, then the list with the cursor, then the others from the top.
func share(all []list, focus kind, h int) []int {
	rooms := make([]int, len(all))
	left := h
	give := func(i, want int) {
		n := min(max(want-rooms[i], 0), left)
		rooms[i] += n
		left -= n
	}
	for i := range all {
		give(i, 1)
	}
	for i := range all {
		if all[i].kind == focus {
			give(i, min(need(&all[i]), max(h/len(all), 6)))
		}
	}
	for i := range all {
		if left >= leastTable-1 || rooms[i] > 1 {
			give(i, min(need(&all[i]), max(h/len(all), leastTable)))
		}
	}
	for i := range all {
		if rooms[i] > 1 {
			give(i, need(&all[i]))
		}
	}
	return rooms
}

// need is the lines of a whole list: its title, its head, its rows.
func need(l *list) int { return len(l.items) + 2 }

func drawList(a canvas.Area, f screen.Frame, l *list, focus itemID) {
	body := screen.Panel(a, f, analysis.PartHTTP, l.title)
	_, h := body.Size()
	selected := -1
	top := 0
	for i := range l.items {
		if l.items[i].id == focus {
			selected, top = i, screen.Top(i, len(l.items), h-1)
		}
	}
	widget.Table{
		Columns:  l.heads,
		Rows:     len(l.items),
		Row:      func(i int) []widget.Cell { return drawn(l.items[i].cells) },
		Selected: selected,
		Top:      top,
	}.Draw(body)
}

func drawn(cells []cell) []widget.Cell {
	out := make([]widget.Cell, len(cells))
	for i, c := range cells {
		out[i] = widget.Cell{Text: c.text, Style: c.style}
		if c.bar && c.by.OK {
			out[i].Draw = func(a canvas.Area) { widget.Gauge(a, c.by.V, c.style) }
		}
	}
	return out
}

// drawNothing says why there is no list.
func drawNothing(a canvas.Area, f screen.Frame) {
	body := screen.Panel(a, f, analysis.PartHTTP, "Pools, queues, caches, counters")
	if f.Report.HTTP == nil {
		screen.Empty(body, f.Report, analysis.KindMetrics, "apitop http://HOST:PORT/metrics")
		return
	}
	widget.Wrap(body, theme.Dim, "the metrics page says nothing of pools, queues or caches, and counts nothing of its own")
}

// share01 is part of a whole as a bar wants it: NaN when unknown.
func share01(part, whole analysis.Value) analysis.Value {
	if !part.OK || !whole.OK || whole.V <= 0 {
		return analysis.Value{}
	}
	return analysis.Value{V: part.V / whole.V, OK: true}
}

func bar(a canvas.Area, v analysis.Value, st canvas.Style) {
	share := math.NaN()
	if v.OK {
		share = v.V
	}
	widget.Gauge(a, share, st)
}
