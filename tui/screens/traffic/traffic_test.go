package traffic

import (
	"fmt"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Empty()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Unconfigured()) })
	screentest.NoOrphans(t, "TestGolden", "TestGoldenInstances", "TestRoutePage")
}

func TestFitsEverywhere(t *testing.T) {
	screentest.FitsEverywhere(t, New(), screentest.Empty(), screentest.Stale(), screentest.Hostile())
}

// names is the order of the rows after the keys were pressed.
func names(keys ...string) (Model, []string) {
	var s screen.Screen = New()
	r := screentest.Calm()
	for _, k := range keys {
		s, _ = s.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}, r)
	}
	m := s.(Model)
	var list []string
	for _, row := range m.rows(r) {
		list = append(list, row.Route.String())
	}
	return m, list
}

func TestSort(t *testing.T) {
	if _, list := names(); list[0] != "/products/search" {
		t.Errorf("by impact: %v", list)
	}
	if _, list := names("s"); list[0] != "/auth/login" {
		t.Errorf("by database statements: %v", list)
	}
	if _, list := names("s", "s"); list[0] != "" { // the next column that sorts is the name
		t.Errorf("by name: %v", list)
	}
	if m, list := names("s", "s", "s"); list[0] != "/products/{id}" || m.heads()[1].Sort != -1 {
		t.Errorf("by rps: %v", list)
	}
	if m, list := names("s", "s", "s", "r"); list[len(list)-1] != "/products/{id}" || m.heads()[1].Sort != 1 {
		t.Errorf("by rps, reversed: %v", list)
	}
	if _, list := names("s", "S"); list[0] != "/products/search" {
		t.Errorf("forth and back: %v", list)
	}
}

// TestSelectionStaysOnItsRoute: sorting anew keeps the cursor on the same route.
func TestSelectionStaysOnItsRoute(t *testing.T) {
	m, list := names("j", "j")
	want := list[2]
	m2, list2 := names("j", "j", "s", "s")
	if got := list2[m2.cursor.Index(screen.RouteIDs(m2.rows(screentest.Calm())))]; got != want {
		t.Errorf("the cursor moved from %q to %q (it was on row %d)", want, got, m.cursor.Index(screen.RouteIDs(m.rows(screentest.Calm()))))
	}
}

// TestRoutePageNative has more buckets than rows: neighbours are put together.
func TestRoutePageNative(t *testing.T) {
	var s screen.Screen = New()
	r := screentest.Native()
	s, _ = s.Update(tea.KeyMsg{Type: tea.KeyEnter}, r)
	for _, size := range screentest.Sizes {
		screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), screentest.Drawing(s, r, size[0], size[1]))
	}
	screentest.FitsEverywhere(t, s, r, screentest.Empty())
}

func TestRoutePage(t *testing.T) {
	var s screen.Screen = New()
	r := screentest.Calm()
	s, _ = s.Update(tea.KeyMsg{Type: tea.KeyEnter}, r)
	for _, size := range screentest.Sizes {
		screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), screentest.Drawing(s, r, size[0], size[1]))
	}
	screentest.FitsEverywhere(t, s, r, screentest.Empty())
	back, ok := s.(Model).Back()
	if !ok || back.(Model).open {
		t.Error("Esc does not lead back to the list")
	}
	if _, ok := back.(Model).Back(); ok {
		t.Error("there is nothing behind the list")
	}
}
