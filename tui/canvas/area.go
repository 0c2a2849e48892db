package canvas

// Area is a rectangle of a canvas to draw in. Places outside it are ignored.
// It is a small value, cheap to pass and to cut.
type Area struct {
	c          *Canvas
	x, y, w, h int
	mod        Style
}

// Size is the width and height in cells.
func (a Area) Size() (w, h int) { return a.w, a.h }

// Empty tells whether there is no cell to draw on.
func (a Area) Empty() bool { return a.w <= 0 || a.h <= 0 }

// Sub is the part of a that starts at x, y and is w by h cells at most.
func (a Area) Sub(x, y, w, h int) Area {
	x0, y0 := min(max(x, 0), a.w), min(max(y, 0), a.h)
	x1, y1 := min(max(x+min(w, a.w), x0), a.w), min(max(y+min(h, a.h), y0), a.h) // a huge w must not overflow
	return Area{c: a.c, x: a.x + x0, y: a.y + y0, w: x1 - x0, h: y1 - y0, mod: a.mod}
}

// Top cuts a into its first n rows and the rest; a negative n counts from the
// bottom.
func (a Area) Top(n int) (top, rest Area) {
	if n < 0 {
		n = max(a.h+n, 0)
	}
	return a.Sub(0, 0, a.w, n), a.Sub(0, n, a.w, a.h-n)
}

// Left cuts a into its first n columns and the rest; a negative n counts from
// the right.
func (a Area) Left(n int) (left, rest Area) {
	if n < 0 {
		n = max(a.w+n, 0)
	}
	return a.Sub(0, 0, n, a.h), a.Sub(n, 0, a.w-n, a.h)
}

// With is a with mod ([Reverse], [Faint]) on everything drawn in it.
func (a Area) With(mod Style) Area {
	a.mod |= mod
	return a
}

// Set draws r at x, y.
func (a Area) Set(x, y int, r rune, st Style) {
	g, w := glyph(r)
	a.put(x, y, Cell{Rune: g, Style: st}, w)
}

// Fill draws r in every cell, a wide one in every two.
func (a Area) Fill(r rune, st Style) {
	g, w := glyph(r)
	for y := range a.h {
		for x := 0; x < a.w; x += w {
			a.put(x, y, Cell{Rune: g, Style: st}, w)
		}
	}
}

// Text draws s from x, y to the right and returns the x after it. What does not
// fit is cut.
func (a Area) Text(x, y int, s string, st Style) int {
	drawn := false // whether there is a character of s for an accent to sit on
	last := x
	for _, r := range s {
		if isMark(r) {
			if drawn {
				a.mark(last, y, r)
			}
			continue
		}
		g, w := glyph(r)
		last, drawn = x, a.put(x, y, Cell{Rune: g, Style: st}, w)
		x += w
	}
	return x
}

// TextIn draws s in the w cells from x, y, cut with "…" when it is longer.
func (a Area) TextIn(x, y, w int, s string, st Style) {
	if w <= 0 {
		return
	}
	box := a.Sub(x, y, w, 1)
	if Width(s) <= w {
		box.Text(0, 0, s, st)
		return
	}
	head, n := prefix(s, w-1)
	box.Text(0, 0, head, st)
	box.Set(n, 0, '…', st)
}

// prefix is the longest beginning of s that fits in w cells, accents included,
// and its width.
func prefix(s string, w int) (string, int) {
	n := 0
	for i, r := range s {
		if isMark(r) {
			continue
		}
		_, rw := glyph(r)
		if n+rw > w {
			return s[:i], n
		}
		n += rw
	}
	return s, n
}

// TextRight draws s so that it ends at x+w, cut with "…" when it is longer than
// w cells.
func (a Area) TextRight(x, y, w int, s string, st Style) {
	a.TextIn(x+max(w-Width(s), 0), y, min(Width(s), w), s, st)
}

// put writes a cell of width w, whole or not at all, and never leaves half of a
// wide character behind. It tells whether it wrote.
func (a Area) put(x, y int, cell Cell, w int) bool {
	if x < 0 || y < 0 || y >= a.h || x > a.w-w {
		return false
	}
	if cell.Rune == ' ' {
		cell.Rune = 0 // one form only, so that equal looks compare equal
	}
	cell.Style |= a.mod
	row := a.c.Row(a.y + y)
	x += a.x
	for i := x; i < x+w; i++ {
		breakWide(row, i)
	}
	row[x] = cell
	if w == 2 {
		row[x+1] = Cell{Style: cell.Style, Half: true}
	}
	return true
}

// breakWide blanks the other half of a wide character before one half is
// overwritten.
func breakWide(row []Cell, i int) {
	if row[i].Half && i > 0 {
		row[i-1] = Cell{Style: row[i-1].Style}
	}
	if i+1 < len(row) && row[i+1].Half && !row[i].Half {
		row[i+1] = Cell{Style: row[i+1].Style}
	}
}

// mark adds a combining accent to the character drawn at x, y; one on a blank
// and a third one are dropped.
func (a Area) mark(x, y int, r rune) {
	cell := &a.c.Row(a.y + y)[a.x+x]
	for m := range cell.marks {
		if cell.Rune != 0 && cell.marks[m] == 0 {
			cell.marks[m] = uint8(r - firstMark + 1)
			return
		}
	}
}
