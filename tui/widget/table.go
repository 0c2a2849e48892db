package widget

import (
	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Column is one column of a Table. A column that does not fit is dropped, the
// highest Drop first; 0 is never dropped.
type Column struct {
	Title string
	Width int  // cells; of a flexible column the least
	Right bool // numbers
	Flex  bool // takes what is left; one column at most
	Ends  bool // a text too long is cut in the middle: both its ends matter
	Drop  int
	Sort  int // >0: sorted by, rising; <0: falling; drawn as ▲ or ▼
}

// Cell is one place of a table: a text with its look, or something drawn.
type Cell struct {
	Text  string
	Style canvas.Style
	Draw  func(canvas.Area) // instead of Text
}

// Table is what to draw: only the rows in view are asked for.
type Table struct {
	Columns  []Column
	Rows     int
	Row      func(i int) []Cell // one cell a column
	Selected int                // row drawn in reverse; -1: none
	Top      int                // first row in view
}

// Draw draws the table: a head and the rows that fit.
func (t Table) Draw(a canvas.Area) {
	w, h := a.Size()
	cols := t.place(w)
	for _, c := range cols {
		t.head(a, c)
	}
	for y := 1; y < h && t.Top+y-1 < t.Rows; y++ {
		i := t.Top + y - 1
		t.row(a.Sub(0, y, w, 1), cols, i)
	}
}

// row draws one row. The selected one is a plain bar: colours in reverse would
// make it a patchwork. What is drawn and not written stays as it is.
func (t Table) row(line canvas.Area, cols []placed, i int) {
	bar := line
	if i == t.Selected {
		bar = line.With(canvas.Reverse)
		bar.Fill(' ', theme.Plain)
	}
	cells := t.Row(i)
	for _, c := range cols {
		cell := cells[c.index]
		place := bar.Sub(c.x, 0, c.width, 1)
		switch {
		case cell.Draw != nil:
			place = line.Sub(c.x, 0, c.width, 1)
			place.Fill(' ', theme.Plain)
		case i == t.Selected:
			cell.Style = theme.Plain
		}
		drawCell(place, cell, &t.Columns[c.index])
	}
}

func (t Table) head(a canvas.Area, c placed) {
	col := t.Columns[c.index]
	title := col.Title
	switch {
	case col.Sort > 0:
		title += "▲"
	case col.Sort < 0:
		title += "▼"
	}
	if col.Right {
		a.TextRight(c.x, 0, c.width, title, theme.Header)
	} else {
		a.TextIn(c.x, 0, c.width, title, theme.Header)
	}
}

func drawCell(a canvas.Area, c Cell, col *Column) {
	w, _ := a.Size()
	switch {
	case c.Draw != nil:
		c.Draw(a)
	case col.Right:
		a.TextRight(0, 0, w, c.Text, c.Style)
	case col.Ends:
		a.TextIn(0, 0, w, Shorten(c.Text, w), c.Style)
	default:
		a.TextIn(0, 0, w, c.Text, c.Style)
	}
}

// Shorten cuts s in the middle so that it takes w cells at most.
func Shorten(s string, w int) string {
	if canvas.Width(s) <= w || w < 5 {
		return s
	}
	r := []rune(s)
	head, tail := 0, len(r)
	for used := 1; used < w; used++ { // wide characters make it shorter than it could be
		if used%3 == 0 {
			head++
		} else {
			tail--
		}
	}
	for canvas.Width(string(r[:head]))+1+canvas.Width(string(r[tail:])) > w {
		tail++
	}
	return string(r[:head]) + "…" + string(r[tail:])
}

// placed is a column that is shown, and where.
type placed struct{ index, x, width int }

// place drops columns until the rest fits into w cells, and gives the flexible
// one what is left.
func (t Table) place(w int) []placed {
	show := make([]bool, len(t.Columns))
	for i := range show {
		show[i] = true
	}
	for t.need(show) > w {
		worst := -1
		for i, c := range t.Columns {
			if show[i] && c.Drop > 0 && (worst < 0 || c.Drop > t.Columns[worst].Drop) {
				worst = i
			}
		}
		if worst < 0 {
			break // what must be shown is clipped
		}
		show[worst] = false
	}
	spare := max(w-t.need(show), 0)
	var out []placed
	x := 0
	for i, c := range t.Columns {
		if !show[i] {
			continue
		}
		width := c.Width
		if c.Flex {
			width += spare
		}
		out = append(out, placed{index: i, x: x, width: width})
		x += width + 1
	}
	return out
}

// need is the width of the shown columns with a blank between two.
func (t Table) need(show []bool) int {
	n := -1
	for i, c := range t.Columns {
		if show[i] {
			n += c.Width + 1
		}
	}
	return n
}
