package widget

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

func drawn(w, h int, draw func(canvas.Area)) []string {
	c := canvas.New(w, h)
	draw(c.Area())
	return strings.Split(strings.TrimSuffix(c.String(), "\n"), "\n")
}

func TestPanel(t *testing.T) {
	tests := map[string]struct {
		w                 int
		title, note, want string
	}{
		"plain":                                  {20, "Routes", "", "── Routes ──────────"},
		"with a note":                            {30, "Routes", "stale 12s", "── Routes ─────── stale 12s ──"},
		"title is cut":                           {14, "Hottest keys", "", "── Hottest …──"},
		"no room for it":                         {5, "Routes", "stale", "─────"},
		"note comes first where both do not fit": {22, "Hottest keys", "stale 12s", "── Ho…─── stale 12s ──"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := drawn(tt.w, 1, func(a canvas.Area) { Panel(a, tt.title, tt.note) })[0]
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string][]string{
		"":                    nil,
		"one":                 {"one"},
		"one two three":       {"one two", "three"},
		"incomprehensible no": {"incomprehensible", "no"},
		"  blanks   go ":      {"blanks", "go"},
	} {
		if got := Fold(text, 8); !slices.Equal(got, want) {
			t.Errorf("Fold(%q) = %q, want %q", text, got, want)
		}
	}
}

func table(selected int) Table {
	return Table{
		Columns: []Column{
			{Title: "NAME", Width: 6, Flex: true},
			{Title: "RPS", Width: 4, Right: true, Sort: -1},
			{Title: "P95", Width: 4, Right: true, Drop: 1},
			{Title: "P99", Width: 4, Right: true, Drop: 2},
		},
		Rows: 3,
		Row: func(i int) []Cell {
			return []Cell{{Text: fmt.Sprintf("route-%d", i)}, {Text: strconv.Itoa(i)}, {Text: "5"}, {Text: "9"}}
		},
		Selected: selected,
	}
}

func TestTableDropsColumns(t *testing.T) {
	for w, want := range map[int]string{
		30: "NAME           RPS▼  P95  P99",
		21: "NAME   RPS▼  P95  P99",
		20: "NAME      RPS▼  P95",
		15: "NAME       RPS▼",
		11: "NAME   RPS▼",
		7:  "NAME",
	} {
		got := drawn(w, 2, func(a canvas.Area) { table(-1).Draw(a) })[0]
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("at %d: %q, want %q", w, got, want)
		}
	}
}

func TestTableAsksOnlyForRowsInView(t *testing.T) {
	asked := map[int]bool{}
	tb := table(5)
	tb.Rows, tb.Top = 1000, 4
	row := tb.Row
	tb.Row = func(i int) []Cell { asked[i] = true; return row(i) }
	c := canvas.New(30, 4)
	tb.Draw(c.Area())
	if len(asked) != 3 || !asked[4] || !asked[6] {
		t.Errorf("asked for %v, want 4 to 6", asked)
	}
	if c.Row(2)[0].Style&canvas.Reverse == 0 || c.Row(1)[0].Style&canvas.Reverse != 0 {
		t.Error("the selected row is not the one in reverse")
	}
}

