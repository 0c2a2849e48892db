package canvas

import (
	"math"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	tests := map[string]struct {
		draw func(Area)
		want string
	}{
		"plain":                      {func(a Area) { a.Text(0, 0, "abc", 0) }, "abc"},
		"cut at the right":           {func(a Area) { a.Text(6, 0, "abc", 0) }, "      ab"},
		"cut at the left":            {func(a Area) { a.Text(-2, 0, "abc", 0) }, "c"},
		"above":                      {func(a Area) { a.Text(0, -1, "abc", 0) }, ""},
		"below":                      {func(a Area) { a.Text(0, 1, "abc", 0) }, ""},
		"wide":                       {func(a Area) { a.Text(0, 0, "世界!", 0) }, "世界!"},
		"wide does not fit":          {func(a Area) { a.Text(7, 0, "世", 0) }, ""},
		"wide half outside left":     {func(a Area) { a.Text(-1, 0, "世x", 0) }, " x"},
		"accent":                     {func(a Area) { a.Text(0, 0, "e\u0301x", 0) }, "e\u0301x"},
		"accent on a wide one":       {func(a Area) { a.Text(0, 0, "世\u0301x", 0) }, "世\u0301x"},
		"third accent dropped":       {func(a Area) { a.Text(0, 0, "e\u0301\u0302\u0303", 0) }, "e\u0301\u0302"},
		"accent without a letter":    {func(a Area) { a.Text(0, 0, "ab", 0); a.Text(2, 0, "\u0301c", 0) }, "abc"},
		"accent on a blank":          {func(a Area) { a.Text(0, 0, " \u0301x", 0) }, " x"},
		"accent of a cut letter":     {func(a Area) { a.Text(0, 0, "abcdefgh", 0); a.Text(7, 0, "世\u0301", 0) }, "abcdefgh"},
		"left half overwritten":      {func(a Area) { a.Text(0, 0, "世", 0); a.Set(0, 0, 'x', 0) }, "x"},
		"right half overwritten":     {func(a Area) { a.Text(0, 0, "世", 0); a.Set(1, 0, 'x', 0) }, " x"},
		"two halves overwritten":     {func(a Area) { a.Text(0, 0, "世界", 0); a.Set(1, 0, '中', 0) }, " 中"},
		"unclean text":               {func(a Area) { a.Text(0, 0, "a\x1b\u009b\u202e\u200b\n\x7f", 0) }, "a??????"},
		"invalid UTF-8":              {func(a Area) { a.Text(0, 0, "a\xffb", 0) }, "a\ufffdb"},
		"text in":                    {func(a Area) { a.TextIn(1, 0, 4, "abcd", 0) }, " abcd"},
		"text in, cut":               {func(a Area) { a.TextIn(1, 0, 4, "abcde", 0) }, " abc…"},
		"text in, wide cut":          {func(a Area) { a.TextIn(0, 0, 4, "a世世", 0) }, "a世…"},
		"text in, wide leaves a gap": {func(a Area) { a.TextIn(0, 0, 3, "a世世", 0) }, "a…"},
		"text in, accent kept":       {func(a Area) { a.TextIn(0, 0, 3, "ae\u0301bcd", 0) }, "ae\u0301…"},
		"text in one cell":           {func(a Area) { a.TextIn(0, 0, 1, "abc", 0) }, "…"},
		"text in no cell":            {func(a Area) { a.TextIn(0, 0, 0, "abc", 0) }, ""},
		"text right":                 {func(a Area) { a.TextRight(0, 0, 8, "42", 0) }, "      42"},
		"text right, cut":            {func(a Area) { a.TextRight(2, 0, 3, "12345", 0) }, "  12…"},
		"fill":                       {func(a Area) { a.Sub(2, 0, 3, 1).Fill('─', 0) }, "  ───"},
		"fill with wide ones":        {func(a Area) { a.Sub(0, 0, 5, 1).Fill('世', 0) }, "世世"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(8, 1)
			tt.draw(c.Area())
			if got := c.String(); got != tt.want+"\n" {
				t.Errorf("got %q, want %q", got, tt.want+"\n")
			}
			checkPairs(t, c)
		})
	}
}

