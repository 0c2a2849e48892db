package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/screen"
)

// trail is the screens that asked for another one, the newest last, by their
// tabs: the way back.
type trail []int

// longestTrail is how many of them are remembered.
const longestTrail = 16

// pivot goes to the screen that another one asks for. One that does not exist is
// not gone to.
func (m *Model) pivot(n screen.Navigate) tea.Cmd {
	i := m.find(n.To)
	if i < 0 {
		return nil
	}
	m.trail = append(m.trail, m.active)
	m.trail = m.trail[max(len(m.trail)-longestTrail, 0):]
	shown := m.show(i)
	return tea.Batch(shown, m.tell(i, n))
}

// back closes the innermost thing that is open, or goes back to the screen that
// asked for this one; it never quits.
func (m *Model) back() tea.Cmd {
	if m.help {
		m.help = false
		return nil
	}
	if b, ok := m.tabs[m.active].screen.(screen.Backer); ok {
		var closed bool
		if m.tabs[m.active].screen, closed = b.Back(); closed {
			return nil
		}
	}
	if len(m.trail) == 0 {
		return nil
	}
	last := len(m.trail) - 1
	to := m.trail[last]
	m.trail = m.trail[:last]
	return m.show(to)
}
