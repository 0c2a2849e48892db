// Package limits is the screen of the rate limiter: a row for each subject at
// each endpoint, who is blocked first, and a page of each subject.
package limits

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// digit is that of the screen's tab.
const digit = '5'

// keyMap are the keys of the screen beside those of every list.
type keyMap struct{ open, view, route key.Binding }

func defaultKeys() keyMap {
	return keyMap{
		open:  key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "subject page")),
		view:  key.NewBinding(key.WithKeys("v"), key.WithHelp("v", "limits or mistakes")),
		route: key.NewBinding(key.WithKeys("t"), key.WithHelp("t", "its route")),
	}
}

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	redis    screen.Redis
	keys     keyMap
	order    screen.Order
	filter   screen.Filter
	actions  screen.KeyActions
	cursor   screen.Cursor[rowID]
	open     bool          // the page of a subject is shown
	who      analysis.Text // whose page
	mistakes bool          // the limiter's mistakes are shown in place of its subjects
	mistake  screen.Cursor[string]
	look     look
}

// New makes the screen; r is what it may ask of the server and do to it.
func New(r screen.Redis) Model {
	return Model{
		redis: r, keys: defaultKeys(), order: screen.Order{By: byPressure},
		actions: screen.NewKeyActions(r, digit, true),
	}
}

// rowID is the identity of a row: a key, where reports tell it.
type rowID struct{ key, subject, endpoint string }

func idOf(s *analysis.Subject) rowID {
	return rowID{s.Key.Raw(), s.Subject.Raw(), s.Endpoint.Raw()}
}

func ids(rows []analysis.Subject) []rowID {
	list := make([]rowID, len(rows))
	for i := range rows {
		list[i] = idOf(&rows[i])
	}
	return list
}

// Title implements [screen.Screen].
func (m Model) Title() string { return "Limits" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	what := "the subject"
	if m.open {
		what = "the key"
	}
	own := []key.Binding{m.keys.open, m.filter.Key(), m.keys.view, m.keys.route}
	own = append(own, m.actions.Keys()...)
	own = append(own, screen.SortKeys()...)
	return append(append(own, screen.CopyKey(what)), screen.MoveKeys()...)
}

// Catches implements [screen.Catcher].
func (m Model) Catches() bool { return m.filter.Catches() || m.actions.Catches() }

// Back implements [screen.Backer].
func (m Model) Back() (screen.Screen, bool) {
	switch {
	case m.open:
		m.open = false
		m.look = m.look.stop()
	case m.mistakes:
		m.mistakes = false
	default:
		var cleared bool
		m.filter, cleared = m.filter.Back()
		return m, cleared
	}
	return m, true
}

// Show implements [screen.Shower]: a page is kept up to date while it is seen.
func (m Model) Show(shown bool) (screen.Screen, tea.Cmd) {
	m.look = m.look.stop()
	if !shown || !m.open {
		return m, nil
	}
	var cmd tea.Cmd
	m.look, cmd = m.look.again(m.redis)
	return m, cmd
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.Navigate:
		m.open, m.mistakes, m.cursor = false, false, screen.Cursor[rowID]{}
		m.look, m.filter = m.look.stop(), screen.NewFilter(msg.Filter)
		return m, nil
	case lookMsg:
		var cmd tea.Cmd
		m.look, cmd = m.look.take(msg)
		return m, cmd
	case lookTick:
		var cmd tea.Cmd
		if msg.turn == m.look.turn {
			m.look, cmd = m.look.again(m.redis)
		}
		return m, cmd
	case tea.KeyMsg:
		return m.press(msg, r)
	}
	var cmd tea.Cmd
	m.actions, cmd, _ = m.actions.Update(msg, screen.ActionKey{})
	return m, cmd
}

// press obeys a key.
func (m Model) press(msg tea.KeyMsg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	rows := m.rows(r)
	selected := m.selected(rows)
	if !m.actions.Catches() && !m.open && !m.mistakes {
		if f, took := m.filter.Update(msg); took {
			m.filter = f
			return m, nil
		}
	}
	if next, cmd, took := m.actions.Update(msg, actionOn(selected)); took {
		m.actions = next
		return m, cmd
	}
	switch {
	case key.Matches(msg, m.keys.view):
		m.mistakes, m.open = !m.mistakes, false
		m.look = m.look.stop()
	case m.mistakes:
		m.mistake, _ = m.mistake.Update(msg, lintIDs(r))
	case key.Matches(msg, m.keys.route):
		return m, toRoute(r, selected)
	case key.Matches(msg, screen.CopyKey("")):
		return m, m.copy(selected)
	case key.Matches(msg, m.keys.open):
		return m.openPage(selected)
	default:
		return m.move(msg, rows)
	}
	return m, nil
}

