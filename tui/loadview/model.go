package loadview

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/painter"
)

// Options of a Model.
type Options struct {
	Views   <-chan View       // the newest view, again and again; closed at the end of the test
	SetRate func(rps float64) // changes the rate of the rest of the test; nil: it cannot be changed
}

// Model shows a load test until it is over or the user ends it. It implements
// painter.Model.
type Model struct {
	views   <-chan View
	setRate func(float64)
	keys    keyMap
	view    View
	wanted  float64 // the rate that was asked for by key; 0: none
	first   int     // first row of the routes in view
}

// keyMap are the keys of the screen.
type keyMap struct {
	quit, faster, slower, up, down, redraw, suspend key.Binding
}

func defaultKeys() keyMap {
	return keyMap{
		quit:    key.NewBinding(key.WithKeys("q", "ctrl+c"), key.WithHelp("q", "stop and report")),
		faster:  key.NewBinding(key.WithKeys("+", "="), key.WithHelp("+", "10 % faster")),
		slower:  key.NewBinding(key.WithKeys("-", "_"), key.WithHelp("-", "10 % slower")),
		up:      key.NewBinding(key.WithKeys("k", "up"), key.WithHelp("k", "up")),
		down:    key.NewBinding(key.WithKeys("j", "down"), key.WithHelp("j", "down")),
		redraw:  key.NewBinding(key.WithKeys("ctrl+l"), key.WithHelp("Ctrl-L", "draw anew")),
		suspend: key.NewBinding(key.WithKeys("ctrl+z"), key.WithHelp("Ctrl-Z", "suspend")),
	}
}

// New makes the screen of a test.
func New(o Options) *Model {
	m := &Model{views: o.Views, setRate: o.SetRate, keys: defaultKeys()}
	m.keys.faster.SetEnabled(o.SetRate != nil)
	m.keys.slower.SetEnabled(o.SetRate != nil)
	return m
}

// viewMsg is a new view; without one the test is over.
type viewMsg struct {
	view View
	ok   bool
}

// Init implements painter.Model.
func (m *Model) Init() tea.Cmd { return m.wait }

// wait is the command that gives the next view.
func (m *Model) wait() tea.Msg {
	v, ok := <-m.views
	return viewMsg{v, ok}
}

// Update implements painter.Model.
func (m *Model) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case viewMsg:
		if !msg.ok {
			return tea.Quit
		}
		m.view = msg.view
		return m.wait
	case tea.KeyMsg:
		return m.press(msg)
	}
	return nil
}

// press obeys a key.
func (m *Model) press(msg tea.KeyMsg) tea.Cmd {
	switch {
	case key.Matches(msg, m.keys.quit):
		return tea.Quit
	case key.Matches(msg, m.keys.redraw):
		return painter.Redraw
	case key.Matches(msg, m.keys.suspend):
		return tea.Suspend
	case key.Matches(msg, m.keys.faster):
		m.adjust(1.1)
	case key.Matches(msg, m.keys.slower):
		m.adjust(1 / 1.1)
	case key.Matches(msg, m.keys.up):
		m.first = max(m.first-1, 0)
	case key.Matches(msg, m.keys.down):
		m.first = min(m.first+1, max(len(m.view.Routes)-1, 0))
	}
	return nil
}

// adjust changes the rate by a factor. Presses add up, also those between two
// views.
func (m *Model) adjust(factor float64) {
	base := m.wanted
	if base == 0 {
		if !m.view.IntendedRPS.OK || m.view.IntendedRPS.V <= 0 {
			return
		}
		base = m.view.IntendedRPS.V
	}
	m.wanted = min(max(base*factor, slowest), fastest)
	m.setRate(m.wanted)
}

// The rates that keys lead to, in requests a second.
const (
	slowest = 0.1
	fastest = 100_000
)
