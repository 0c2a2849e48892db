package screen_test

import (
	"math"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
	"apitop/tui/theme"
)

func keyPress(k string) tea.Msg {
	switch k {
	case "pgdown":
		return tea.KeyMsg{Type: tea.KeyPgDown}
	case "end":
		return tea.KeyMsg{Type: tea.KeyEnd}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
}

func TestCursor(t *testing.T) {
	rows := strings.Split("abcdefghijklmnopqrstuvwxyz", "")
	tests := map[string]struct {
		keys []string
		want int
	}{
		"starts on the first": {nil, 0},
		"down":                {[]string{"j", "j"}, 2},
		"up stops":            {[]string{"k"}, 0},
		"page":                {[]string{"pgdown"}, 10},
		"last":                {[]string{"end"}, 25},
		"down stops":          {[]string{"G", "j"}, 25},
		"first":               {[]string{"G", "g"}, 0},
		"another key":         {[]string{"x"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var c screen.Cursor[string]
			for _, k := range tt.keys {
				c, _ = c.Update(keyPress(k), rows)
			}
			if got := c.Index(rows); got != tt.want {
				t.Errorf("on row %d, want %d", got, tt.want)
			}
		})
	}
}

// TestCursorFollowsItsRow: sorting anew must not move the selection to another
// thing.
func TestCursorFollowsItsRow(t *testing.T) {
	c := screen.On("b")
	if i := c.Index([]string{"c", "a", "b"}); i != 2 {
		t.Errorf("on row %d, want 2", i)
	}
	if i := c.Index([]string{"c", "a"}); i != 0 {
		t.Errorf("its row is gone: on row %d, want 0", i)
	}
	if i := c.Index(nil); i != -1 {
		t.Errorf("no rows: on row %d, want -1", i)
	}
}

func TestTop(t *testing.T) {
	for _, tt := range []struct{ selected, n, h, want int }{
		{0, 100, 10, 0}, {4, 100, 10, 0}, {50, 100, 10, 45}, {99, 100, 10, 90}, {3, 5, 10, 0}, {-1, 0, 10, 0},
	} {
		if got := screen.Top(tt.selected, tt.n, tt.h); got != tt.want {
			t.Errorf("Top(%d, %d, %d) = %d, want %d", tt.selected, tt.n, tt.h, got, tt.want)
		}
	}
}

func TestChips(t *testing.T) {
	chips := screen.Chips(screentest.Stale())
	want := map[string]analysis.State{
		"prom": analysis.StateOK, "redis": analysis.StateFailed, "pg": analysis.StateOK, "host": analysis.StateOK,
	}
	if len(chips) != len(want) {
		t.Fatalf("chips = %+v", chips)
	}
	for _, c := range chips {
		if c.State != want[c.Label] {
			t.Errorf("%s is %s, want %s", c.Label, c.State, want[c.Label])
		}
		if c.State == analysis.StateFailed && c.Note != "stale 17s" {
			t.Errorf("%s: note %q", c.Label, c.Note)
		}
	}
}

// TestChipOfAFleet: one chip, however many pages.
func TestChipOfAFleet(t *testing.T) {
	tests := map[string]struct {
		pages, down int
		want        string
	}{
		"one":      {1, 2, "prom ok"},
		"one down": {100, 1000, "prom failed 99/100"},
		"two down": {100, 50, "prom failed 98/100"},
		"three":    {3, 4, "prom failed 2/3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			chips := screen.Chips(screentest.Fleet(tt.pages, tt.down))
			if len(chips) != 1 {
				t.Fatalf("chips = %+v", chips)
			}
			if got := strings.TrimSpace(chips[0].Label + " " + string(chips[0].State) + " " + chips[0].Note); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	r := screentest.Fleet(2, 9)
	r.Sources[0].State, r.Sources[2].State, r.Sources[2].Error = analysis.StateFailed, analysis.StateOK, nil
	if chips := screen.Chips(r); len(chips) != 2 || chips[0].Note != "2" || chips[1].Label != "targets" {
		t.Errorf("a search that fails gives %+v", chips)
	}
}

func TestEmptySaysWhyAndWhatToDo(t *testing.T) {
	tests := map[string]struct {
		report *analysis.Report
		kind   analysis.Kind
		want   []string
	}{
		"not configured": {screentest.Unconfigured(), analysis.KindRedis, []string{"no redis source", "start with --redis"}},
		"failing":        {screentest.Stale(), analysis.KindRedis, []string{"connection refused", "start the server"}},
		"waiting":        {screentest.Calm(), analysis.KindMetrics, []string{"waiting"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := canvas.New(60, 6)
			screen.Empty(c.Area(), tt.report, tt.kind, "--redis redis://HOST")
			for _, w := range tt.want {
				if !strings.Contains(c.String(), w) {
					t.Errorf("%q is missing in:\n%s", w, c)
				}
			}
		})
	}
}

func TestLooks(t *testing.T) {
	known := func(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }
	for name, tt := range map[string]struct{ got, want canvas.Style }{
		"no errors":          {screen.ErrorLook(known(0)), theme.Good},
		"some errors":        {screen.ErrorLook(known(0.01)), theme.Warn},
		"many errors":        {screen.ErrorLook(known(0.2)), theme.Bad},
		"unknown errors":     {screen.ErrorLook(analysis.Value{}), theme.Dim},
		"nothing is quiet":   {screen.Quiet(known(0), theme.Bad), theme.Dim},
		"something is not":   {screen.Quiet(known(1), theme.Bad), theme.Bad},
		"too few for p95":    {screen.QuantileLook(19, screen.EnoughP95, nil), theme.Dim},
		"enough for p95":     {screen.QuantileLook(20, screen.EnoughP95, &analysis.Bucket{Lo: 0.25, Hi: 0.5}), theme.Plain},
		"too few for p99":    {screen.QuantileLook(99, screen.EnoughP99, nil), theme.Dim},
		"a coarse bucket":    {screen.QuantileLook(100, screen.EnoughP99, &analysis.Bucket{Lo: 0.1, Hi: 0.25}), theme.Dim},
		"the first bucket":   {screen.QuantileLook(100, screen.EnoughP99, &analysis.Bucket{Hi: 0.25}), theme.Plain},
		"the last bucket":    {screen.QuantileLook(100, screen.EnoughP99, &analysis.Bucket{Lo: 10, Hi: math.Inf(1)}), theme.Plain},
		"cpu at three in 10": {screen.Alarm(known(0.3), 0.7, 0.9), theme.Good},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: style %d, want %d", name, tt.got, tt.want)
		}
	}
}
