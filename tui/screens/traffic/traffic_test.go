package traffic

import (
	"fmt"
	"strings"
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
	screentest.NoOrphans(t, "TestGolden", "TestGoldenInstances", "TestRoutePage", "TestFilter")
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
	if m, list := names("s", "s", "s"); list[0] != "/products/{id}" || columns(0).Heads(m.order)[1].Sort != -1 {
		t.Errorf("by rps: %v", list)
	}
	if m, list := names("s", "s", "s", "r"); list[len(list)-1] != "/products/{id}" || columns(0).Heads(m.order)[1].Sort != 1 {
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

// TestFilter: the list narrows while it is typed, and the letters are no keys.
func TestFilter(t *testing.T) {
	m, list := names("/", "o", "r", "d", "e", "r", "s")
	if len(list) != 2 || !m.Catches() {
		t.Errorf("%v, typing %v; want the two routes of orders", list, m.Catches())
	}
	back, had := m.Back()
	if _, all := names(); !had || len(back.(Model).rows(screentest.Calm())) != len(all) {
		t.Error("Esc does not clear the filter")
	}
	if m, list := names("/", "!", "/"); len(list) != 1 || list[0] != "" || m.selected(screentest.Calm()) != "" {
		t.Errorf("all routes but one have a slash: %v", list)
	}
	for _, size := range screentest.Sizes {
		screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), screentest.Drawing(m, screentest.Calm(), size[0], size[1]))
	}
	none, _ := names("/", "q", "q", "q")
	screentest.Golden(t, "none", screentest.Drawing(none, screentest.Calm(), 80, 24))
	screentest.FitsEverywhere(t, m, screentest.Calm(), screentest.Empty())
}

// TestNavigate: a pivot brings either a route, whose page is opened, or a filter.
func TestNavigate(t *testing.T) {
	r := screentest.Calm()
	var s screen.Screen = New()
	s, _ = s.Update(screen.Navigate{To: '2', Filter: "/orders/{id}"}, r)
	if m := s.(Model); m.open || len(m.rows(r)) != 1 {
		t.Errorf("open %v, %d rows, want the list with one", m.open, len(m.rows(r)))
	}
	_, cmd := s.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y")}, r)
	if got := cmd(); got != (screen.CopyRequest{Text: "/orders/{id}"}) {
		t.Errorf("copies %+v", got)
	}
	s, _ = s.Update(screen.Navigate{To: '2', Select: screen.RouteID{Method: r.HTTP.Routes[0].Method, Route: r.HTTP.Routes[0].Route}}, r)
	if m := s.(Model); !m.open || m.filter.Active() {
		t.Error("a route's page is not open, or the old filter still hides it")
	}
}

// TestCallers: c goes to the callers limited on the route, by the limiter's own
// name for it.
func TestCallers(t *testing.T) {
	r := screentest.Throttled()
	var s screen.Screen = New()
	s, _ = s.Update(screen.Navigate{To: '2', Select: screen.RouteID{Method: r.HTTP.Routes[0].Method, Route: r.HTTP.Routes[0].Route}}, r)
	c := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("c")}
	if _, cmd := s.Update(c, r); cmd == nil || !strings.Contains(fmt.Sprint(cmd()), "no limiter") {
		t.Error("nobody is limited on the busiest route")
	}
	m, _ := names("/", "login")
	kept, _ := m.Update(tea.KeyMsg{Type: tea.KeyEnter}, r)
	if _, cmd := kept.Update(c, r); cmd == nil || cmd() != (screen.Navigate{To: '5', Filter: "/auth/login"}) {
		t.Error("the callers of the login are not found")
	}
}
