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

// drawTabs draws the row of screens.
func (m *Model) drawTabs(a canvas.Area) {
	w, _ := a.Size()
	x := 0
	for i, title := range m.titles(w) {
		st := theme.Tab
		if i == m.active {
			st = theme.TabActive
		}
		x = a.Text(x, 1, string(m.tabs[i].digit), theme.Key)
		x = a.Text(x, 1, " "+title+" ", st) + 2
	}
}

// titles are the names of the screens in a row of w cells: where they do not fit,
// the first word of each, and then of those not in view as many letters as do.
func (m *Model) titles(w int) []string {
	list := make([]string, len(m.tabs))
	for i, t := range m.tabs {
		list[i] = t.screen.Title()
	}
	if tabsWidth(list) <= w {
		return list
	}
	longest := 0
	for i := range list {
		list[i], _, _ = strings.Cut(list[i], " ")
		longest = max(longest, len(list[i]))
	}
	for n := longest - 1; n > 0 && tabsWidth(list) > w; n-- {
		for i := range list {
			if i != m.active {
				list[i] = list[i][:min(len(list[i]), n)] // titles are ASCII
			}
		}
	}
	return list
}

// tabsWidth is the width of a row of screens with such titles.
func tabsWidth(titles []string) int {
	n := -2
	for _, t := range titles {
		n += 2 + canvas.Width(t) + 3
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
	keys := []key.Binding{m.keys.quit, m.keys.help, m.keys.pause}
	keys = append(keys, m.tabs[m.active].screen.Keys()...) // the row of screens shows its digits itself
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

// drawHelp lists the bindings that the screen and the program really match, and
// what the signs of the screen mean.
func (m *Model) drawHelp(a canvas.Area) {
	s := m.tabs[m.active].screen
	var words []screen.Word
	if e, ok := s.(screen.Explainer); ok {
		words = e.Words()
	}
	own, all := bindings(s.Keys()), bindings(m.keys.list())
	left, right := a.Top(len(own) + 2)
	if w, _ := a.Size(); w >= 72 {
		left, right = a.Left(w / 2)
	}
	drawWords(left, "Keys: "+s.Title(), own)
	up, down := right.Top(len(all) + 2)
	drawWords(up, "Keys: Everywhere", all)
	if len(words) > 0 {
		drawWords(down, "Signs and words", words)
	}
}

// bindings are keys and what they do.
func bindings(keys []key.Binding) []screen.Word {
	list := make([]screen.Word, len(keys))
	for i, k := range keys {
		list[i] = screen.Word{Word: k.Help().Key, Means: k.Help().Desc}
	}
	return list
}

func drawWords(a canvas.Area, title string, words []screen.Word) {
	body := widget.Panel(a, title, "")
	for y, w := range words {
		body.Text(1, y, w.Word, theme.Key)
		body.Text(12, y, w.Means, theme.Plain)
	}
}