func TestSpark(t *testing.T) {
	nan := float32(math.NaN())
	for want, v := range map[string][]float32{
		"  ▁▅█": {0, 5, 9},
		"▅█▁▅█": {5, 9, 0, 5, 9},
		"  █ ▁": {9, nan, 0},
		"  █▅▁": {1, 9, 5, 4, 0, 1}, // two a cell: the peak
	} {
		if got := drawn(5, 1, func(a canvas.Area) { Spark(a, v, 9, theme.Plain) })[0]; got != want {
			t.Errorf("Spark(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestGauge(t *testing.T) {
	for share, want := range map[float64]string{
		0: "░░░░", 0.0001: "▏░░░", 0.5: "██░░", 0.52: "██▏░", 1: "████", 7: "████", math.NaN(): "░░░░", -1: "░░░░",
	} {
		if got := drawn(4, 1, func(a canvas.Area) { Gauge(a, share, theme.Plain) })[0]; got != want {
			t.Errorf("Gauge(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, -3: 1, 0.03: 0.05, 1: 1, 1.1: 2, 4.2: 5, 7: 10, 210: 500} {
		if got := NiceTop(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("NiceTop(%v) = %v, want %v", v, got, want)
		}
	}
}

// chart is one of n seconds with the values that of gives.
func chart(n int, span time.Duration, of func(i int) float64) Chart {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	return Chart{
		N:     n,
		Time:  func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) },
		Span:  span,
		Label: func(v float64) string { return fmt.Sprintf("%.0f", v) },
		Lines: []Line{{Value: of, Filled: true}},
	}
}

func TestChartKeepsPeaks(t *testing.T) {
	c := chart(3600, time.Hour, func(i int) float64 {
		if i == 1234 {
			return 100
		}
		return 1
	})
	lines := drawn(60, 10, c.Draw)
	if !strings.ContainsAny(lines[0], "⡇⢸⣿⠁⠈⡀⢀⣀⡄⢠⣄⣠⣤⡆⢰⣶⣷⣾") {
		t.Errorf("one second of 3600 at the peak is lost:\n%s", strings.Join(lines, "\n"))
	}
}

func TestChartDrawsGaps(t *testing.T) {
	c := chart(60, time.Minute, func(i int) float64 {
		if i >= 20 && i < 40 {
			return math.NaN()
		}
		return 5
	})
	lines := drawn(67, 4, c.Draw)
	plot := []rune(lines[2])
	if plot[20] == ' ' || plot[60] == ' ' {
		t.Errorf("values are missing:\n%s", strings.Join(lines, "\n"))
	}
	if plot[36] != ' ' {
		t.Errorf("a gap was bridged:\n%s", strings.Join(lines, "\n"))
	}
}

func TestChartBridgesSparseSamples(t *testing.T) {
	c := chart(10, 10*time.Second, func(int) float64 { return 5 })
	plot := []rune(drawn(67, 4, c.Draw)[2])
	for x := 20; x < 66; x++ {
		if plot[x] == ' ' {
			t.Fatalf("a hole at %d: %q", x, string(plot))
		}
	}
}

// TestChartScale: a value that says little does not stretch the scale, unless
// there is no other.
func TestChartScale(t *testing.T) {
	for name, tt := range map[string]struct {
		weak func(i int) bool
		want string
	}{
		"all say something": {nil, "100"},
		"the first do not":  {func(i int) bool { return i < 3 }, "5"},
		"none do":           {func(int) bool { return true }, "100"},
	} {
		t.Run(name, func(t *testing.T) {
			c := chart(60, time.Minute, func(i int) float64 {
				if i < 2 {
					return 100
				}
				return 5
			})
			c.Lines[0].Weak = tt.weak
			lines := drawn(67, 6, c.Draw)
			if got := strings.TrimSpace(lines[0][:6]); got != tt.want {
				t.Errorf("the scale ends at %q, want %q", got, tt.want)
			}
			if !strings.ContainsAny(lines[0], "⡇⢸⣿⠁⠈⡀⢀⣀⡄⢠⣄⣠⣤⡆⢰⣶⣷⣾") {
				t.Error("what lies higher is not drawn at the top")
			}
		})
	}
}

func TestChartMarksEvents(t *testing.T) {
	c := chart(60, time.Minute, func(int) float64 { return 5 })
	c.Marks = []time.Time{c.Time(30), c.Time(0).Add(-time.Hour)}
	lines := drawn(67, 4, c.Draw)
	if n := strings.Count(lines[3], "▲"); n != 1 {
		t.Errorf("%d marks, want 1: %q", n, lines[3])
	}
}

func TestNothingPanicsWhenSmall(t *testing.T) {
	c := chart(60, time.Minute, func(i int) float64 { return float64(i) })
	for w := range 20 {
		for h := range 6 {
			drawn(w, h, c.Draw)
			drawn(w, h, table(0).Draw)
			drawn(w, h, func(a canvas.Area) { Panel(a, "title", "note") })
			drawn(w, h, func(a canvas.Area) { Wrap(a, theme.Plain, "some words to wrap") })
			drawn(w, h, func(a canvas.Area) { Spark(a, []float32{1, 2, 3}, 3, theme.Plain) })
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		s    string
		w    int
		want string
	}{
		{"short", 10, "short"},
		{"redis unix /tmp/private-1234/redis/s keys", 20, "redis …/redis/s keys"},
		{"日本語日本語日本語", 9, "日本…本語"},
		{"abcdef", 3, "abcdef"},
	} {
		got := Shorten(tt.s, tt.w)
		if tt.w >= 5 && canvas.Width(got) > tt.w {
			t.Errorf("Shorten(%q, %d) = %q: too wide", tt.s, tt.w, got)
		}
		if got != tt.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", tt.s, tt.w, got, tt.want)
		}
	}
}
