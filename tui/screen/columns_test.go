package screen_test

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/widget"
)

type row struct {
	name string
	rate analysis.Value
}

func byRowName(a, b *row) int { return strings.Compare(a.name, b.name) }

func rowColumns() screen.Columns[row] {
	return screen.Columns[row]{
		{
			Head: widget.Column{Title: "NAME", Width: 4, Flex: true}, Compare: byRowName, Rising: true,
			Cell: func(r *row) widget.Cell { return widget.Cell{Text: r.name} },
		},
		{Head: widget.Column{Title: "NOTE", Width: 4, Drop: 1}, Cell: func(*row) widget.Cell { return widget.Cell{Text: "x"} }},
		{
			Head:    widget.Column{Title: "RATE", Width: 5, Drop: 2},
			Compare: screen.Falling(func(r *row) analysis.Value { return r.rate }, byRowName),
			Cell:    func(*row) widget.Cell { return widget.Cell{Text: "1"} },
		},
	}
}

func TestColumnsSort(t *testing.T) {
	rows := []row{{"b", analysis.Value{V: 1, OK: true}}, {"c", analysis.Value{}}, {"a", analysis.Value{V: 1, OK: true}}, {"d", analysis.Value{V: 7, OK: true}}}
	tests := map[string]struct {
		keys, want string
		mark       string
	}{
		"by rate, then name":        {"", "dabc", "RATE▼"},
		"reversed":                  {"r", "cbad", "RATE▲"},
		"the next goes round":       {"s", "abcd", "NAME▲"},
		"what cannot is left out":   {"ss", "dabc", "RATE▼"},
		"the previous one":          {"S", "abcd", "NAME▲"},
		"another column starts new": {"rs", "abcd", "NAME▲"},
		"names reversed":            {"sr", "dcba", "NAME▼"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cols, o := rowColumns(), screen.Order{By: 2}
			for _, k := range runes(tt.keys) {
				o, _ = cols.Update(o, k)
			}
			var names strings.Builder
			for _, r := range cols.Sorted(rows, o) {
				names.WriteString(r.name)
			}
			got := names.String()
			c := canvas.New(30, 6)
			cols.Draw(c.Area(), cols.Sorted(rows, o), o, 0)
			if head, _, _ := strings.Cut(c.String(), "\n"); got != tt.want || !strings.Contains(head, tt.mark) {
				t.Errorf("rows %s under %q, want %s and %s", got, head, tt.want, tt.mark)
			}
		})
	}
	if rows[0].name != "b" {
		t.Error("sorting changed the report's own rows")
	}
	if _, ok := rowColumns().Update(screen.Order{}, tea.KeyMsg{Type: tea.KeyEnter}); ok {
		t.Error("took a key that is not its own")
	}
	if heads := rowColumns().Heads(screen.Order{By: 2}); heads[2].Drop != 0 || !slices.ContainsFunc(heads, func(c widget.Column) bool { return c.Drop == 1 }) {
		t.Errorf("the sorted column may be dropped: %+v", heads)
	}
}

// TestWithout: what is left out goes, but for the column that is sorted by, and
// the order stays on its column.
func TestWithout(t *testing.T) {
	name := func(title string) screen.Column[int] { return screen.Column[int]{Head: widget.Column{Title: title}} }
	all := screen.Columns[int]{name("a"), name("b"), name("c"), name("d")}
	for drops, want := range map[int]string{1: "acd by d", 3: "abcd by d"} {
		left, o := all.Without(screen.Order{By: 3, Reverse: true}, drops)
		var titles strings.Builder
		for _, c := range left {
			titles.WriteString(c.Head.Title)
		}
		if got := titles.String() + " by " + left[o.By].Head.Title; got != want || !o.Reverse {
			t.Errorf("without %d: %s (%+v), want %s", drops, got, o, want)
		}
	}
}
