package faults

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/screen"
)

// Digit is the key that leads to the screen; the digits are the product's own
// screens.
const Digit = 'F'

const (
	// refreshEvery is the time between two looks at the switches, while the
	// screen is shown.
	refreshEvery = 2 * time.Second
	listPatience = 3 * time.Second
	// setPatience is longer than it takes to start a database again.
	setPatience = 30 * time.Second
)

// Switch is one fault. Its texts are shown as they are.
type Switch struct {
	Name  string // "n-plus-one"
	Rule  string // of the diagnosis that is to find it: "R3"
	What  string // it does
	Shows string // where to look; empty: not said
	On    bool
	Since time.Time // when it was switched on; zero: off, or not known
	// Unavailable says why it cannot be switched on here; empty when it can.
	Unavailable string
}

// Switches reads and sets the faults of the API that is watched. Both functions
// are called from other goroutines, with contexts that end; Set returns when the
// fault is on or off.
type Switches struct {
	List func(ctx context.Context) ([]Switch, error)
	Set  func(ctx context.Context, name string, on bool) error
}

// Messages of the screen to itself. Those with a turn are ignored when the screen
// was left in the meantime.
type (
	listMsg struct {
		turn int
		list []Switch
		err  error
	}
	tickMsg struct{ turn int }
	setMsg  struct {
		name string
		err  error
	}
)

// reply makes msg reach this screen, whichever is shown by then.
func reply(msg tea.Msg) tea.Msg { return screen.Reply{To: Digit, Msg: msg} }

// look is the command that reads the switches.
func (m Model) look() tea.Cmd {
	turn, list := m.turn, m.switches.List
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), listPatience)
		defer cancel()
		switches, err := list(ctx)
		return reply(listMsg{turn, switches, err})
	}
}

// later is the command that looks again after a while.
func (m Model) later() tea.Cmd {
	turn := m.turn
	return tea.Tick(refreshEvery, func(time.Time) tea.Msg { return reply(tickMsg{turn}) })
}

// toggle is the command that switches s over.
func (m Model) toggle(s Switch) tea.Cmd {
	set := m.switches.Set
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), setPatience)
		defer cancel()
		return reply(setMsg{s.Name, set(ctx, s.Name, !s.On)})
	}
}
