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
	if y < 0 || y >= a.h {
		return x + Width(s)
	}
	row := a.c.Row(a.y + y)
	st |= a.mod
	on := -1 // the cell an accent sits on; -1 is none
	for _, r := range s {
		if isMark(r) {
			mark(row, on, r)
			continue
		}
		g, w := r, 1
		if r < 0x20 || r >= 0x7f {
			g, w = glyph(r)
		}
		on = -1
		if x >= 0 && x <= a.w-w {
			on = a.x + x
			a.c.store(row, on, Cell{Rune: g, Style: st}, w)
		}
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
	n := Width(s)
	a.TextIn(x+max(w-n, 0), y, min(n, w), s, st)
}

// put writes a cell of width w, whole or not at all.
func (a Area) put(x, y int, cell Cell, w int) {
	if x >= 0 && y >= 0 && y < a.h && x <= a.w-w {
		cell.Style |= a.mod
		a.c.store(a.c.Row(a.y+y), a.x+x, cell, w)
	}
}

// store writes a cell of width w at i.
func (c *Canvas) store(row []Cell, i int, cell Cell, w int) {
	if cell.Rune == ' ' {
		cell.Rune = 0 // one form only, so that equal looks compare equal
	}
	if c.wide || w == 2 {
		c.storeWide(row, i, cell, w)
		return
	}
	row[i] = cell
}

// storeWide is store where wide characters are about: it never leaves half of
// one behind.
func (c *Canvas) storeWide(row []Cell, i int, cell Cell, w int) {
	breakWide(row, i)
	if w == 2 {
		c.wide = true
		breakWide(row, i+1)
		row[i+1] = Cell{Style: cell.Style, Half: true}
	}
	row[i] = cell
}

// breakWide blanks the other half of a wide character before the half at i is
// overwritten.
func breakWide(row []Cell, i int) {
	if row[i].Half {
		row[i-1] = Cell{Style: row[i-1].Style}
	} else if i+1 < len(row) && row[i+1].Half {
		row[i+1] = Cell{Style: row[i+1].Style}
	}
}

// mark adds a combining accent to the character at i; one on a blank and a third
// one are dropped.
func mark(row []Cell, i int, r rune) {
	if i < 0 || row[i].Rune == 0 {
		return
	}
	switch m := uint16(r - firstMark + 1); {
	case row[i].marks == 0:
		row[i].marks = m
	case row[i].marks <= 0xff:
		row[i].marks |= m << 8
	}
}
