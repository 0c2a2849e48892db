package screen

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// Cursor is a selected row, known by its identity and not by its place, so that
// it stays on the same thing when the table is sorted anew each second. The zero
// Cursor is on the first row.
type Cursor[K comparable] struct {
	at     K
	chosen bool
}

// On is a Cursor on the row with the identity k.
func On[K comparable](k K) Cursor[K] { return Cursor[K]{at: k, chosen: true} }

// Index is the place of the selected row in rows: the first when the selected
// one is gone, -1 when there are none.
func (c Cursor[K]) Index(rows []K) int {
	if c.chosen {
		if i := slices.Index(rows, c.at); i >= 0 {
			return i
		}
	}
	if len(rows) == 0 {
		return -1
	}
	return 0
}

// page is how far PgUp and PgDn go.
const page = 10

// Update moves the cursor when msg is one of the keys of MoveKeys.
func (c Cursor[K]) Update(msg tea.Msg, rows []K) (Cursor[K], bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok || len(rows) == 0 {
		return c, false
	}
	i := c.Index(rows)
	switch {
	case key.Matches(k, moves.down):
		i++
	case key.Matches(k, moves.up):
		i--
	case key.Matches(k, moves.pageDown):
		i += page
	case key.Matches(k, moves.pageUp):
		i -= page
	case key.Matches(k, moves.top):
		i = 0
	case key.Matches(k, moves.bottom):
		i = len(rows) - 1
	default:
		return c, false
	}
	return On(rows[min(max(i, 0), len(rows)-1)]), true
}

// moves are the keys that every list obeys.
var moves = struct{ up, down, pageUp, pageDown, top, bottom key.Binding }{
	up:       key.NewBinding(key.WithKeys("up", "k"), key.WithHelp("↑/k", "up")),
	down:     key.NewBinding(key.WithKeys("down", "j"), key.WithHelp("↓/j", "down")),
	pageUp:   key.NewBinding(key.WithKeys("pgup", "ctrl+u"), key.WithHelp("PgUp", "page up")),
	pageDown: key.NewBinding(key.WithKeys("pgdown", "ctrl+d"), key.WithHelp("PgDn", "page down")),
	top:      key.NewBinding(key.WithKeys("home", "g"), key.WithHelp("g/Home", "first row")),
	bottom:   key.NewBinding(key.WithKeys("end", "G"), key.WithHelp("G/End", "last row")),
}

// MoveKeys are the bindings of a list.
func MoveKeys() []key.Binding {
	return []key.Binding{moves.up, moves.down, moves.pageUp, moves.pageDown, moves.top, moves.bottom}
}

// Top is the first of n rows to show in h lines, so that the selected one is in
// the middle where it can be.
func Top(selected, n, h int) int {
	return max(min(selected-h/2, n-h), 0)
}
