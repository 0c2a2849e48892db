package tui

import (
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/painter"
	"apitop/tui/theme"
)

// toastTime is how long a toast is shown: enough to read a line.
const toastTime = 2500 * time.Millisecond

// toast is the sentence in the place of the keys; empty: there is none.
type toast struct {
	text string
	n    int // how many there were: the end of an older one is not that of this one
}

// toastEnd says that the time of the n-th toast is over.
type toastEnd struct{ n int }

// say shows text and gives the command that ends it.
func (t *toast) say(text string) tea.Cmd {
	t.text = text
	t.n++
	end := toastEnd{t.n}
	return tea.Tick(toastTime, func(time.Time) tea.Msg { return end })
}

func (t *toast) end(e toastEnd) {
	if e.n == t.n {
		t.text = ""
	}
}

func (t *toast) draw(a canvas.Area) {
	w, _ := a.Size()
	a.TextIn(0, 0, w, t.text, theme.Accent)
}

// copy puts text into the clipboard and says so. The terminal may not allow it
// and does not tell.
func (m *Model) copy(text string) tea.Cmd {
	send := painter.Copy(text)
	if send == nil {
		return m.toast.say(fmt.Sprintf("not copied: %d bytes, terminals take %d", len(text), painter.MaxCopy))
	}
	return tea.Batch(send, m.toast.say(fmt.Sprintf("copied %d bytes", len(text))))
}
