package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/painter"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// foot is the last line of the dashboard.
func foot(m *Model) string {
	lines := strings.Split(strings.TrimSuffix(draw(m, 80, 24).String(), "\n"), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// messages are what the commands in cmd give, other than toasts' ends.
func messages(cmd tea.Cmd) (all []tea.Msg) {
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			all = append(all, messages(c)...)
		}
	default:
		all = append(all, msg)
	}
	return all
}

func TestToast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := showing(screentest.Calm())
		keys := foot(m)
		first := m.Update(screen.Say("one")())
		second := m.Update(screen.Say("two")())
		if got := foot(m); got != "two" {
			t.Errorf("the foot says %q", got)
		}
		m.Update(first())
		if got := foot(m); got != "two" {
			t.Errorf("the end of an older one leaves %q", got)
		}
		m.Update(second())
		if got := foot(m); got != keys {
			t.Errorf("after it: %q, want the keys", got)
		}
	})
}

func TestCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := showing(screentest.Calm())
		if screen.Copy("") != nil {
			t.Error("copies nothing")
		}
		sent := messages(m.Update(screen.Copy("user:\x1b7")()))
		if foot(m) != "copied 7 bytes" || len(sent) != 2 {
			t.Errorf("the foot says %q, %d messages", foot(m), len(sent))
		}
		m.Update(screen.Copy(strings.Repeat("x", painter.MaxCopy+1))())
		if got := foot(m); got != "not copied: 74995 bytes, terminals take 74994" {
			t.Errorf("the foot says %q", got)
		}
	})
}
