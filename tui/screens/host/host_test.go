package host

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Empty()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Unconfigured()) })
	screentest.NoOrphans(t, "TestGolden")
}

func TestFitsEverywhere(t *testing.T) {
	screentest.FitsEverywhere(t, New(), screentest.Empty(), screentest.Calm(), screentest.Hostile())
}

func press(s screen.Screen, r *analysis.Report, keys ...string) Model {
	names := map[string]tea.KeyType{"down": tea.KeyDown, "end": tea.KeyEnd, "right": tea.KeyRight, "left": tea.KeyLeft}
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if n, ok := names[k]; ok {
			msg = tea.KeyMsg{Type: n}
		}
		s, _ = s.Update(msg, r)
	}
	return s.(Model)
}

// TestCursorGoesThroughAllLists: down from the last row of one list is the first
// of the next, and the list with the cursor is always in view.
func TestCursorGoesThroughAllLists(t *testing.T) {
	r := screentest.Calm()
	m := New()
	all := ids(m.lists(r))
	seen := map[kind]bool{}
	for i := range all {
		at := m.cursor.Index(all)
		if at != i {
			t.Fatalf("cursor at %d after %d times down", at, i)
		}
		seen[all[i].list] = true
		for _, size := range screentest.Sizes {
			if text := screentest.Drawing(m, r, size[0], size[1]).String(); !strings.Contains(text, m.lists(r)[m.focus(m.lists(r))].heads[0].Title) {
				t.Errorf("%v: the list of row %d is not in view", size, i)
			}
		}
		m = press(m, r, "down")
	}
	if len(seen) != int(kinds) {
		t.Errorf("lists seen: %v", seen)
	}
}

// TestSort: sorting is of the list with the cursor, and goes round to the
// report's own order.
func TestSort(t *testing.T) {
	r := screentest.Calm()
	m := press(New(), r, "end")
	before := m.lists(r)
	names := func(m Model) (list []string) {
		all := m.lists(r)
		for _, i := range all[len(all)-1].items {
			list = append(list, i.cells[0].text)
		}
		return list
	}
	first := names(m)
	m = press(m, r, "s")
	byName := names(m)
	for i := range byName[1:] {
		if byName[i] > byName[i+1] {
			t.Errorf("not by name: %v", byName)
		}
	}
	if up := names(press(m, r, "r")); up[0] != byName[len(byName)-1] {
		t.Errorf("not reversed: %v", up)
	}
	if pools := m.lists(r)[0]; pools.items[0].id != before[0].items[0].id {
		t.Errorf("another list changed: %v", pools.items[0].id)
	}
	for range 4 {
		m = press(m, r, "right")
	}
	if got := names(m); strings.Join(got, " ") != strings.Join(first, " ") {
		t.Errorf("after all columns: %v, want %v", got, first)
	}
	if got := names(press(m, r, "left", "left", "left", "left", "left")); strings.Join(got, " ") != strings.Join(first, " ") {
		t.Errorf("backwards: %v", got)
	}
}

func TestChange(t *testing.T) {
	for want, v := range map[string]analysis.Value{
		"–": {}, "0%": {V: -0.004, OK: true}, "+150%": {V: 1.5, OK: true}, "-100%": {V: -1, OK: true}, "×15.0": {V: 14, OK: true},
	} {
		if got := change(v); got != want {
			t.Errorf("change of %+v is %q, want %q", v, got, want)
		}
	}
}

// TestKeysWithoutRows: no key may need a row.
func TestKeysWithoutRows(t *testing.T) {
	press(New(), screentest.Empty(), "s", "S", "r", "down", "end")
}
