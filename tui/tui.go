// Package tui is the dashboard: screens on reports.
//
// The root model holds the report on display and which screen is shown; it
// routes messages and knows no screen by type. Reports come from a channel that
// keeps only the newest, so that a slow terminal slows nobody.
package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/painter"
	"apitop/tui/screen"
	"apitop/tui/screens/overview"
	"apitop/tui/screens/sources"
	"apitop/tui/screens/traffic"
)

// tab is a screen and the digit that leads to it.
type tab struct {
	digit  rune
	screen screen.Screen
}

// screens lists the screens in the order of their tabs: the only place for a
// new one.
func screens() []tab {
	return []tab{
		{'1', overview.New()},
		{'2', traffic.New()},
		{'9', sources.New()},
	}
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
}

// New makes the dashboard of the service called title.
func New(title string, reports Reports) *Model {
	empty := &analysis.Report{}
	return &Model{title: title, reports: reports, keys: defaultKeys(), tabs: screens(), live: empty, shown: empty}
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
		m.goTo(msg.To)
	case tea.KeyMsg:
		if cmd, ok := m.press(msg); ok {
			return cmd
		}
	}
	next, cmd := m.tabs[m.active].screen.Update(msg, m.shown)
	m.tabs[m.active].screen = next
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
		m.back()
	case m.help:
		m.help = false // any key closes the help
	case key.Matches(msg, m.keys.pause):
		m.pause()
	case key.Matches(msg, m.keys.next):
		m.active = (m.active + 1) % len(m.tabs)
	case key.Matches(msg, m.keys.prev):
		m.active = (m.active + len(m.tabs) - 1) % len(m.tabs)
	case key.Matches(msg, m.keys.tabs):
		m.goTo(msg.Runes[0])
	default:
		return nil, false
	}
	return nil, true
}

// back closes the innermost thing that is open; it never quits.
func (m *Model) back() {
	if m.help {
		m.help = false
		return
	}
	if b, ok := m.tabs[m.active].screen.(screen.Backer); ok {
		m.tabs[m.active].screen, _ = b.Back()
	}
}

func (m *Model) pause() {
	m.paused = !m.paused
	if !m.paused {
		m.shown = m.live
	}
}

// goTo shows the screen of that digit, if there is one.
func (m *Model) goTo(digit rune) {
	for i, t := range m.tabs {
		if t.digit == digit {
			m.active = i
		}
	}
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
