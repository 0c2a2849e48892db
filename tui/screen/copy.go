package screen

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// Toast is a message to the dashboard: a sentence to show for a moment in place
// of the keys.
type Toast struct{ Text string }

// Say is the command that shows a [Toast].
func Say(text string) tea.Cmd { return func() tea.Msg { return Toast{text} } }

// CopyRequest is a message to the dashboard: text for the clipboard.
type CopyRequest struct{ Text string }

// Copy is the command that puts text into the clipboard of the terminal, as the
// bytes that it is, and says so. Where nothing is selected, text is empty and
// nothing happens.
func Copy(text string) tea.Cmd {
	if text == "" {
		return nil
	}
	return func() tea.Msg { return CopyRequest{text} }
}

// CopyKey is the binding that copies what is selected; what says what that is.
func CopyKey(what string) key.Binding {
	return key.NewBinding(key.WithKeys("y"), key.WithHelp("y", "copy "+what))
}
