package tui

import (
	"strings"
	"testing"

	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// TestTrail: Esc leads back to the screen that one came from by Enter, and to
// what was open there.
func TestTrail(t *testing.T) {
	tests := map[string]struct {
		keys []string
		want string // on the screen
	}{
		"a route":                      {[]string{"enter"}, "Route ›"},
		"and back":                     {[]string{"enter", "esc"}, "Worst routes"},
		"not twice":                    {[]string{"enter", "esc", "esc"}, "Worst routes"},
		"a key":                        {[]string{"4", "enter"}, "Key ›"},
		"its route":                    {[]string{"4", "enter", "enter"}, "Route ›"},
		"back at the key":              {[]string{"4", "enter", "enter", "esc"}, "Key ›"},
		"back at the keys":             {[]string{"4", "enter", "enter", "esc", "esc"}, "hot keys"},
		"its keys again":               {[]string{"4", "enter", "enter", "K"}, "Key ›"},
		"and all the way back":         {[]string{"4", "enter", "enter", "K", "esc", "esc", "esc"}, "hot keys"},
		"not after another screen":     {[]string{"enter", "9", "esc"}, "Sources"},
		"the page of an own selection": {[]string{"2", "enter", "esc"}, "Routes 10"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := showing(screentest.Cache())
			press(m, tt.keys...)
			if text := draw(m, 120, 40).String(); !strings.Contains(text, tt.want) {
				t.Errorf("%v does not lead to %q:\n%s", tt.keys, tt.want, text)
			}
		})
	}
	m := showing(screentest.Cache())
	for range 100 {
		send(m, screen.Navigate{To: '2'})
		send(m, screen.Navigate{To: '8'})
	}
	if len(m.trail) != longestTrail || m.tabs[m.active].screen.Title() != "Traffic" {
		t.Errorf("a trail of %d, on %s", len(m.trail), m.tabs[m.active].screen.Title())
	}
}
