package canvas

import (
	"unicode"

	"github.com/mattn/go-runewidth"
)

// narrow measures as terminals do that do not treat ambiguous characters as
// wide; the sanitiser lets only characters through on which all agree.
var narrow = &runewidth.Condition{EastAsianWidth: false}

// Width is how many cells s takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		if !isMark(r) {
			_, w := glyph(r)
			n += w
		}
	}
	return n
}

// The combining accents, which take no cell of their own.
const firstMark, lastMark = 0x300, 0x36f

func isMark(r rune) bool { return r >= firstMark && r <= lastMark }

// glyph is what to draw for r and how many cells it takes. A character that
// must never reach a terminal becomes "?", should a string come here unclean:
// a last belt, not the sanitiser.
func glyph(r rune) (rune, int) {
	switch {
	case r >= 0x20 && r < 0x7f,
		r >= 0xa1 && r < firstMark && r != 0xad,
		r >= 0x2500 && r < 0x25a0, // boxes and blocks
		r >= 0x2800 && r < 0x2900: // braille
		return r, 1
	case !unicode.IsPrint(r) || unicode.Is(unicode.M, r):
		return '?', 1
	case r < 0x1100:
		return r, 1
	default:
		return r, max(narrow.RuneWidth(r), 1)
	}
}
