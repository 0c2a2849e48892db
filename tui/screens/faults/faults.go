// Package faults is the screen of the demo's switches: what can go wrong on
// purpose, what is wrong now, and what to look at then. It exists in the demo
// only; a recording or a service of one's own has no switches.
package faults

import (
	"fmt"
	"maps"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// keyMap are the keys of the screen beside those of every list.
type keyMap struct{ toggle key.Binding }

func defaultKeys() keyMap {
	return keyMap{toggle: key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "switch on or off"))}
}

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	switches Switches
	keys     keyMap
	cursor   screen.Cursor[string]

	shown bool
	turn  int // how often it was shown

	list    []Switch          // as last read; nil: not yet
	readAt  time.Time         // when that was, by the reports' clock
	failed  error             // of the last reading; nil: it succeeded
	pending map[string]bool   // being switched; never changed, but replaced
	trouble map[string]string // why switching it failed; as pending
}

// New makes the screen of those switches.
func New(s Switches) Model { return Model{switches: s, keys: defaultKeys()} }

// Title implements [screen.Screen].
func (m Model) Title() string { return "Faults" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	return append([]key.Binding{m.keys.toggle}, screen.MoveKeys()...)
}

// Show implements [screen.Shower]: the switches are read while they can be seen.
func (m Model) Show(shown bool) (screen.Screen, tea.Cmd) {
	m.shown = shown
	if !shown {
		return m, nil
	}
	m.turn++
	return m, m.look()
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case listMsg:
		return m.read(msg, r.At)
	case tickMsg:
		if m.shown && msg.turn == m.turn {
			return m, m.look()
		}
	case setMsg:
		return m.set(msg)
	case tea.KeyMsg:
		if key.Matches(msg, m.keys.toggle) {
			return m.press()
		}
		m.cursor, _ = m.cursor.Update(msg, m.names())
	}
	return m, nil
}

// read takes a reading in. One that fails leaves the last list, which may be
// right still.
func (m Model) read(msg listMsg, at time.Time) (screen.Screen, tea.Cmd) {
	if msg.turn != m.turn {
		return m, nil // another one is under way
	}
	m.failed = msg.err
	if msg.err == nil {
		m.list, m.readAt = append([]Switch{}, msg.list...), at
	}
	if !m.shown {
		return m, nil
	}
	return m, m.later()
}

// set takes the end of a switching in and looks at once what came of it.
func (m Model) set(msg setMsg) (screen.Screen, tea.Cmd) {
	m.pending = without(m.pending, msg.name)
	m.trouble = without(m.trouble, msg.name)
	if msg.err != nil {
		m.trouble[msg.name] = msg.err.Error()
	}
	if !m.shown {
		return m, nil
	}
	m.turn++ // the look that is due by now would be a second one
	return m, m.look()
}

// press switches the selected fault over, unless that is under way or impossible.
func (m Model) press() (screen.Screen, tea.Cmd) {
	i := m.cursor.Index(m.names())
	if i < 0 {
		return m, nil
	}
	s := m.list[i]
	m.cursor = screen.On(s.Name)
	if m.pending[s.Name] || s.Unavailable != "" && !s.On {
		return m, nil
	}
	m.pending = without(m.pending, s.Name)
	m.pending[s.Name] = true
	m.trouble = without(m.trouble, s.Name)
	return m, m.toggle(s)
}

// without is a copy of old that lacks name; never nil.
func without[V any](old map[string]V, name string) map[string]V {
	next := make(map[string]V, len(old)+1)
	maps.Copy(next, old)
	delete(next, name)
	return next
}

func (m Model) names() []string {
	list := make([]string, len(m.list))
	for i, s := range m.list {
		list[i] = s.Name
	}
	return list
}

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	selected := m.cursor.Index(m.names())
	if selected < 0 {
		m.drawNothing(a)
		return
	}
	_, h := a.Size()
	list, detail := a.Top(min(len(m.list)+3, max(h-8, h/2)))
	m.drawTable(list, f, selected)
	m.drawDetail(detail, f, m.list[selected])
}

