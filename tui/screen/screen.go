// Package screen is what a screen of the dashboard is, and what screens share.
//
// A screen keeps a cursor, a sort order, a filter: never data. What it draws
// comes with each [Frame], so that pause, time travel and replay show any report
// on any screen.
package screen

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
)

// Screen is one page of the dashboard.
type Screen interface {
	// Title is the name in the row of tabs.
	Title() string
	// Keys are the bindings that Update matches; the help is made from them.
	Keys() []key.Binding
	// Update takes a message and gives the screen as it is then. It must not
	// block. r is the report on display.
	Update(msg tea.Msg, r *analysis.Report) (Screen, tea.Cmd)
	// Draw draws the screen; it changes nothing. The area clips.
	Draw(a canvas.Area, f Frame)
}

// Backer is a screen that has something to go back from, such as a detail page.
type Backer interface {
	// Back leaves the innermost level; false when there is none.
	Back() (Screen, bool)
}

// Catcher is a screen that at times wants every key, such as while a text is
// typed. Only Ctrl-C is not for it then.
type Catcher interface {
	// Catches tells whether it wants every key now.
	Catches() bool
}

// Shower is a screen that does something only while it can be seen, such as
// asking for what no report holds.
type Shower interface {
	// Show tells it that it comes into view, or that it leaves it.
	Show(shown bool) (Screen, tea.Cmd)
}

// Explainer is a screen with signs and short words that do not explain themselves.
type Explainer interface {
	// Words says what they mean; the help shows it.
	Words() []Word
}

// Word is a sign or a short word on a screen, and what it means.
type Word struct{ Word, Means string }

// Reply is the message of a screen's own command. It reaches the screen of that
// digit, whichever is in view by then; any other message of a command reaches
// the one in view.
type Reply struct {
	To  rune
	Msg tea.Msg
}

// Frame is what there is to draw. Report is never nil.
type Frame struct {
	Report *analysis.Report
}

// Navigate asks for another screen, by its number. Esc leads back from there: the
// screen's Back gives false for the level that it was asked for.
type Navigate struct {
	To     rune          // the digit of its tab
	Select RouteID       // what to select there; zero: nothing
	Key    analysis.Text // the key whose page to open there; zero: none
	Filter string        // what to filter its table by: "/products"; empty: nothing
}