// openPage shows the page of the selected row's subject.
func (m Model) openPage(s *analysis.Subject) (screen.Screen, tea.Cmd) {
	if s == nil || m.open {
		return m, nil
	}
	m.open, m.who, m.cursor = true, s.Subject, screen.On(idOf(s))
	var cmd tea.Cmd
	m.look, cmd = m.look.at(m.redis, s.Key.Raw())
	return m, cmd
}

// move sorts or moves the cursor: among all rows, or on a page among those of its
// subject.
func (m Model) move(msg tea.KeyMsg, rows []analysis.Subject) (screen.Screen, tea.Cmd) {
	if order, took := columns().Update(m.order, msg); took && !m.open {
		m.order = order
		return m, nil
	}
	next, moved := m.cursor.Update(msg, ids(rows))
	if !moved {
		return m, nil
	}
	m.cursor = next
	var cmd tea.Cmd
	if s := m.selected(rows); m.open && s != nil && s.Key.Raw() != m.look.key {
		m.look, cmd = m.look.at(m.redis, s.Key.Raw())
	}
	return m, cmd
}

// copy gives the command that copies what is selected: on a page the key.
func (m Model) copy(s *analysis.Subject) tea.Cmd {
	switch {
	case s == nil:
		return nil
	case m.open:
		return screen.Copy(s.Key.Raw())
	default:
		return screen.Copy(s.Subject.Raw())
	}
}

// actionOn is a row as the thing to act on.
func actionOn(s *analysis.Subject) screen.ActionKey {
	if s == nil {
		return screen.ActionKey{}
	}
	name := s.Subject.String()
	if !s.Endpoint.IsZero() {
		name += " at " + s.Endpoint.String()
	}
	return screen.ActionKey{Key: s.Key.Raw(), Name: name, Layout: s.Layout}
}

// toRoute gives the command that goes to the route of a row's endpoint.
func toRoute(r *analysis.Report, s *analysis.Subject) tea.Cmd {
	if s == nil {
		return nil
	}
	route := routeOf(r, s)
	if route == nil {
		return screen.Say("no route of the metrics stands for " + endpoint(s))
	}
	to := screen.Navigate{To: '2', Select: screen.RouteID{Method: route.Method, Route: route.Route}}
	return func() tea.Msg { return to }
}

// routeOf is the route that a row's endpoint stands for, the one with the most
// rejections where there are several; nil when there is none.
func routeOf(r *analysis.Report, s *analysis.Subject) *analysis.Route {
	var best *analysis.Route
	for _, i := range r.HTTP.RoutesOf(s.Endpoint) {
		route := &r.HTTP.Routes[i]
		if slices.ContainsFunc(r.HTTP.Rows(), func(row analysis.Route) bool { return row.Method == route.Method && row.Route == route.Route }) &&
			(best == nil || route.Throttled.V > best.Throttled.V) {
			best = route
		}
	}
	return best
}

// rows are the report's subjects in the order of the screen: those that the
// filter lets through, or on a page all limits of its subject.
func (m Model) rows(r *analysis.Report) []analysis.Subject {
	if r.Limits == nil {
		return nil
	}
	rows := make([]analysis.Subject, 0, len(r.Limits.Subjects))
	for i := range r.Limits.Subjects {
		if s := &r.Limits.Subjects[i]; m.open && s.Subject.Raw() == m.who.Raw() || !m.open && m.shows(s) {
			rows = append(rows, *s)
		}
	}
	return columns().Sorted(rows, m.order)
}

// shows tells whether the filter lets a row through.
func (m Model) shows(s *analysis.Subject) bool {
	return !m.filter.Active() || m.filter.Match(s.Subject.String(), s.Tier.String(), s.Endpoint.String(), s.Layout, s.Key.String(), stateOf(s).word())
}

// selected is the row with the cursor; nil when there is none.
func (m Model) selected(rows []analysis.Subject) *analysis.Subject {
	if i := m.cursor.Index(ids(rows)); i >= 0 {
		return &rows[i]
	}
	return nil
}

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	rows := m.rows(f.Report)
	switch {
	case m.mistakes:
		m.drawMistakes(a, f)
	case m.open:
		m.drawPage(a, f, rows)
	default:
		m.drawList(m.filter.Draw(a), f, rows)
	}
	m.actions.Draw(a)
}
