// Package background keeps Bubble Tea from asking the terminal for its
// background colour while the program starts. Import it for its effect, from
// main and from tests that run Bubble Tea on a terminal.
//
// The first version of Bubble Tea asks in an init function and waits up to five
// seconds for an answer that many terminals never give (relayed ssh, CI,
// browser terminals); keys typed meanwhile are lost. It does not ask when the
// answer is known already. Go initialises packages that are ready in the order
// of their import paths, so this one, which needs nothing but lipgloss, runs
// first as long as the module's name sorts before
// "github.com/charmbracelet/bubbletea". A test of tui/painter holds the effect.
//
// The answer given here is never used: the themes choose their colours by name.
package background

import "github.com/charmbracelet/lipgloss"

// init is the only one of the project: no later moment is early enough.
func init() { lipgloss.SetHasDarkBackground(true) }
