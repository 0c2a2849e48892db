package cache

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// view is one of the things that the screen can show below the health.
type view int

const (
	hotKeys view = iota
	prefixes
	commands
	biggest
	missed
	spread // of sizes and lifetimes
	burst
	nodes
	views // how many there are
)

// title is the view's name in the line of views.
func (v view) title() string {
	return [views]string{"hot keys", "prefixes", "commands", "big keys", "missed", "sizes & TTLs", "burst", "nodes"}[v]
}

// ofKeys tells whether its rows are keys, which have a page.
func (v view) ofKeys() bool { return v == hotKeys || v == biggest || v == missed }

// shown are the views that a report can have: nodes are of a cluster.
func shown(r *analysis.Report) []view {
	var list []view
	for v := range views {
		if v != nodes || r.Cache != nil && len(r.Cache.Nodes) > 0 {
			list = append(list, v)
		}
	}
	return list
}

// step is the next view in direction d.
func (v view) step(r *analysis.Report, d int) view {
	list := shown(r)
	return list[(slices.Index(list, v)+d+len(list))%len(list)]
}

// drawView draws the line of views and the one that is chosen.
func (m Model) drawView(a canvas.Area, f screen.Frame) {
	line, rest := a.Top(1)
	m.drawTabs(line, f)
	if f.Report.Stale[m.view.part()] {
		rest = rest.With(canvas.Faint)
	}
	switch m.view {
	case spread:
		drawSpread(rest, f.Report.Cache)
	case burst:
		drawBurst(rest, f.Report.Cache, m.redis.Burst != nil)
	default:
		switch c := f.Report.Cache; {
		case m.view == hotKeys && (len(c.Methods) > 0 || c.Coverage.OK):
			line, rest = rest.Top(1)
			drawMethods(line, c)
		case m.view == commands:
			rest = drawErrors(rest, c)
		}
		listOf(m.view).draw(rest, m.states[m.view], m.rowsOf(f.Report))
	}
}

// part is the part of the report that the view shows.
func (v view) part() analysis.Part {
	if v == commands || v == nodes {
		return analysis.PartRedis
	}
	return analysis.PartKeys
}

// drawTabs draws the names of the views, the chosen one in full and with its
// count; the others as far as they fit.
func (m Model) drawTabs(a canvas.Area, f screen.Frame) {
	w, _ := a.Size()
	for x := range w {
		a.Set(x, 0, '─', theme.Border)
	}
	if f.Report.Stale[m.view.part()] {
		note := " stale " + format.Age(f.Report.Age[m.view.part()]) + " "
		w -= canvas.Width(note) + 2
		a.Text(w, 0, note, theme.Warn)
	}
	list := shown(f.Report)
	first := 0
	for first < slices.Index(list, m.view) && m.tabsWidth(list[first:], f) > w-4 {
		first++
	}
	x := 2
	for _, v := range list[first:] {
		text, st := " "+m.tab(v, f)+" ", theme.Tab
		if v == m.view {
			st = theme.TabActive
		}
		if x+canvas.Width(text) > w {
			break
		}
		x = a.Text(x, 0, text, st)
	}
}

func (m Model) tabsWidth(list []view, f screen.Frame) int {
	n := 0
	for _, v := range list {
		n += canvas.Width(m.tab(v, f)) + 2
	}
	return n
}

// tab is the name of a view, with its count when it is the chosen one.
func (m Model) tab(v view, f screen.Frame) string {
	if l := listOf(v); v == m.view && l != nil {
		shown, all := l.count(m.rowsOf(f.Report))
		return v.title() + " " + m.filter.Count(shown, all)
	}
	return v.title()
}

// name is the identity of a row, and how it is drawn.
type name struct{ raw, shown string }

func nameOf(t analysis.Text) name { return name{t.Raw(), t.String()} }

// source is where the rows of a table come from.
type source struct {
	cache  *analysis.Cache
	filter screen.Filter
}

// state is what a table remembers.
type state struct {
	cursor screen.Cursor[name]
	order  screen.Order
}

// lister is a view that is a table.
type lister interface {
	first() screen.Order
	update(s state, msg tea.KeyMsg, from source) state
	selected(s state, from source) name
	count(from source) (shown, all int)
	draw(a canvas.Area, s state, from source)
}

// listOf is the table of a view; nil when it is none.
func listOf(v view) lister {
	switch v {
	case hotKeys:
		return hotKeyList()
	case biggest:
		return bigKeyList()
	case prefixes:
		return prefixList()
	case commands:
		return commandList()
	case missed:
		return missedList()
	case nodes:
		return nodeList()
	default:
		return nil
	}
}

// list is a table of rows of type R.
type list[R any] struct {
	columns screen.Columns[R]
	by      int                                    // the column it is sorted by at first
	rows    func(*analysis.Cache) []R              // nil: nobody tells
	name    func(*R) name                          // its identity
	drop    func(*analysis.Cache) []int            // columns that say nothing here
	empty   func(*analysis.Cache) (string, string) // why there are no rows, and what to do
}

func (l list[R]) first() screen.Order { return screen.Order{By: l.by} }

// sorted are the rows that the filter lets through, in their order.
func (l list[R]) sorted(s state, from source) []R {
	if from.cache == nil {
		return nil
	}
	rows := l.rows(from.cache)
	if from.filter.Active() {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r R) bool { return !from.filter.Match(l.name(&r).shown) })
	}
	return l.columns.Sorted(rows, s.order)
}

func (l list[R]) names(rows []R) []name {
	names := make([]name, len(rows))
	for i := range rows {
		names[i] = l.name(&rows[i])
	}
	return names
}

func (l list[R]) update(s state, msg tea.KeyMsg, from source) state {
	if o, ok := l.columns.Update(s.order, msg); ok {
		s.order = o
		return s
	}
	s.cursor, _ = s.cursor.Update(msg, l.names(l.sorted(s, from)))
	return s
}

func (l list[R]) selected(s state, from source) name {
	names := l.names(l.sorted(s, from))
	if i := s.cursor.Index(names); i >= 0 {
		return names[i]
	}
	return name{}
}

func (l list[R]) count(from source) (shown, all int) {
	if from.cache == nil {
		return 0, 0
	}
	rows := l.rows(from.cache)
	if !from.filter.Active() {
		return len(rows), len(rows)
	}
	for i := range rows {
		if from.filter.Match(l.name(&rows[i]).shown) {
			shown++
		}
	}
	return shown, len(rows)
}

func (l list[R]) draw(a canvas.Area, s state, from source) {
	rows := l.sorted(s, from)
	if len(rows) == 0 {
		what, fix := l.empty(from.cache)
		if from.filter.Active() && len(l.rows(from.cache)) > 0 {
			what, fix = "nothing matches", "Esc clears the filter"
		}
		widget.Wrap(widget.Wrap(a, theme.Dim, what), theme.Accent, fix)
		return
	}
	columns, order := l.columns, s.order
	if l.drop != nil {
		columns, order = columns.Without(order, l.drop(from.cache)...)
	}
	columns.Draw(a, rows, order, s.cursor.Index(l.names(rows)))
}