// drawNothing says why there is no list.
func (m Model) drawNothing(a canvas.Area) {
	body := widget.Panel(a, "Faults", "")
	switch {
	case m.failed != nil:
		widget.Wrap(body, theme.Bad, "cannot read the switches: "+m.failed.Error())
	case m.list == nil:
		widget.Wrap(body, theme.Dim, "asking the demo …")
	default:
		widget.Wrap(body, theme.Dim, "this demo has no faults to switch on")
	}
}

func (m Model) drawTable(a canvas.Area, f screen.Frame, selected int) {
	on := 0
	for _, s := range m.list {
		if s.On {
			on++
		}
	}
	note := ""
	if m.failed != nil {
		note = "stale " + format.Age(analysis.Value{V: max(f.Report.At.Sub(m.readAt).Seconds(), 0), OK: true})
	}
	body := widget.Panel(a, fmt.Sprintf("Faults %d of %d on", on, len(m.list)), note)
	_, h := body.Size()
	widget.Table{
		Columns: []widget.Column{
			{Title: "", Width: 1},
			{Title: "FAULT", Width: 19},
			{Title: "STATE", Width: 11},
			{Title: "RULE", Width: 4, Drop: 1},
			{Title: "WHAT IT DOES", Width: 20, Flex: true, Drop: 2},
		},
		Rows:     len(m.list),
		Row:      func(i int) []widget.Cell { return m.cells(f, m.list[i]) },
		Selected: selected,
		Top:      screen.Top(selected, len(m.list), h-1),
	}.Draw(body)
}

func (m Model) cells(f screen.Frame, s Switch) []widget.Cell {
	glyph, state, st := m.state(f, s)
	name, rule := theme.Plain, theme.Label
	if m.failed != nil && !m.pending[s.Name] && m.trouble[s.Name] == "" {
		st, rule = theme.Dim, theme.Dim // it may be otherwise by now
	}
	if st == theme.Dim {
		name = theme.Dim
	}
	return []widget.Cell{
		{Text: glyph, Style: st},
		{Text: s.Name, Style: name},
		{Text: state, Style: st},
		{Text: s.Rule, Style: rule},
		{Text: s.What, Style: name},
	}
}

// state is how a switch stands, as a sign, a word and a look. A fault that is on
// is what attention should go to; that is not good or bad by itself.
func (m Model) state(f screen.Frame, s Switch) (glyph, word string, st canvas.Style) {
	switch {
	case m.pending[s.Name]:
		return "◐", "switching …", theme.Accent
	case m.trouble[s.Name] != "":
		return "!", "failed", theme.Bad
	case s.On && !s.Since.IsZero():
		return "●", "on " + s.Since.In(f.Report.At.Location()).Format("15:04:05"), theme.Warn
	case s.On:
		return "●", "on", theme.Warn
	case s.Unavailable != "":
		return "–", "not here", theme.Dim
	default:
		return "○", "off", theme.Plain
	}
}

// drawDetail is all that is known of one fault: what is wrong with it first.
func (m Model) drawDetail(a canvas.Area, f screen.Frame, s Switch) {
	_, word, _ := m.state(f, s)
	body := widget.Panel(a, s.Name+" · "+word, "")
	if text := m.trouble[s.Name]; text != "" {
		body = widget.Wrap(body, theme.Bad, "cannot be switched: "+text)
	}
	if m.failed != nil {
		body = widget.Wrap(body, theme.Bad, "cannot read the switches: "+m.failed.Error())
	}
	body = widget.Wrap(body, theme.Plain, s.What)
	if s.Unavailable != "" {
		body = widget.Wrap(body, theme.Warn, "not available here: "+s.Unavailable)
	}
	if s.Shows != "" {
		body = widget.Wrap(body, theme.Accent, "→ look at "+s.Shows)
	}
	if s.Rule != "" {
		widget.Wrap(body, theme.Dim, "found by the rule "+s.Rule)
	}
}
