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
	"apitop/tui/widget"
)

// keyMap are the keys of the screen beside those of every list.
type keyMap struct {
	open, instances, sortNext, sortPrev, reverse key.Binding
}

func defaultKeys() keyMap {
	return keyMap{
		open:      key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "route page")),
		instances: key.NewBinding(key.WithKeys("i"), key.WithHelp("i", "routes or instances")),
		sortNext:  key.NewBinding(key.WithKeys("s", "right", "l"), key.WithHelp("s/→", "sort by next column")),
		sortPrev:  key.NewBinding(key.WithKeys("S", "left", "h"), key.WithHelp("S/←", "sort by previous column")),
		reverse:   key.NewBinding(key.WithKeys("r"), key.WithHelp("r", "reverse the order")),
	}
}

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	keys        keyMap
	cursor      screen.Cursor[screen.RouteID]
	sort        int // index into columns
	reverse     bool
	open        bool // the page of the selected route is shown
	perInstance bool // instances are shown in place of routes
	instances   instances
}

// New makes the screen, sorted by impact.
func New() Model { return Model{keys: defaultKeys(), sort: byImpact} }

// Title implements [screen.Screen].
func (m Model) Title() string { return "Traffic" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	return append([]key.Binding{m.keys.open, m.keys.instances, m.keys.sortNext, m.keys.sortPrev, m.keys.reverse}, screen.MoveKeys()...)
}

// Back implements [screen.Backer].
func (m Model) Back() (screen.Screen, bool) {
	switch {
	case m.open:
		m.open = false
	case m.perInstance:
		m.perInstance = false
	default:
		return m, false
	}
	return m, true
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.Navigate:
		m.cursor = screen.On(msg.Select)
		m.open, m.perInstance = true, false
	case tea.KeyMsg:
		m = m.press(msg, r)
	}
	return m, nil
}

func (m Model) press(msg tea.KeyMsg, r *analysis.Report) Model {
	switch {
	case key.Matches(msg, m.keys.instances):
		m.perInstance, m.open = !m.perInstance, false
		return m
	case m.perInstance:
		m.instances = m.instances.update(msg, r)
		return m
	case key.Matches(msg, m.keys.open):
		m.open = len(m.rows(r)) > 0
	case key.Matches(msg, m.keys.sortNext):
		m.sort = nextSort(m.sort, 1)
		m.reverse = false
	case key.Matches(msg, m.keys.sortPrev):
		m.sort = nextSort(m.sort, -1)
		m.reverse = false
	case key.Matches(msg, m.keys.reverse):
		m.reverse = !m.reverse
	default:
		rows := m.rows(r)
		m.cursor, _ = m.cursor.Update(msg, screen.RouteIDs(rows))
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
	rows := slices.Clone(r.HTTP.Rows())
	less := columns[m.sort].compare
	slices.SortStableFunc(rows, func(a, b analysis.Route) int {
		if m.reverse {
			return less(&b, &a)
		}
		return less(&a, &b)
	})
	return rows
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
	selected := m.cursor.Index(screen.RouteIDs(rows))
	if _, h := a.Size(); len(rows) > 0 && h-len(rows)-3 >= roomForDetail {
		list, detail := a.Top(len(rows) + 3)
		drawRoute(detail, f, &rows[selected])
		a = list
	}
	body := screen.Panel(a, f, analysis.PartHTTP, heading(f.Report, len(rows)))
	if len(rows) == 0 {
		screen.Empty(body, f.Report, analysis.KindMetrics, "apitop http://HOST:PORT/metrics")
		return
	}
	_, h := body.Size()
	peak := trendPeak(rows)
	heads, row := m.heads(), func(i int) []widget.Cell { return cells(&rows[i], peak) }
	counted := func(r analysis.Route) bool { return r.CallsPerRequest.OK }
	if m.sort != byCalls && !slices.ContainsFunc(rows, counted) { // the names have better use for the room
		heads = slices.Delete(heads, byCalls, byCalls+1)
		row = func(i int) []widget.Cell { return slices.Delete(cells(&rows[i], peak), byCalls, byCalls+1) }
	}
	widget.Table{
		Columns:  heads,
		Rows:     len(rows),
		Row:      row,
		Selected: selected,
		Top:      screen.Top(selected, len(rows), h-1),
	}.Draw(body)
}
