// Package canvas is a grid of cells to draw on, and areas of it that clip.
//
// Screens write characters with a style index into an [Area]; they never build
// strings with escape sequences. An area drops what lies outside it, so that
// nothing can wrap or overflow, and no width is measured twice. The painter
// turns a canvas into terminal output; tests print it as text.
package canvas

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Style is an index into the theme's table of looks, with modifier bits. The
// zero Style is plain text.
type Style uint8

// Modifiers of a Style, set by [Area.With] for a whole area.
const (
	Reverse Style = 1 << 7 // the selected row
	Faint   Style = 1 << 6 // values that are no longer fresh

	base = Faint - 1
)

// Base is the style without its modifiers.
func (s Style) Base() Style { return s & base }

// Cell is one place of the grid. The zero Cell is a plain blank.
type Cell struct {
	Rune  rune    // 0 is a blank, or the right half of a wide character
	Marks [2]rune // combining accents on Rune
	Style Style
	Half  bool // the right half of the wide character before it
}

// Canvas is a grid of cells. It is not safe for concurrent use.
type Canvas struct {
	w, h  int
	cells []Cell
}

// New makes a blank canvas of w by h cells; negative sizes count as 0.
func New(w, h int) *Canvas {
	c := &Canvas{}
	c.Resize(w, h)
	return c
}

// Resize changes the size and blanks the canvas.
func (c *Canvas) Resize(w, h int) {
	c.w, c.h = max(w, 0), max(h, 0)
	if n := c.w * c.h; cap(c.cells) >= n {
		c.cells = c.cells[:n]
	} else {
		c.cells = make([]Cell, n)
	}
	c.Clear()
}

// Clear blanks the canvas.
func (c *Canvas) Clear() { clear(c.cells) }

// Size is the width and height in cells.
func (c *Canvas) Size() (w, h int) { return c.w, c.h }

// Row is line y as a slice into the canvas, for the painter.
func (c *Canvas) Row(y int) []Cell { return c.cells[y*c.w : (y+1)*c.w] }

// Area is the whole canvas.
func (c *Canvas) Area() Area { return Area{c: c, w: c.w, h: c.h} }

// String is the text of the canvas without styles: one line a row, trailing
// blanks cut.
func (c *Canvas) String() string {
	var b strings.Builder
	for y := range c.h {
		b.WriteString(strings.TrimRight(c.line(y), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

func (c *Canvas) line(y int) string {
	var b strings.Builder
	for _, cell := range c.Row(y) {
		cell.writeTo(&b)
	}
	return b.String()
}

// writeTo writes the characters of the cell; nothing for a right half.
func (cell Cell) writeTo(b *strings.Builder) {
	if cell.Half {
		return
	}
	if cell.Rune == 0 {
		b.WriteByte(' ')
		return
	}
	b.WriteRune(cell.Rune)
	for _, m := range cell.Marks {
		if m != 0 {
			b.WriteRune(m)
		}
	}
}

// narrow measures as terminals do that do not treat ambiguous characters as
// wide; the sanitiser lets only characters through on which all agree.
var narrow = &runewidth.Condition{EastAsianWidth: false}

// Width is how many cells s takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case isMark(r):
		return 0
	case r < 0x1100:
		return 1
	default:
		return max(narrow.RuneWidth(r), 1)
	}
}

func isMark(r rune) bool { return r >= 0x300 && r <= 0x36f }

// drawable replaces what must never reach a terminal, should a string come here
// unclean: a last belt, not the sanitiser.
func drawable(r rune) rune {
	if r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0xfffd {
		return '?'
	}
	return r
}
