// Package cache is the screen of Redis: how it is, which keys are hot, big or
// missed, what they have in common, and a page of each.
package cache

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// digit is the screen's place among the tabs.
const digit = '4'

// keyMap are the keys of the screen beside those that all tables share.
type keyMap struct{ open, next, prev, burst key.Binding }

func defaultKeys() keyMap {
	return keyMap{
		open:  key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "key page")),
		next:  key.NewBinding(key.WithKeys("v"), key.WithHelp("v", "next view")),
		prev:  key.NewBinding(key.WithKeys("V"), key.WithHelp("V", "previous view")),
		burst: key.NewBinding(key.WithKeys("b"), key.WithHelp("b", "listen for a moment")),
	}
}

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	keys    keyMap
	redis   screen.Redis
	view    view
	states  [views]state // of the tables, by view
	filter  screen.Filter
	actions screen.KeyActions
	page    *page // of one key; nil: it is not open
}

// New makes the screen; r is what may be asked of the server.
func New(r screen.Redis) Model {
	m := Model{keys: defaultKeys(), redis: r, actions: screen.NewKeyActions(r, digit, false)}
	for v := range views {
		if l := listOf(v); l != nil {
			m.states[v].order = l.first()
		}
	}
	return m
}

// Title implements [screen.Screen].
func (m Model) Title() string { return "Cache" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	if m.page != nil {
		return slices.Concat(m.page.keys(), m.actions.Keys())
	}
	own := []key.Binding{m.keys.open, m.keys.next, m.keys.prev, m.filter.Key()}
	own = append(own, screen.SortKeys()...)
	own = append(own, screen.CopyKey("the key"), m.keys.burst)
	return slices.Concat(own, m.actions.Keys(), screen.MoveKeys())
}

// Catches implements [screen.Catcher].
func (m Model) Catches() bool { return m.filter.Catches() || m.actions.Catches() }

// Back implements [screen.Backer].
func (m Model) Back() (screen.Screen, bool) {
	if m.page != nil {
		visit := m.page.visit
		m.page = nil
		return m, !visit
	}
	var cleared bool
	m.filter, cleared = m.filter.Back()
	return m, cleared
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	if next, cmd, took := m.actions.Update(msg, m.target(r)); took {
		m.actions = next
		return m, cmd
	}
	switch msg := msg.(type) {
	case screen.Navigate:
		return m.visit(msg)
	case detailMsg:
		m.page = m.page.take(msg, r)
	case tea.KeyMsg:
		if m.page != nil {
			return m.pressPage(msg, r)
		}
		return m.press(msg, r)
	}
	return m, nil
}

// target is the key that actions are for.
func (m Model) target(r *analysis.Report) screen.ActionKey {
	var on name
	switch {
	case m.page != nil:
		on = m.page.key
	case m.view.ofKeys():
		on = m.selected(r)
	}
	return screen.ActionKey{Key: on.raw, Name: on.shown}
}

// visit shows what another screen asks for: a key's page, or the hot keys that
// match.
func (m Model) visit(n screen.Navigate) (screen.Screen, tea.Cmd) {
	m.filter, m.page = screen.NewFilter(n.Filter), nil
	m.view = hotKeys
	if n.Key.IsZero() {
		return m, nil
	}
	return m.open(nameOf(n.Key), true)
}

func (m Model) press(msg tea.KeyMsg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	if f, took := m.filter.Update(msg); took {
		m.filter = f
		return m, nil
	}
	switch {
	case key.Matches(msg, m.keys.next):
		m.view = m.view.step(r, 1)
	case key.Matches(msg, m.keys.prev):
		m.view = m.view.step(r, -1)
	case key.Matches(msg, m.keys.burst):
		return m.listen()
	case key.Matches(msg, m.keys.open):
		return m.enter(r)
	case key.Matches(msg, screen.CopyKey("")):
		return m, screen.Copy(m.selected(r).raw)
	default:
		if l := listOf(m.view); l != nil {
			m.states[m.view] = l.update(m.states[m.view], msg, m.rowsOf(r))
		}
	}
	return m, nil
}

// rowsOf is where the rows of a table come from.
func (m Model) rowsOf(r *analysis.Report) source { return source{cache: r.Cache, filter: m.filter} }

// selected is the name of the row with the cursor; zero where there is none.
func (m Model) selected(r *analysis.Report) name {
	if l := listOf(m.view); l != nil {
		return l.selected(m.states[m.view], m.rowsOf(r))
	}
	return name{}
}

// enter opens what is selected: the page of a key, or the keys of a prefix.
func (m Model) enter(r *analysis.Report) (screen.Screen, tea.Cmd) {
	on := m.selected(r)
	switch {
	case on.raw == "":
		return m, nil
	case m.view.ofKeys():
		return m.open(on, false)
	case m.view == prefixes:
		m.filter, m.view = screen.NewFilter(on.shown), hotKeys
	}
	return m, nil
}

// listen asks for a burst and shows where it will appear.
func (m Model) listen() (screen.Screen, tea.Cmd) {
	if m.redis.Burst == nil {
		return m, screen.Say("not allowed: start with --allow-monitor to listen to all commands for a moment")
	}
	m.redis.Burst()
	m.view = burst
	return m, screen.Say("listening for a moment in the next round")
}

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	if m.page != nil {
		m.page.draw(a, f)
	} else {
		m.drawViews(a, f)
	}
	m.actions.Draw(a)
}

// drawViews draws the health and below it the view that is chosen.
func (m Model) drawViews(a canvas.Area, f screen.Frame) {
	body := screen.Panel(a, f, analysis.PartRedis, heading(f.Report.Cache))
	if f.Report.Cache == nil {
		screen.Empty(body, f.Report, analysis.KindRedis, "--redis redis://HOST")
		return
	}
	w, h := body.Size()
	top, rest := body.Top(healthRows(w, h))
	drawHealth(top, f)
	rest = m.filter.Draw(rest)
	m.drawView(rest, f)
}
