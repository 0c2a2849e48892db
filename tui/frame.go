package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawHead is the two lines that travel over every screen: what is watched, how
// its sources are, whether this is live; and the tabs.
func (m *Model) drawHead(a canvas.Area) {
	w, _ := a.Size()
	state := m.state(a, w)
	x := a.Text(0, 0, "apitop", theme.Title) + 1
	for _, c := range screen.Chips(m.live) {
		glyph, st := screen.Glyph(c.State)
		if x+canvas.Width(c.Label)+canvas.Width(c.Note)+4 > state {
			break
		}
		x = a.Text(x, 0, c.Label+" ", theme.Label)
		a.Set(x, 0, glyph, st)
		x = a.Text(x+2, 0, c.Note, st) + 1
		if c.Note == "" {
			x--
		}
		x++
	}
	if rest := state - x - 1; rest > 8 {
		a.TextIn(x, 0, rest, m.title, theme.Dim)
	}
	m.drawTabs(a)
}

// state draws clock and badge at the right end and gives the place where they
// begin.
func (m *Model) state(a canvas.Area, w int) int {
	clock := ""
	if !m.shown.At.IsZero() {
		clock = m.shown.At.Format("15:04:05")
	}
	x := w - canvas.Width(clock)
	a.Text(x, 0, clock, theme.Plain)
	if !m.paused {
		return x
	}
	age := analysis.Value{V: m.live.At.Sub(m.shown.At).Seconds(), OK: true}
	badge := " PAUSED " + format.Age(age) + " "
	x -= canvas.Width(badge) + 1
	a.Text(x, 0, badge, theme.Paused)
	return x
}

// drawTabs draws the row of screens: of a title of several words only the first
// where not all fit.
func (m *Model) drawTabs(a canvas.Area) {
	w, _ := a.Size()
	whole := func(title string) string { return title }
	if m.tabsWidth(whole) > w {
		whole = func(title string) string {
			first, _, _ := strings.Cut(title, " ")
			return first
		}
	}
	x := 0
	for i, t := range m.tabs {
		st := theme.Tab
		if i == m.active {
			st = theme.TabActive
		}
		x = a.Text(x, 1, string(t.digit), theme.Key)
		x = a.Text(x, 1, " "+whole(t.screen.Title())+" ", st) + 2
	}
}

// tabsWidth is the width of the row of screens with its titles written so.
func (m *Model) tabsWidth(written func(string) string) int {
	n := -3
	for _, t := range m.tabs {
		n += 2 + canvas.Width(written(t.screen.Title())) + 3
	}
	return n
}

// drawFoot is one line of the keys that matter here, cut where it ends; for a
// moment, what a screen has to say instead.
func (m *Model) drawFoot(a canvas.Area) {
	if m.toast.text != "" {
		m.toast.draw(a)
		return
	}
	keys := []key.Binding{m.keys.quit, m.keys.help, m.keys.pause, m.keys.tabs}
	keys = append(keys, m.tabs[m.active].screen.Keys()...)
	w, _ := a.Size()
	x := 0
	for _, k := range keys {
		h := k.Help()
		if n := canvas.Width(h.Key) + canvas.Width(h.Desc) + 3; x+n > w+2 {
			break
		}
		x = a.Text(x, 0, h.Key, theme.Key)
		x = a.Text(x+1, 0, h.Desc, theme.Dim) + 2
	}
}

// drawHelp lists the bindings that the screen and the program really match.
func (m *Model) drawHelp(a canvas.Area) {
	s := m.tabs[m.active].screen
	w, _ := a.Size()
	lists := []struct {
		title string
		keys  []key.Binding
	}{{s.Title(), s.Keys()}, {"Everywhere", m.keys.list()}}
	width := w
	if w >= 72 {
		width = w / len(lists)
	}
	for _, l := range lists {
		var part canvas.Area
		if w >= 72 {
			part, a = a.Left(width)
		} else {
			part, a = a.Top(len(l.keys) + 2)
		}
		body := widget.Panel(part, "Keys: "+l.title, "")
		for y, k := range l.keys {
			body.Text(1, y, k.Help().Key, theme.Key)
			body.Text(12, y, k.Help().Desc, theme.Plain)
		}
	}
}
