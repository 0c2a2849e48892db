package canvas

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"

	"apitop/collectors/safe"
)

// checkPairs holds that every wide character has its right half behind it, in
// its own look, and that no right half stands alone.
func checkPairs(t *testing.T, c *Canvas) {
	t.Helper()
	_, h := c.Size()
	for y := range h {
		row := c.Row(y)
		for x, cell := range row {
			wide := !cell.Half && cell.Rune != 0 && Width(string(cell.Rune)) == 2
			followed := x+1 < len(row) && row[x+1].Half
			if wide != followed || followed && row[x+1].Style != cell.Style {
				t.Fatalf("row %d, column %d: %+v before half = %v", y, x, cell, followed)
			}
			if cell.Half && x == 0 {
				t.Fatalf("row %d begins with a right half", y)
			}
		}
	}
}

// drawAnything does n random things in a, as a hostile screen would.
func drawAnything(r *rand.Rand, a Area, n int) {
	alphabet := []rune("ab …─█⣿é世界한\u0301\u0327\x1b\u202e\U0001f44d\ufffd\n")
	for range n {
		s := make([]rune, r.IntN(12))
		for i := range s {
			s[i] = alphabet[r.IntN(len(alphabet))]
		}
		x, y, st := r.IntN(16)-4, r.IntN(10)-3, Style(r.IntN(256))
		switch r.IntN(6) {
		case 0:
			a.Set(x, y, alphabet[r.IntN(len(alphabet))], st)
		case 1:
			a.Text(x, y, string(s), st)
		case 2:
			a.TextIn(x, y, r.IntN(14)-2, string(s), st)
		case 3:
			a.TextRight(x, y, r.IntN(14)-2, string(s), st)
		case 4:
			drawAnything(r, a.Sub(x, y, r.IntN(10)-2, r.IntN(8)-2).With(st&^st.Base()), 1)
		case 5:
			a.Sub(x, y, r.IntN(6), r.IntN(3)).Fill(alphabet[r.IntN(len(alphabet))], st)
		}
	}
}

// TestNothingOutsideAnArea fills a canvas, draws at random in a part of it, and
// compares what lies around. The one thing that may change there is the other
// half of a wide character that the edge cuts: it is blanked.
func TestNothingOutsideAnArea(t *testing.T) {
	for name, around := range map[string]rune{"narrow": '#', "wide": '世'} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 5000 {
				c := New(12, 6)
				for x := 0; x < 12; x += Width(string(around)) {
					for y := range 6 {
						c.Area().Set(x, y, around, 9)
					}
				}
				before := slices.Clone(c.cells)
				a := c.Area().Sub(r.IntN(12), r.IntN(6), r.IntN(8), r.IntN(5))
				drawAnything(r, a, 1+r.IntN(8))
				checkPairs(t, c)
				checkOutside(t, before, c, a)
			}
		})
	}
}

func checkOutside(t *testing.T, before []Cell, c *Canvas, a Area) {
	t.Helper()
	for i, cell := range c.cells {
		x, y := i%c.w, i/c.w
		inside := x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h
		edge := y >= a.y && y < a.y+a.h && (x == a.x-1 && before[i+1].Half || x == a.x+a.w && before[i].Half)
		switch {
		case inside, cell == before[i]:
		case edge && cell == Cell{Style: before[i].Style}:
		default:
			t.Fatalf("area %+v: cell %d,%d outside it became %+v", a, x, y, cell)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "abc", "世界", "e\u0301\u0302\u0303", "\x1b[31m", "\u009b\u202e\U0001f44d\U0001f3fd", "\xff"} {
		f.Add(s, 0, 5)
	}
	f.Fuzz(func(t *testing.T, s string, x, w int) {
		c := New(10, 3)
		c.Area().Fill('#', 1)
		c.Area().Sub(2, 1, 5, 1).Text(x%20, 0, s, 2)
		c.Area().Sub(2, 1, 5, 1).TextIn(x%20, 0, w%20, s, 3)
		checkPairs(t, c)
		for i, cell := range c.cells {
			if inside := i >= 12 && i < 17; !inside && cell != (Cell{Rune: '#', Style: 1}) {
				t.Fatalf("cell %d outside the area became %+v", i, cell)
			}
		}
		if got := c.String(); !utf8.ValidString(got) || ansi.Strip(got) != got {
			t.Fatalf("%q can reach a terminal", got)
		}
	})
}

// TestWidthsAgree compares with two width tables over all that the sanitiser
// lets through, alone and between letters.
func TestWidthsAgree(t *testing.T) {
	narrow := &runewidth.Condition{}
	checked := 0
	for r := rune(0x20); r <= utf8.MaxRune; r++ {
		s := string(r)
		if !utf8.ValidRune(r) || safe.Clean(s, 0) != s {
			continue
		}
		checked++
		for _, s := range []string{s, "a" + s + "b", s + "\u0301"} {
			if a, b, c := Width(s), narrow.StringWidth(s), ansi.StringWidth(s); a != b || a != c {
				t.Errorf("%U in %q: canvas %d, runewidth %d, ansi %d", r, s, a, b, c)
			}
		}
		if c := New(4, 1); c.Area().Text(0, 0, s, 0) != Width(s) || c.String() != s+"\n" && r != ' ' {
			t.Errorf("%U is drawn as %q", r, c.String())
		}
	}
	if checked < 100_000 {
		t.Errorf("only %d runes checked", checked)
	}
}