func TestTextReturnsTheEnd(t *testing.T) {
	a := New(3, 1).Area()
	for s, want := range map[string]int{"": 1, "ab": 3, "世界": 5, "e\u0301": 2, "a\u202eb": 4} {
		if got := a.Text(1, 0, s, 0); got != want {
			t.Errorf("Text(1, %q) = %d, want %d", s, got, want)
		}
		if got := 1 + Width(s); got != want {
			t.Errorf("1 + Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestModifiers(t *testing.T) {
	c := New(3, 1)
	c.Area().With(Reverse).With(Faint).Text(0, 0, "世x", 5)
	for x, cell := range c.Row(0) {
		if cell.Style != 5|Reverse|Faint || cell.Style.Base() != 5 {
			t.Errorf("cell %d has style %d, base %d", x, cell.Style, cell.Style.Base())
		}
	}
	blank := New(1, 1)
	blank.Area().Set(0, 0, ' ', 0)
	if blank.Row(0)[0] != (Cell{}) {
		t.Errorf("a drawn blank %+v is not the zero cell", blank.Row(0)[0])
	}
}

func TestCutting(t *testing.T) {
	type rect struct{ x, y, w, h int }
	tests := map[string]struct {
		cut  func(Area) Area
		want rect
	}{
		"sub":             {func(a Area) Area { return a.Sub(2, 1, 3, 2) }, rect{2, 1, 3, 2}},
		"sub of sub":      {func(a Area) Area { return a.Sub(2, 1, 5, 3).Sub(1, 1, 9, 9) }, rect{3, 2, 4, 2}},
		"sub too big":     {func(a Area) Area { return a.Sub(8, 3, 99, 99) }, rect{8, 3, 2, 1}},
		"sub huge":        {func(a Area) Area { return a.Sub(8, 3, math.MaxInt, math.MaxInt) }, rect{8, 3, 2, 1}},
		"sub left of it":  {func(a Area) Area { return a.Sub(-2, -1, 5, 3) }, rect{0, 0, 3, 2}},
		"sub outside":     {func(a Area) Area { return a.Sub(10, 4, 5, 5) }, rect{10, 4, 0, 0}},
		"sub negative":    {func(a Area) Area { return a.Sub(3, 3, -5, -5) }, rect{3, 3, 0, 0}},
		"top":             {func(a Area) Area { top, _ := a.Top(1); return top }, rect{0, 0, 10, 1}},
		"below top":       {func(a Area) Area { _, rest := a.Top(1); return rest }, rect{0, 1, 10, 3}},
		"top from bottom": {func(a Area) Area { top, _ := a.Top(-1); return top }, rect{0, 0, 10, 3}},
		"bottom":          {func(a Area) Area { _, rest := a.Top(-1); return rest }, rect{0, 3, 10, 1}},
		"top too high":    {func(a Area) Area { _, rest := a.Top(9); return rest }, rect{0, 4, 10, 0}},
		"bottom too high": {func(a Area) Area { top, _ := a.Top(-9); return top }, rect{0, 0, 10, 0}},
		"left":            {func(a Area) Area { left, _ := a.Left(3); return left }, rect{0, 0, 3, 4}},
		"right":           {func(a Area) Area { _, rest := a.Left(-3); return rest }, rect{7, 0, 3, 4}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := tt.cut(New(10, 4).Area())
			if got := (rect{a.x, a.y, a.w, a.h}); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if w, h := a.Size(); a.Empty() != (w == 0 || h == 0) {
				t.Errorf("Empty() = %v for %d x %d", a.Empty(), w, h)
			}
		})
	}
}

func TestNoCell(t *testing.T) {
	for name, a := range map[string]Area{
		"zero area": {}, "no width": New(0, 5).Area(), "no height": New(5, 0).Area(), "negative": New(-3, -3).Area(),
	} {
		t.Run(name, func(t *testing.T) {
			a.Set(0, 0, 'x', 0)
			a.Fill('x', 0)
			a.Text(0, 0, "abc", 0)
			a.TextIn(0, 0, 2, "abc", 0)
			a.TextRight(0, 0, 2, "abc", 0)
			if !a.Empty() {
				t.Error("not empty")
			}
		})
	}
}

func TestResize(t *testing.T) {
	c := New(20, 10)
	c.Area().Fill('x', 1)
	for _, size := range [][2]int{{5, 3}, {1, 1}, {0, 0}, {30, 20}} {
		c.Resize(size[0], size[1])
		if w, h := c.Size(); w != size[0] || h != size[1] {
			t.Fatalf("size %d x %d, want %v", w, h, size)
		}
		if got := strings.Trim(c.String(), "\n"); got != "" {
			t.Fatalf("after a resize to %v there is %q", size, got)
		}
		c.Area().Fill('y', 2)
	}
}
