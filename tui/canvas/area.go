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
	x1, y1 := min(max(x+w, x0), a.w), min(max(y+h, y0), a.h)
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
	a.put(x, y, Cell{Rune: drawable(r), Style: st}, runeWidth(r))
}

// Fill draws r in every cell.
func (a Area) Fill(r rune, st Style) {
	for y := range a.h {
		for x := range a.w {
			a.Set(x, y, r, st)
		}
	}
}

// Text draws s from x, y to the right and returns the x after it. What does not
// fit is cut.
func (a Area) Text(x, y int, s string, st Style) int {
	for _, r := range s {
		if isMark(r) {
			a.mark(x-1, y, r)
			continue
		}
		w := runeWidth(r)
		a.put(x, y, Cell{Rune: drawable(r), Style: st}, w)
		x += w
	}
	return x
}

// TextIn draws s in the w cells from x, y, cut with "…" when it is longer.
func (a Area) TextIn(x, y, w int, s string, st Style) {
	if w <= 0 {
		return
	}
	if Width(s) <= w {
		a.Sub(x, y, w, 1).Text(0, 0, s, st)
		return
	}
	cut := a.Sub(x, y, w-1, 1)
	end := 0
	for _, r := range s {
		if end+runeWidth(r) > w-1 {
			break
		}
		end = cut.Text(end, 0, string(r), st)
	}
	a.Set(x+end, y, '…', st)
}

// TextRight draws s so that it ends at x+w, cut with "…" when it is longer than
// w cells.
func (a Area) TextRight(x, y, w int, s string, st Style) {
	a.TextIn(x+max(w-Width(s), 0), y, min(Width(s), w), s, st)
}

// put writes a cell of width w, whole or not at all, and never leaves half of a
// wide character behind.
func (a Area) put(x, y int, cell Cell, w int) {
	if x < 0 || y < 0 || y >= a.h || x+w > a.w {
		return
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

// mark adds a combining accent to the character at x, y; a third one is dropped.
func (a Area) mark(x, y int, r rune) {
	if x < 0 || y < 0 || x >= a.w || y >= a.h {
		return
	}
	row, i := a.c.Row(a.y+y), a.x+x
	if row[i].Half && i > 0 {
		i--
	}
	for m := range row[i].Marks {
		if row[i].Rune != 0 && row[i].Marks[m] == 0 {
			row[i].Marks[m] = r
			return
		}
	}
}
