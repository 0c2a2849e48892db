package safe

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"github.com/rivo/uniseg"
)

// widths measures s by three libraries that count in different ways: rune by
// rune, and by two tables of grapheme clusters.
func widths(s string) [3]int {
	narrow := runewidth.Condition{}
	return [3]int{narrow.StringWidth(s), ansi.StringWidth(s), uniseg.StringWidth(s)}
}

func agree(w [3]int) bool { return w[0] == w[1] && w[1] == w[2] }

// kept calls f for every rune that Clean lets through alone, and counts them.
func kept(f func(r rune, s string)) int {
	n := 0
	for r := rune(0); r <= utf8.MaxRune; r += step {
		if s := string(r); utf8.ValidRune(r) && Clean(s, 0) == s {
			n++
			f(r, s)
		}
	}
	return n
}

// TestEveryRune: whatever is drawn as it came is visible and as wide as every
// table says.
func TestEveryRune(t *testing.T) {
	n := kept(func(r rune, s string) {
		if w := widths(s); !agree(w) || w[0] < 1 {
			t.Errorf("%U: runewidth, ansi, uniseg say %v", r, w)
		}
		if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.C, r) || unicode.Is(unicode.Z, r) && r != ' ' {
			t.Errorf("%U is not a visible character", r)
		}
	})
	t.Logf("%d runes are drawn as they came", n)
	if n < 118_000/step {
		t.Errorf("only %d runes: too much is escaped", n)
	}
}

// TestEveryRuneBetweenBases: no rune that is drawn joins its neighbours. Letters
// of other scripts and a wide one join in other ways than Latin ones.
func TestEveryRuneBetweenBases(t *testing.T) {
	for _, base := range []string{"a", "世", "क", "ا"} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			of := widths(base)
			kept(func(r rune, s string) {
				w, alone := widths(base+s+base), widths(s)
				if !agree(w) || w[0] != 2*of[0]+alone[0] {
					t.Errorf("%U between %q: runewidth, ansi, uniseg say %v, alone %v", r, base, w, alone)
				}
			})
		})
	}
}

// TestEveryRuneWithAccents: the two accents a base may carry take no cell.
func TestEveryRuneWithAccents(t *testing.T) {
	kept(func(r rune, s string) {
		full := Clean(s+"\u0301\u0327", 0)
		if w, alone := widths(full), widths(Clean(s, 0)); !agree(w) || full == s+"\u0301\u0327" && w != alone {
			t.Errorf("%U with accents: runewidth, ansi, uniseg say %v, alone %v", r, w, alone)
		}
	})
}

// TestEveryPairOfASample: pairs of any two runes are too many; this takes one
// rune of every block of 64 against each other.
func TestEveryPairOfASample(t *testing.T) {
	var sample []string
	last := rune(-1)
	kept(func(r rune, s string) {
		if r>>6 != last {
			last = r >> 6
			sample = append(sample, s)
		}
	})
	for _, a := range sample {
		for _, b := range sample {
			if w := widths(a + b); !agree(w) {
				t.Errorf("%q: runewidth, ansi, uniseg say %v", a+b, w)
			}
		}
	}
	if len(sample) < 500/step {
		t.Errorf("a sample of %d is too small", len(sample))
	}
}
