// Package canvas is a grid of cells to draw on, and areas of it that clip.
//
// Screens write characters with a style index into an [Area]; they never build
// strings with escape sequences. An area drops what lies outside it, so that
// nothing can wrap or overflow, and no width is measured twice. The painter
// turns a canvas into terminal output; tests print it as text.
package canvas

import (
	"bytes"
	"unicode/utf8"
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

// Cell is one place of the grid. The zero Cell is a plain blank. It is eight
// bytes, as the painter compares all of them for every frame.
type Cell struct {
	Rune  rune   // 0 is a blank, or the right half of a wide character
	marks uint16 // two combining accents on Rune, a byte each, counted from U+02FF; 0 is none
	Style Style
	Half  bool // the right half of the wide character before it
}

// AppendTo appends the characters of the cell in UTF-8: nothing for a right
// half, a space for a blank.
func (c Cell) AppendTo(b []byte) []byte {
	switch {
	case c.Half:
		return b
	case c.Rune == 0:
		return append(b, ' ')
	case c.Rune < utf8.RuneSelf:
		b = append(b, byte(c.Rune))
	default:
		b = utf8.AppendRune(b, c.Rune)
	}
	for m := c.marks; m != 0; m >>= 8 {
		b = utf8.AppendRune(b, firstMark-1+rune(m&0xff))
	}
	return b
}

// Canvas is a grid of cells. It is not safe for concurrent use.
type Canvas struct {
	w, h  int
	cells []Cell
	wide  bool // there may be wide characters
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
func (c *Canvas) Clear() {
	clear(c.cells)
	c.wide = false
}

// Size is the width and height in cells.
func (c *Canvas) Size() (w, h int) { return c.w, c.h }

// Row is line y as a slice into the canvas, for the painter to read.
func (c *Canvas) Row(y int) []Cell { return c.cells[y*c.w : (y+1)*c.w] }

// Area is the whole canvas.
func (c *Canvas) Area() Area { return Area{c: c, w: c.w, h: c.h} }

// String is the text of the canvas without styles: one line a row, trailing
// blanks cut.
func (c *Canvas) String() string {
	var b []byte
	for y := range c.h {
		start := len(b)
		for _, cell := range c.Row(y) {
			b = cell.AppendTo(b)
		}
		b = append(b[:start], bytes.TrimRight(b[start:], " ")...)
		b = append(b, '\n')
	}
	return string(b)
}
