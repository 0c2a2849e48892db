package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
	"apitop/tui/screens/faults"
)

func press(m *Model, keys ...string) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "enter":
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		case "esc":
			msg = tea.KeyMsg{Type: tea.KeyEsc}
		case "tab":
			msg = tea.KeyMsg{Type: tea.KeyTab}
		case "down":
			msg = tea.KeyMsg{Type: tea.KeyDown}
		}
		send(m, msg)
	}
}

// send gives msg to the model, and the messages of the commands that come of it.
func send(m *Model, msg tea.Msg) {
	for cmd := m.Update(msg); cmd != nil; {
		next := cmd()
		if next == nil {
			return
		}
		cmd = m.Update(next)
	}
}

// showing is a dashboard of r.
func showing(r *analysis.Report) *Model {
	reports := make(chan *analysis.Report)
	close(reports)
	m := New("localhost:8000", reports, Options{})
	m.Update(reportMsg{r})
	return m
}

// demo is a dashboard of r that has faults to switch.
func demo(r *analysis.Report) *Model {
	m := New("localhost:8000", nil, demoOptions())
	m.Update(reportMsg{r})
	return m
}

func demoOptions() Options {
	list := func(context.Context) ([]faults.Switch, error) {
		return []faults.Switch{{Name: "error-burst", Rule: "R12", What: "30 % of GET /products/{id} fail with 500"}}, nil
	}
	return Options{Faults: &faults.Switches{List: list, Set: func(context.Context, string, bool) error { return nil }}}
}

func draw(m *Model, w, h int) *canvas.Canvas {
	c := canvas.New(w, h)
	m.Draw(c.Area())
	return c
}

func TestGolden(t *testing.T) {
	for name, keys := range map[string][]string{
		"overview": nil, "traffic": {"2"}, "sources": {"9"}, "limits": {"5"}, "help": {"?"}, "words": {"4", "?"}, "route": {"2", "down", "enter"}, "paused": {"p"},
	} {
		t.Run(name, func(t *testing.T) {
			m := showing(screentest.Stale())
			press(m, keys...)
			for _, size := range screentest.Sizes {
				screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), draw(m, size[0], size[1]))
			}
		})
	}
	screentest.NoOrphans(t, "TestGolden")
}

func TestKeysGoToScreens(t *testing.T) {
	tests := map[string]struct {
		keys []string
		want string
	}{
		"digit":              {[]string{"2"}, "Traffic"},
		"another":            {[]string{"9"}, "Sources"},
		"no such screen":     {[]string{"8"}, "Overview"},
		"the limiter's":      {[]string{"5"}, "Limits"},
		"the machine's":      {[]string{"7"}, "Host & runtime"},
		"the cache":          {[]string{"4"}, "Cache"},
		"tab":                {[]string{"tab"}, "Traffic"},
		"tab goes round":     {[]string{"9", "tab"}, "Overview"},
		"enter drills in":    {[]string{"enter"}, "Traffic"},
		"help takes any key": {[]string{"?", "2"}, "Overview"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := showing(screentest.Calm())
			press(m, tt.keys...)
			if got := m.tabs[m.active].screen.Title(); got != tt.want {
				t.Errorf("on %q, want %q", got, tt.want)
			}
		})
	}
}

