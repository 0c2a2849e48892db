// Package tui is the dashboard: screens on reports.
//
// The root model holds the report on display and which screen is shown; it
// routes messages and knows no screen by type. Reports come from a channel that
// keeps only the newest, so that a slow terminal slows nobody.
package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/painter"
	"apitop/tui/screen"
	"apitop/tui/screens/cache"
	"apitop/tui/screens/faults"
	"apitop/tui/screens/host"
	"apitop/tui/screens/limits"
	"apitop/tui/screens/overview"
	"apitop/tui/screens/sources"
	"apitop/tui/screens/traffic"
)

// tab is a screen and the digit that leads to it.
type tab struct {
	digit  rune
	screen screen.Screen
}

// Options are what a dashboard has beside its reports. The zero value has
// nothing.
type Options struct {
	// Faults are the switches of a demo; nil: there are none, and no screen.
	Faults *faults.Switches
	// Redis is what the screens may ask of the server; zero: nothing.
	Redis screen.Redis
}

// screens lists the screens in the order of their tabs: the only place for a
// new one.
func screens(o Options) []tab {
	tabs := []tab{
		{'1', overview.New()},
		{'2', traffic.New()},
		{'4', cache.New(o.Redis)},
		{'5', limits.New(o.Redis)},
		{'7', host.New()},
		{'9', sources.New()},
	}
	if o.Faults != nil {
		tabs = append(tabs, tab{faults.Digit, faults.New(*o.Faults)})
	}
	return tabs
}

// Reports is where the dashboard gets its reports from: a channel that holds
// the newest one. It is closed when there will be no more.
type Reports <-chan *analysis.Report

// Model is the root of the dashboard. It implements [painter.Model].
type Model struct {
	title   string
	reports Reports
	keys    keyMap
	tabs    []tab
	active  int
	live    *analysis.Report // the newest
	shown   *analysis.Report // the one on display; an older one while paused
	paused  bool
	help    bool
	toast   toast
	trail   trail
}

// New makes the dashboard of the service called title.
func New(title string, reports Reports, o Options) *Model {
	empty := &analysis.Report{}
	m := &Model{title: title, reports: reports, keys: defaultKeys(), tabs: screens(o), live: empty, shown: empty}
	m.keys.faults.SetEnabled(o.Faults != nil)
	return m
}

// reportMsg is a new report; nil when there will be no more.
type reportMsg struct{ report *analysis.Report }

// Init implements [painter.Model].
func (m *Model) Init() tea.Cmd { return m.wait }

// wait is the command that gives the next report.
func (m *Model) wait() tea.Msg { return reportMsg{<-m.reports} }

// Update implements [painter.Model]: it only routes.
func (m *Model) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case reportMsg:
		return m.take(msg.report)
	case screen.Navigate:
		return m.pivot(msg)
	case screen.CopyRequest:
		return m.copy(msg.Text)
	case screen.Toast:
		return m.toast.say(msg.Text)
	case toastEnd:
		m.toast.end(msg)
		return nil
	case screen.Reply:
		return m.tell(m.find(msg.To), msg.Msg)
	case tea.KeyMsg:
		if c, ok := m.tabs[m.active].screen.(screen.Catcher); ok && c.Catches() && msg.Type != tea.KeyCtrlC {
			break
		}
		if cmd, ok := m.press(msg); ok {
			return cmd
		}
	}
	return m.tell(m.active, msg)
}

// tell gives the screen of the i-th tab a message; -1 is none.
func (m *Model) tell(i int, msg tea.Msg) (cmd tea.Cmd) {
	if i >= 0 {
		m.tabs[i].screen, cmd = m.tabs[i].screen.Update(msg, m.shown)
	}
	return cmd
}

// take shows a new report, unless the display is paused.
func (m *Model) take(r *analysis.Report) tea.Cmd {
	if r == nil {
		return nil // the stream ended; the last report stays
	}
	m.live = r
	if !m.paused {
		m.shown = r
	}
	return m.wait
}

// press obeys a key that works everywhere, and tells whether it was one.
func (m *Model) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch {
	case key.Matches(msg, m.keys.quit):
		return tea.Quit, true
	case key.Matches(msg, m.keys.suspend):
		return tea.Suspend, true
	case key.Matches(msg, m.keys.redraw):
		return painter.Redraw, true
	case key.Matches(msg, m.keys.help):
		m.help = !m.help
	case key.Matches(msg, m.keys.back):
		return m.back(), true
	case m.help:
		m.help = false // any key closes the help
	case key.Matches(msg, m.keys.pause):
		m.pause()
	case key.Matches(msg, m.keys.next):
		return m.switchTo((m.active + 1) % len(m.tabs)), true
	case key.Matches(msg, m.keys.prev):
		return m.switchTo((m.active + len(m.tabs) - 1) % len(m.tabs)), true
	case key.Matches(msg, m.keys.tabs, m.keys.faults):
		return m.goTo(msg.Runes[0]), true
	default:
		return nil, false
	}
	return nil, true
}

func (m *Model) pause() {
	m.paused = !m.paused
	if !m.paused {
		m.shown = m.live
	}
}

// goTo shows the screen of that digit, if there is one.
func (m *Model) goTo(digit rune) tea.Cmd {
	if i := m.find(digit); i >= 0 {
		return m.switchTo(i)
	}
	return nil
}

// switchTo shows the screen of the i-th tab as the user wants it: from here no
// way leads back.
func (m *Model) switchTo(i int) tea.Cmd {
	m.trail = nil
	return m.show(i)
}

// find is the index of the tab with that digit; -1 when there is none.
func (m *Model) find(digit rune) int {
	return slices.IndexFunc(m.tabs, func(t tab) bool { return t.digit == digit })
}

// show brings the i-th tab into view, and tells those screens that want to know.
func (m *Model) show(i int) tea.Cmd {
	if i == m.active {
		return nil
	}
	var cmds [2]tea.Cmd
	if s, ok := m.tabs[m.active].screen.(screen.Shower); ok {
		m.tabs[m.active].screen, cmds[0] = s.Show(false)
	}
	m.active = i
	if s, ok := m.tabs[i].screen.(screen.Shower); ok {
		m.tabs[i].screen, cmds[1] = s.Show(true)
	}
	return tea.Batch(cmds[:]...)
}

// Draw implements [painter.Model].
func (m *Model) Draw(a canvas.Area) {
	w, h := a.Size()
	if h < 6 || w < 20 {
		m.tabs[m.active].screen.Draw(a, screen.Frame{Report: m.shown})
		return
	}
	head, body := a.Top(2)
	m.drawHead(head)
	body, foot := body.Top(-1)
	m.drawFoot(foot)
	if m.help {
		m.drawHelp(body)
		return
	}
	m.tabs[m.active].screen.Draw(body, screen.Frame{Report: m.shown})
}
