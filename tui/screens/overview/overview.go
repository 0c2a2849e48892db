// Package overview is the first screen: is the API healthy, what changed, who is
// hurt, in one look at 80x24.
package overview

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// Model is the screen. It is a value: Update gives the next one.
type Model struct {
	cursor screen.Cursor[screen.RouteID]
	open   key.Binding
}

// New makes the screen.
func New() Model {
	return Model{open: key.NewBinding(key.WithKeys("enter"), key.WithHelp("Enter", "route page"))}
}

// Title implements [screen.Screen].
func (m Model) Title() string { return "Overview" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	return append([]key.Binding{m.open}, screen.MoveKeys()...)
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return m, nil
	}
	rows := worst(r)
	if key.Matches(k, m.open) {
		return m, m.openRoute(rows)
	}
	m.cursor, _ = m.cursor.Update(k, screen.RouteIDs(rows))
	return m, nil
}

// openRoute goes to the selected route's page on the Traffic screen.
func (m Model) openRoute(rows []analysis.Route) tea.Cmd {
	i := m.cursor.Index(screen.RouteIDs(rows))
	if i < 0 {
		return nil
	}
	to := screen.Navigate{To: '2', Select: screen.RouteIDs(rows)[i]}
	return func() tea.Msg { return to }
}

// Sizes from which the screen is laid out in another way.
const (
	smallWidth, smallHeight = 80, 20 // below: one section under the other, no charts
	wideWidth               = 160    // from here: four charts in a row
	tallTables              = 24     // rows; from here tables stand two by two even so
)

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	w, h := a.Size()
	if w < smallWidth || h < smallHeight {
		m.drawSmall(a, f)
		return
	}
	signalRows := max(h*2/5, 8)
	if w >= wideWidth {
		signalRows = max(h*2/7, 8)
	}
	top, rest := a.Top(signalRows)
	drawSignals(top, f)
	verdict, rest := rest.Top(1)
	drawVerdict(verdict, f.Report)
	tables, bottom := rest.Top(-1)
	drawHost(bottom, f)
	m.drawTables(tables, f)
}

// drawTables draws who is hurt and what is hot: four panels.
func (m Model) drawTables(a canvas.Area, f screen.Frame) {
	w, h := a.Size()
	if w >= wideWidth && h < tallTables {
		routes, rest := a.Left(w * 2 / 7)
		keys, rest := rest.Left(w / 5)
		limits, statements := rest.Left(w / 5)
		m.drawRoutes(gap(routes), f)
		drawKeys(gap(keys), f)
		drawLimits(gap(limits), f)
		drawStatements(statements, f)
		return
	}
	up, down := a.Top((h + 1) / 2)
	routes, keys := up.Left(w * 11 / 20)
	statements, limits := down.Left(w * 11 / 20)
	m.drawRoutes(gap(routes), f)
	drawKeys(keys, f)
	drawStatements(gap(statements), f)
	drawLimits(limits, f)
}

// gap leaves a blank column at the right.
func gap(a canvas.Area) canvas.Area {
	left, _ := a.Left(-1)
	return left
}
