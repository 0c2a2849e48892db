package painter

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/muesli/termenv"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

func themeOf(t testing.TB, name string) *theme.Theme {
	t.Helper()
	th, err := theme.New(name, termenv.ANSI)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// scribble draws like a screen that changes a little or a lot.
func scribble(r *rand.Rand, a canvas.Area) {
	words := []string{"", "a", "42.1", "GET /products", "世界", "x世y", "e\u0301", "   ", "│─┐", "⣿⣤", "\x1b[31m", "한국 e\u0301\u0327"}
	w, h := a.Size()
	for range r.IntN(1 + w*h/6) {
		st := canvas.Style(r.IntN(30))
		if r.IntN(4) == 0 {
			st |= canvas.Reverse
		}
		a.Text(r.IntN(w+4)-2, r.IntN(h+1), words[r.IntN(len(words))], st)
	}
	if r.IntN(8) == 0 {
		a.Sub(r.IntN(w+1), r.IntN(h+1), r.IntN(9), 2).Fill(' ', canvas.Style(r.IntN(3)))
	}
}

// TestDiffShowsTheCanvas is the property everything rests on: whatever is drawn
// after whatever, the terminal shows exactly the canvas.
func TestDiffShowsTheCanvas(t *testing.T) {
	for _, name := range theme.Names() {
		t.Run(name, func(t *testing.T) {
			th := themeOf(t, name)
			for seed := range uint64(60) {
				checkDiffs(t, th, seed)
			}
		})
	}
}

func checkDiffs(t *testing.T, th *theme.Theme, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	s, term, shown := newScreen(th), newVT(0, 0), canvas.New(0, 0)
	for range 40 {
		if w, h := shown.Size(); w*h == 0 || r.IntN(10) == 0 {
			w, h = 1+r.IntN(30), 1+r.IntN(8)
			s.resize(w, h)
			term.resize(w, h)
			shown.Resize(w, h)
		}
		if r.IntN(3) == 0 { // else draw over the last frame: small changes
			shown.Clear()
		}
		scribble(r, shown.Area())
		_, h := shown.Size()
		term.feed(string(s.frame(func(a canvas.Area) {
			for y := range h {
				copy(s.back.Row(y), shown.Row(y))
			}
		})))
		if diff := term.differs(shown, th); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func TestUnchangedFrameSendsNothing(t *testing.T) {
	s := newScreen(themeOf(t, "default"))
	s.resize(40, 10)
	draw := func(a canvas.Area) { a.Text(3, 3, "世界 42 e\u0301", theme.Good) }
	if first := s.frame(draw); len(first) == 0 {
		t.Fatal("no first frame")
	}
	for range 3 {
		if again := s.frame(draw); again != nil {
			t.Fatalf("an unchanged frame sends %q", again)
		}
	}
}

// frames draws the texts one after the other and returns what the last one
// sends, between the marks of the synchronised update.
func lastFrame(t *testing.T, w, h int, texts ...func(canvas.Area)) string {
	t.Helper()
	s := newScreen(themeOf(t, "default"))
	s.resize(w, h)
	var out string
	for _, draw := range texts {
		out = string(s.frame(draw))
	}
	out, begins := strings.CutPrefix(out, syncOn)
	out, ends := strings.CutSuffix(out, syncOff)
	if !begins || !ends {
		t.Fatalf("no synchronised update: %q", out)
	}
	return out
}

func TestFrameBytes(t *testing.T) {
	text := func(x, y int, s string, st canvas.Style) func(canvas.Area) {
		return func(a canvas.Area) { a.Text(x, y, s, st) }
	}
	none := func(canvas.Area) {}
	tests := map[string]struct {
		frames []func(canvas.Area)
		want   string
	}{
		"first frame clears":       {[]func(canvas.Area){text(0, 0, "ab", 0)}, "\x1b[m\x1b[2J\x1b[1Hab"},
		"one cell":                 {[]func(canvas.Area){text(0, 0, "10", 0), text(0, 0, "11", 0)}, "\x1b[2G1"},
		"another row":              {[]func(canvas.Area){none, text(4, 2, "x", 0)}, "\x1b[3;5Hx"},
		"short gap is rewritten":   {[]func(canvas.Area){text(0, 0, "1abc1", 0), text(0, 0, "2abc2", 0)}, "\x1b[1G2abc2"},
		"long gap is jumped":       {[]func(canvas.Area){text(0, 0, "1abcd1", 0), text(0, 0, "2abcd2", 0)}, "\x1b[1G2\x1b[6G2"},
		"look changes once":        {[]func(canvas.Area){none, text(0, 0, "ab", theme.Good)}, "\x1b[1H\x1b[0;32mab"},
		"equal looks":              {[]func(canvas.Area){none, func(a canvas.Area) { a.Text(a.Text(0, 0, "a", theme.Good), 0, "b", theme.Gauge) }}, "\x1b[1H\x1b[0;32mab"},
		"end of the line":          {[]func(canvas.Area){text(0, 0, "ab long tail", 0), text(0, 0, "ab", 0)}, "\x1b[4G\x1b[K"},
		"short end of the line":    {[]func(canvas.Area){text(0, 0, "abcd", 0), text(0, 0, "ab", 0)}, "\x1b[3G  "},
		"wide over narrow":         {[]func(canvas.Area){text(0, 0, "ab", 0), text(0, 0, "世", 0)}, "\x1b[1G世"},
		"narrow over half of wide": {[]func(canvas.Area){text(0, 0, "世x", 0), text(1, 0, "yx", 0)}, "\x1b[1G y"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := lastFrame(t, 20, 4, tt.frames...); got != tt.want {
				t.Errorf("sends %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnySize(t *testing.T) {
	th := themeOf(t, "dark")
	s := newScreen(th)
	for _, size := range [][2]int{{0, 0}, {1, 1}, {0, 5}, {5, 0}, {-1, -1}, {500, 200}, {1, 200}, {500, 1}, {80, 24}, {65535, 65535}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w, h := s.resize(size[0], size[1])
			if w > maxWidth || h > maxHeight || w < 0 || h < 0 {
				t.Fatalf("becomes %dx%d", w, h)
			}
			term := newVT(w, h)
			r := rand.New(rand.NewPCG(3, 4))
			for range 2 {
				term.feed(string(s.frame(func(a canvas.Area) { scribble(r, a) })))
				if diff := term.differs(s.front, th); w*h > 0 && diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

func TestThemeChangeRepaints(t *testing.T) {
	s := newScreen(themeOf(t, "default"))
	s.resize(10, 2)
	term := newVT(10, 2)
	draw := func(a canvas.Area) { a.Text(0, 0, "ok", theme.Good) }
	term.feed(string(s.frame(draw)))
	dark := themeOf(t, "light")
	s.setTheme(dark)
	term.feed(string(s.frame(draw)))
	if diff := term.differs(s.front, dark); diff != "" {
		t.Error(diff)
	}
}
