// Package host is the screen of what the service runs on: the machine, the
// process and its runtime, the pools, queues and caches, and what it counts for
// the business.
package host

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// keyMap are the keys of the screen beside those of every list.
type keyMap struct{ sortNext, sortPrev, reverse key.Binding }

func defaultKeys() keyMap {
	return keyMap{
		sortNext: key.NewBinding(key.WithKeys("s", "right", "l"), key.WithHelp("s/→", "sort by next column")),
		sortPrev: key.NewBinding(key.WithKeys("S", "left", "h"), key.WithHelp("S/←", "sort by previous column")),
		reverse:  key.NewBinding(key.WithKeys("r"), key.WithHelp("r", "reverse the order")),
	}
}

// order is how one list is sorted: by the column before by, or as the report has
// it when by is 0.
type order struct {
	by      int
	reverse bool
}

// Model is the screen. It is a value: Update gives the next one. The cursor goes
// through all lists, one after the other; sorting is of the list it is in.
type Model struct {
	keys   keyMap
	cursor screen.Cursor[itemID]
	orders [kinds]order
}

// New makes the screen.
func New() Model { return Model{keys: defaultKeys()} }

// Title implements [screen.Screen].
func (m Model) Title() string { return "Host & runtime" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding {
	return append([]key.Binding{m.keys.sortNext, m.keys.sortPrev, m.keys.reverse}, screen.MoveKeys()...)
}

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return m, nil
	}
	all := m.lists(r)
	at := m.focus(all)
	switch {
	case key.Matches(k, m.keys.sortNext):
		m = m.sortBy(all, at, 1)
	case key.Matches(k, m.keys.sortPrev):
		m = m.sortBy(all, at, -1)
	case key.Matches(k, m.keys.reverse):
		if at >= 0 {
			m.orders[all[at].kind].reverse = !m.orders[all[at].kind].reverse
		}
	default:
		m.cursor, _ = m.cursor.Update(msg, ids(all))
	}
	return m, nil
}

// sortBy sorts the list that the cursor is in by the next column in direction d.
// The cursor stays on its row.
func (m Model) sortBy(all []list, at, d int) Model {
	if at < 0 {
		return m
	}
	l := &all[at]
	n := len(l.heads) + 1
	m.orders[l.kind] = order{by: (m.orders[l.kind].by + d + n) % n}
	m.cursor = screen.On(m.selected(all))
	return m
}

// ids are the identities of all rows, list after list.
func ids(all []list) []itemID {
	var out []itemID
	for _, l := range all {
		for i := range l.items {
			out = append(out, l.items[i].id)
		}
	}
	return out
}

// selected is the identity of the row with the cursor; zero without rows.
func (m Model) selected(all []list) itemID {
	rows := ids(all)
	if i := m.cursor.Index(rows); i >= 0 {
		return rows[i]
	}
	return itemID{}
}

// focus is the index of the list that the cursor is in; -1 when there is none.
func (m Model) focus(all []list) int {
	i := m.cursor.Index(ids(all))
	return slices.IndexFunc(all, func(l list) bool {
		i -= len(l.items)
		return i < 0
	})
}

// Sizes from which the screen is laid out in another way.
const (
	twoColumns = 80 // narrower: everything below each other
	leastTable = 3  // rows of a list: its title, its head, one row
)

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	w, h := a.Size()
	all := m.lists(f.Report)
	focus := m.selected(all)
	if w < twoColumns {
		drawNarrow(a, f, all, focus)
		return
	}
	top, rest := a.Top(min(bandRows(f.Report), h))
	machine, process := top.Left(w / 2)
	drawMachine(gap(machine), f)
	drawProcess(process, f)
	if len(all) == 0 {
		drawNothing(rest, f)
		return
	}
	left, right := split(all)
	if len(left) == 0 || len(right) == 0 {
		drawLists(rest, f, all, focus)
		return
	}
	things, counters := rest.Left(w * 11 / 20)
	lists, spare := things.Top(height(left))
	drawLists(gap(lists), f, left, focus)
	drawPast(gap(spare), f)
	drawLists(counters, f, right, focus)
}

// split parts the counters, of which there are many, from the rest.
func split(all []list) (things, counters []list) {
	i := slices.IndexFunc(all, func(l list) bool { return l.kind == counting })
	if i < 0 {
		return all, nil
	}
	return all[:i], all[i:]
}

// drawNarrow is the screen for small terminals: lines, and the lists below each
// other.
func drawNarrow(a canvas.Area, f screen.Frame, all []list, focus itemID) {
	rest := drawMachineLines(a, f)
	rest = drawProcessLines(rest, f)
	if len(all) == 0 {
		drawNothing(rest, f)
		return
	}
	drawLists(rest, f, all, focus)
}

// gap leaves a blank column at the right.
func gap(a canvas.Area) canvas.Area {
	left, _ := a.Left(-1)
	return left
}
