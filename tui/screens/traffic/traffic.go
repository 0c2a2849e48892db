// Package traffic is the screen of routes: a row a route, worst first, and a
// page of each.
package traffic

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// keyMap are the keys of the screen beside those of every list.
type keyMap struct {
	open, callers, instances, cacheKey key.Binding
}

func defaultKeys() keyMap {
	return keyMap{
		open:      key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "route page")),
		callers:   key.NewBinding(key.WithKeys("c"), key.WithHelp("c", "its throttled callers")),
		instances: key.NewBinding(key.WithKeys("i"), key.WithHelp("i", "routes or instances")),
		cacheKey:  key.NewBinding(key.WithKeys("K"), key.WithHelp("K", "the route's cache key")),
	}
}

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	keys        keyMap
	cursor      screen.Cursor[screen.RouteID]
	order       screen.Order
	open        bool // the page of the selected route is shown
	visit       bool // another screen asked for what is shown: Esc leads back there
	filter      screen.Filter
	perInstance bool // instances are shown in place of routes
	instances   instances
}

// New makes the screen, sorted by impact.
func New() Model { return Model{keys: defaultKeys(), order: screen.Order{By: byImpact}} }

// Title implements [screen.Screen].
func (m Model) Title() string { return "Traffic" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	own := []key.Binding{m.keys.open, m.filter.Key(), m.keys.callers, m.keys.cacheKey, m.keys.instances}
	return slices.Concat(own, screen.SortKeys(), []key.Binding{screen.CopyKey("the route")}, screen.MoveKeys())
}

// Catches implements [screen.Catcher].
func (m Model) Catches() bool { return m.filter.Catches() }

// Back implements [screen.Backer].
func (m Model) Back() (screen.Screen, bool) {
	switch {
	case m.visit:
		m.visit, m.open, m.filter = false, false, screen.Filter{}
		return m, false
	case m.open:
		m.open = false
	case m.perInstance:
		m.perInstance = false
	default:
		var cleared bool
		m.filter, cleared = m.filter.Back()
		return m, cleared
	}
	return m, true
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.Navigate:
		m.cursor, m.perInstance = screen.On(msg.Select), false
		m.filter = screen.NewFilter(msg.Filter)
		m.open, m.visit = msg.Filter == "", true
	case tea.KeyMsg:
		if f, took := m.filter.Update(msg); took && (m.filter.Catches() || m.filters()) {
			m.filter = f
			return m, nil
		}
		if key.Matches(msg, screen.CopyKey("")) {
			return m, screen.Copy(m.selected(r))
		}
		if key.Matches(msg, m.keys.callers) && !m.perInstance {
			return m, m.toCallers(r)
		}
		if key.Matches(msg, m.keys.cacheKey) && !m.perInstance {
			return m, m.goToKey(r)
		}
		m = m.press(msg, r)
	}
	return m, nil
}

// toCallers gives the command that goes to the callers who have a limit on the
// selected route, or says that there are none.
func (m Model) toCallers(r *analysis.Report) tea.Cmd {
	rows := m.rows(r)
	i := m.cursor.Index(screen.RouteIDs(rows))
	if i < 0 {
		return nil
	}
	list := r.CallersOf(rows[i].Method, rows[i].Route)
	if len(list) == 0 {
		return screen.Say("no limiter is known to have a limit on this route alone")
	}
	to := screen.Navigate{To: '5', Filter: list[0].Endpoint.String()}
	return func() tea.Msg { return to }
}

// filters tells whether what is shown is the list that the filter is of.
func (m Model) filters() bool { return !m.open && !m.perInstance }

// selected is what is copied: the route, or the name of the instance.
func (m Model) selected(r *analysis.Report) string {
	if m.perInstance {
		return m.instances.selected(r)
	}
	rows := m.rows(r)
	i := m.cursor.Index(screen.RouteIDs(rows))
	if i < 0 {
		return ""
	}
	return rows[i].Route.Raw()
}

func (m Model) press(msg tea.KeyMsg, r *analysis.Report) Model {
	switch {
	case key.Matches(msg, m.keys.instances):
		m.perInstance, m.open, m.visit = !m.perInstance, false, false
		return m
	case m.perInstance:
		m.instances = m.instances.update(msg, r)
		return m
	case key.Matches(msg, m.keys.open):
		m.visit = m.visit && m.open
		m.open = len(m.rows(r)) > 0
	default:
		if order, took := columns(0).Update(m.order, msg); took {
			m.order = order
		} else {
			m.cursor, _ = m.cursor.Update(msg, screen.RouteIDs(m.rows(r)))
		}
	}
	if i := m.cursor.Index(screen.RouteIDs(m.rows(r))); m.open && i >= 0 {
		m.cursor = screen.On(screen.RouteIDs(m.rows(r))[i])
	}
	return m
}

// rows are the report's routes in the order of the screen.
func (m Model) rows(r *analysis.Report) []analysis.Route {
	if r.HTTP == nil {
		return nil
	}
	rows := slices.DeleteFunc(slices.Clone(r.HTTP.Rows()), func(row analysis.Route) bool {
		return !m.filter.Match(screen.RouteName(&row))
	})
	return columns(0).Sorted(rows, m.order)
}

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	if m.perInstance {
		m.instances.draw(a, f)
		return
	}
	rows := m.rows(f.Report)
	if m.open {
		if i := m.cursor.Index(screen.RouteIDs(rows)); i >= 0 {
			drawRoute(a, f, &rows[i])
			return
		}
	}
	m.drawList(a, f, rows)
}

// roomForDetail is how many lines below the list are worth a look at the
// selected route.
const roomForDetail = 12

// drawList draws the table and, where there is room, the selected route below.
func (m Model) drawList(a canvas.Area, f screen.Frame, rows []analysis.Route) {
	a = m.filter.Draw(a)
	selected := m.cursor.Index(screen.RouteIDs(rows))
	if _, h := a.Size(); len(rows) > 0 && h-len(rows)-3 >= roomForDetail {
		list, detail := a.Top(len(rows) + 3)
		drawRoute(detail, f, &rows[selected])
		a = list
	}
	body := screen.Panel(a, f, analysis.PartHTTP, m.heading(f.Report, len(rows)))
	if len(rows) == 0 && m.filter.Active() {
		widget.Wrap(body, theme.Dim, "no route matches: Esc clears the filter")
		return
	}
	if len(rows) == 0 {
		screen.Empty(body, f.Report, analysis.KindMetrics, "apitop http://HOST:PORT/metrics")
		return
	}
	list, order := columns(trendPeak(rows)), m.order
	counted := func(r analysis.Route) bool { return r.CallsPerRequest.OK }
	if order.By != byCalls && !slices.ContainsFunc(rows, counted) { // the names have better use for the room
		list, order = list.Without(order, byCalls)
	}
	list.Draw(body, rows, order, selected)
}