// TestFaults goes to the switches and away again: their answer finds them while
// another screen is in view, and only in a demo are there any.
func TestFaults(t *testing.T) {
	m := demo(screentest.Calm())
	for w, tab := range map[int]string{60: "F Fa", 120: "F Faults"} {
		if text := draw(m, w, 24).String(); !strings.Contains(text, tab) || strings.Contains(text, "& runtime") != (w == 120) {
			t.Errorf("no tab at %d columns:\n%s", w, text)
		}
	}
	look := m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("F")})
	if got := m.tabs[m.active].screen.Title(); got != "Faults" || look == nil {
		t.Fatalf("on %q, looks: %v", got, look != nil)
	}
	press(m, "1")
	if again := m.Update(look()); again != nil {
		t.Error("looks again while it cannot be seen")
	}
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("F")})
	if text := draw(m, 80, 24).String(); !strings.Contains(text, "error-burst") {
		t.Errorf("the answer got lost:\n%s", text)
	}
	m = showing(screentest.Calm())
	press(m, "F")
	if got := m.tabs[m.active].screen.Title(); got != "Overview" {
		t.Errorf("on %q without any faults", got)
	}
	press(m, "?")
	if text := draw(m, 120, 40).String(); strings.Contains(text, "fault") {
		t.Errorf("the help speaks of faults:\n%s", text)
	}
	if cmd := m.Update(screen.Reply{To: faults.Digit}); cmd != nil {
		t.Error("an answer to nobody")
	}
}

func TestPauseKeepsTheReport(t *testing.T) {
	m := showing(screentest.Calm())
	first := m.shown
	press(m, "p")
	m.Update(reportMsg{screentest.Stale()})
	if m.shown != first {
		t.Error("a paused display changed")
	}
	if text := draw(m, 80, 24).String(); !strings.Contains(text, "PAUSED") {
		t.Errorf("no badge:\n%s", text)
	}
	press(m, " ")
	if m.shown != m.live {
		t.Error("live again, but an old report is shown")
	}
}

func TestEscNeverQuits(t *testing.T) {
	m := showing(screentest.Calm())
	press(m, "2", "enter")
	for range 3 {
		if cmd := m.Update(tea.KeyMsg{Type: tea.KeyEsc}); cmd != nil {
			t.Fatal("Esc gave a command")
		}
	}
	if text := draw(m, 80, 24).String(); strings.Contains(text, "›") {
		t.Errorf("the route's page is still open:\n%s", text)
	}
	if cmd := m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q")}); cmd == nil || cmd() != tea.Quit() {
		t.Error("q does not quit")
	}
}

// TestNoTwoMeanings: a key of a screen must not be one that works everywhere.
func TestNoTwoMeanings(t *testing.T) {
	global := map[string]string{}
	for _, b := range defaultKeys().list() {
		for _, k := range b.Keys() {
			if was, ok := global[k]; ok {
				t.Errorf("%q is %q and %q", k, was, b.Help().Desc)
			}
			global[k] = b.Help().Desc
		}
	}
	for _, tab := range screens(demoOptions()) {
		own := map[string]string{}
		for _, b := range tab.screen.Keys() {
			for _, k := range b.Keys() {
				if was, ok := global[k]; ok {
					t.Errorf("%s: %q is %q and %q", tab.screen.Title(), k, was, b.Help().Desc)
				}
				if was, ok := own[k]; ok {
					t.Errorf("%s: %q is %q and %q", tab.screen.Title(), k, was, b.Help().Desc)
				}
				own[k] = b.Help().Desc
			}
		}
	}
}

// TestHelpListsEveryBinding: what works is in the help.
func TestHelpListsEveryBinding(t *testing.T) {
	for _, tab := range screens(demoOptions()) {
		m := demo(screentest.Calm())
		m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{tab.digit}})
		press(m, "?")
		text := draw(m, 120, 40).String()
		var all []key.Binding
		all = append(append(all, tab.screen.Keys()...), m.keys.list()...)
		for _, b := range all {
			if !strings.Contains(text, b.Help().Desc) {
				t.Errorf("%s: the help lacks %q", tab.screen.Title(), b.Help().Desc)
			}
		}
	}
}

func TestFitsAnyTerminal(t *testing.T) {
	for _, r := range []*analysis.Report{screentest.Empty(), screentest.Hostile()} {
		m := showing(r)
		for _, keys := range [][]string{nil, {"2"}, {"enter"}, {"9"}, {"?"}} {
			press(m, keys...)
			for _, w := range []int{0, 1, 19, 20, 60, 80, 250} {
				for _, h := range []int{0, 1, 5, 6, 15, 24, 80} {
					draw(m, w, h)
				}
			}
		}
	}
}
