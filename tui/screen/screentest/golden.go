package screentest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Sizes are the terminals that screens are tested at.
var Sizes = [][2]int{{80, 24}, {120, 40}, {200, 60}, {60, 15}}

// Drawing draws s on a canvas of w by h cells.
func Drawing(s screen.Screen, r *analysis.Report, w, h int) *canvas.Canvas {
	c := canvas.New(w, h)
	s.Draw(c.Area(), screen.Frame{Report: r})
	return c
}

// Golden compares the text of c with testdata/<test>/<name>.golden.
func Golden(t *testing.T, name string, c *canvas.Canvas) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", "_"), name+".golden")
	got := c.String()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (make golden writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from the golden file; got:\n%s", file, got)
	}
}

// GoldenSizes compares a drawing of s at each of [Sizes].
func GoldenSizes(t *testing.T, s screen.Screen, r *analysis.Report) {
	t.Helper()
	for _, size := range Sizes {
		Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), Drawing(s, r, size[0], size[1]))
	}
}

// NoOrphans fails for a golden file that no test of the package reads: call it
// with the names of the tests that have some.
func NoOrphans(t *testing.T, tests ...string) {
	t.Helper()
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		known := false
		for _, name := range tests {
			known = known || strings.HasPrefix(d.Name(), name)
		}
		if !known {
			t.Errorf("testdata/%s belongs to no test", d.Name())
		}
	}
}

// FitsEverywhere draws s at every size that a terminal may have: it must not
// panic, and nothing but drawable characters may be on the canvas.
func FitsEverywhere(t *testing.T, s screen.Screen, reports ...*analysis.Report) {
	t.Helper()
	for _, r := range reports {
		for _, w := range []int{0, 1, 5, 19, 20, 33, 59, 79, 80, 120, 250} {
			for _, h := range []int{0, 1, 2, 5, 6, 14, 23, 24, 40, 80} {
				checkText(t, Drawing(s, r, w, h), w, h)
			}
		}
	}
}

// checkText fails for a canvas with a control character or a line too wide.
func checkText(t *testing.T, c *canvas.Canvas, w, h int) {
	t.Helper()
	text := c.String()
	if !utf8.ValidString(text) {
		t.Errorf("%dx%d: invalid UTF-8", w, h)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := canvas.Width(line); n > w {
			t.Errorf("%dx%d: a line of %d cells: %q", w, h, n, line)
		}
		for _, r := range line {
			if r < ' ' || (r >= 0x7f && r < 0xa0) || (r >= 0x202a && r <= 0x202e) {
				t.Errorf("%dx%d: %U in %q", w, h, r, line)
			}
		}
	}
}
