package screen

import (
	"cmp"
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/widget"
)

// Column is one column of a table of rows of type R.
type Column[R any] struct {
	Head    widget.Column
	Compare func(a, b *R) int // the most interesting first; nil: cannot be sorted by
	Rising  bool              // Compare puts small values first, as names do
	Cell    func(r *R) widget.Cell
}

// Columns are a table from left to right. At least one of them can be sorted by.
type Columns[R any] []Column[R]

// Order says how a table is sorted.
type Order struct {
	By      int // index of the column
	Reverse bool
}

// Update obeys the keys of [SortKeys], and tells whether msg was one.
func (c Columns[R]) Update(o Order, msg tea.KeyMsg) (Order, bool) {
	switch {
	case key.Matches(msg, sorts.next):
		return Order{By: c.next(o.By, 1)}, true
	case key.Matches(msg, sorts.prev):
		return Order{By: c.next(o.By, -1)}, true
	case key.Matches(msg, sorts.reverse):
		o.Reverse = !o.Reverse
		return o, true
	}
	return o, false
}

// next is the next column after i, in direction d, that can be sorted by.
func (c Columns[R]) next(i, d int) int {
	for range c {
		i = (i + d + len(c)) % len(c)
		if c[i].Compare != nil {
			break
		}
	}
	return i
}

// Sorted are rows in the order o; rows stays as it is.
func (c Columns[R]) Sorted(rows []R, o Order) []R {
	less := c[o.By].Compare
	if less == nil {
		return rows
	}
	// Rows are big: their places are sorted, not they themselves.
	places := make([]*R, len(rows))
	for i := range rows {
		places[i] = &rows[i]
	}
	slices.SortStableFunc(places, func(a, b *R) int {
		if o.Reverse {
			return less(b, a)
		}
		return less(a, b)
	})
	list := make([]R, len(rows))
	for i, p := range places {
		list[i] = *p
	}
	return list
}

// Without is the table without some of its columns, and the order of what is left.
// The one that is sorted by stays: one must see what the order means.
func (c Columns[R]) Without(o Order, drop ...int) (Columns[R], Order) {
	list := make(Columns[R], 0, len(c))
	by := o.By
	for i := range c {
		switch {
		case i == o.By:
			by = len(list)
		case slices.Contains(drop, i):
			continue
		}
		list = append(list, c[i])
	}
	o.By = by
	return list, o
}

// Heads are the heads of the columns with the mark of the sorted one, which is
// never dropped: one must see what the order means.
func (c Columns[R]) Heads(o Order) []widget.Column {
	list := make([]widget.Column, len(c))
	for i := range c {
		list[i] = c[i].Head
	}
	list[o.By].Drop = 0
	list[o.By].Sort = -1
	if o.Reverse != c[o.By].Rising {
		list[o.By].Sort = 1
	}
	return list
}

// Table is the table of rows, which are sorted by o; selected is the index of the
// row with the cursor, -1 for none.
func (c Columns[R]) Table(rows []R, o Order, selected int) widget.Table {
	return widget.Table{
		Columns: c.Heads(o), Rows: len(rows), Selected: selected,
		Row: func(i int) []widget.Cell {
			cells := make([]widget.Cell, len(c))
			for j := range c {
				cells[j] = c[j].Cell(&rows[i])
			}
			return cells
		},
	}
}

// Draw draws the table with the selected row in view.
func (c Columns[R]) Draw(a canvas.Area, rows []R, o Order, selected int) {
	_, h := a.Size()
	t := c.Table(rows, o, selected)
	t.Top = Top(selected, len(rows), h-1)
	t.Draw(a)
}

// Falling compares by a value, the largest first and unknown ones last, then by
// name, so that equal rows do not change places.
func Falling[R any](of func(*R) analysis.Value, name func(a, b *R) int) func(a, b *R) int {
	return func(a, b *R) int {
		return cmp.Or(cmp.Compare(Rank(of(b)), Rank(of(a))), name(a, b))
	}
}

// Rank sorts unknown values below all known ones, as those are not below zero.
func Rank(v analysis.Value) float64 {
	if !v.OK {
		return -1
	}
	return v.V
}

var sorts = struct{ next, prev, reverse key.Binding }{
	next:    key.NewBinding(key.WithKeys("s", "right", "l"), key.WithHelp("s/→", "sort by next column")),
	prev:    key.NewBinding(key.WithKeys("S", "left", "h"), key.WithHelp("S/←", "sort by previous column")),
	reverse: key.NewBinding(key.WithKeys("r"), key.WithHelp("r", "reverse the order")),
}

// SortKeys are the bindings that sort a table.
func SortKeys() []key.Binding { return []key.Binding{sorts.next, sorts.prev, sorts.reverse} }
