package screen

import (
	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Confirm asks once more before something is done that cannot be undone. Cancel
// is preselected, and only keys that were pressed count: a line feed in pasted
// text confirms nothing. The zero value is closed. A screen that embeds one
// hands it every key while it is open, and is a [Catcher] then.
type Confirm struct {
	title, yes string
	lines      []string
	open       bool
	on         bool // yes is selected
}

// Ask opens a dialog. yes is the word on the button that does it: "delete". lines
// say exactly what will be done; all texts must be fit to be drawn.
func Ask(title, yes string, lines ...string) Confirm {
	return Confirm{title: title, yes: yes, lines: lines, open: true}
}

// Answer is what came of a key in a [Confirm].
type Answer int

// The answers.
const (
	Undecided Answer = iota // the dialog stays open, or was not
	Cancelled
	Confirmed
)

// Catches implements [Catcher].
func (c Confirm) Catches() bool { return c.open }

// Update takes a key. The dialog it gives is closed unless the answer is
// Undecided.
func (c Confirm) Update(msg tea.KeyMsg) (Confirm, Answer) {
	if !c.open || msg.Paste {
		return c, Undecided
	}
	switch msg.Type {
	case tea.KeyEsc:
		return Confirm{}, Cancelled
	case tea.KeyEnter:
		if c.on {
			return Confirm{}, Confirmed
		}
		return Confirm{}, Cancelled
	case tea.KeyLeft:
		c.on = false
	case tea.KeyRight:
		c.on = true
	case tea.KeyTab, tea.KeyShiftTab:
		c.on = !c.on
	}
	return c, Undecided
}

// Draw draws the dialog over what is in a; nothing when it is closed.
func (c Confirm) Draw(a canvas.Area) {
	if !c.open {
		return
	}
	foot := drawDialog(a, c.title, c.lines, theme.Plain)
	no, yes := theme.Plain|canvas.Reverse, theme.Plain
	if c.on {
		no, yes = theme.Plain, theme.Bad|canvas.Reverse
	}
	x := foot.Text(0, 0, pointer(!c.on)+"Cancel ", no) + 1
	x = foot.Text(x, 0, pointer(c.on)+c.yes+" ", yes) + 2
	w, _ := foot.Size()
	foot.TextIn(x, 0, w-x, "←/→ choose · Enter · Esc", theme.Dim)
}

// pointer marks the selected button, also where nothing is drawn in reverse.
func pointer(on bool) string {
	if on {
		return "▶"
	}
	return " "
}
