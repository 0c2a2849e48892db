package safe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes s safe to draw on one terminal line. Printable ASCII is returned
// as it is. Line feed, carriage return and tab become \n, \r, \t; other control
// bytes ^X; invalid UTF-8 \xNN; any other character that is invisible or whose
// width is disputed \u{XXXX}. With cells > 0 it stops after about that many
// cells and ends in "…", at a cost bounded by cells and not by len(s).
func Clean(s string, cells int) string {
	head := s
	if cells > 0 {
		head = s[:min(cells, len(s))]
	}
	switch n := plainPrefix(head); {
	case n == len(s):
		return s // the usual case, no allocation
	case n == len(head): // plain as far as it is drawn
		return head + "…"
	}
	c := cleaner{limit: cells}
	for s != "" {
		if c.full() {
			c.out.WriteString("…")
			break
		}
		s = s[c.next(s):]
	}
	return c.out.String()
}

// plainPrefix is the number of leading bytes of s that are printable ASCII.
func plainPrefix(s string) int {
	for i := range len(s) {
		if !plain(s[i]) {
			return i
		}
	}
	return len(s)
}

func plain(c byte) bool { return c >= 0x20 && c < 0x7f }

// cleaner is the state of one Clean call.
type cleaner struct {
	out          strings.Builder
	limit, cells int
	marks        int  // combining marks on the base so far
	base         bool // the last thing written can carry a combining mark
}

func (c *cleaner) full() bool { return c.limit > 0 && c.cells >= c.limit }

// next writes the first character of s and returns how many bytes it was.
func (c *cleaner) next(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch mark := isMark(r); {
	case plain(s[0]):
		c.out.WriteByte(s[0])
		c.cells, c.marks, c.base = c.cells+1, 0, s[0] != ' '
	case r == utf8.RuneError && n == 1:
		c.escape(`\x%02X`, s[0])
	case r == '\n':
		c.escape(`\n`)
	case r == '\r':
		c.escape(`\r`)
	case r == '\t':
		c.escape(`\t`)
	case r < 0x20 || r == 0x7f:
		c.escape("^%c", s[0]^0x40)
	case mark && c.base && c.marks < maxMarks:
		c.out.WriteRune(r)
		c.marks++
	case mark || !stable(r):
		c.escape(`\u{%04X}`, r)
	default:
		c.out.WriteRune(r)
		c.cells, c.marks, c.base = c.cells+2, 0, true // 2 is an upper bound
	}
	return n
}

func (c *cleaner) escape(format string, args ...any) {
	before := c.out.Len()
	fmt.Fprintf(&c.out, format, args...)
	c.cells, c.base = c.cells+c.out.Len()-before, false // an escape is ASCII: a byte a cell
}

// maxMarks is how many accents a letter may carry; more is an attack ("zalgo").
const maxMarks = 2

// isMark tells the combining accents that libraries and terminals agree on; the
// grapheme joiner U+034F is not one of them.
func isMark(r rune) bool { return r >= 0x300 && r <= 0x36f && r != 0x34f }

// stable tells whether every width table and terminal agrees on r, and it is
// visible. Checked over all runes and pairs in the tests.
func stable(r rune) bool {
	if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
		return false
	}
	for _, u := range unstable {
		if r >= u[0] && r <= u[1] {
			return false
		}
	}
	return true
}

// unstable lists printable runes that are blank, or whose width libraries and
// terminals (xterm.js, tmux) disagree on.
var unstable = [...][2]rune{
	{0xad, 0xad},                                                                                               // soft hyphen
	{0x1100, 0x11ff}, {0xa960, 0xa97f}, {0xd7b0, 0xd7ff}, {0x3164, 0x3164}, {0xffa0, 0xffa0}, {0x2800, 0x2800}, // jamo, fillers, blank braille
	{0x2300, 0x23ff}, {0x2600, 0x27bf}, {0x2b00, 0x2bff}, {0x4dc0, 0x4dff}, // symbols with an emoji form
	{0x2e3a, 0x2e3b}, {0x3030, 0x3030}, {0x303d, 0x303d}, {0x3297, 0x3297}, {0x3299, 0x3299}, {0xff9e, 0xff9f},
	{0xe33, 0xe33}, {0xeb3, 0xeb3}, // Thai and Lao AM join the letter before
	{0xd4e, 0xd4e},                          // Malayalam dot reph joins the letter after
	{0x10000, 0x1ffff}, {0x31350, 0x10ffff}, // beyond the BMP only CJK extensions
}
