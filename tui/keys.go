package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
)

// keyMap are the keys that work on every screen.
type keyMap struct {
	quit, back, help, pause, next, prev, redraw, suspend, tabs, faults key.Binding
}

func defaultKeys() keyMap {
	return keyMap{
		quit:    key.NewBinding(key.WithKeys("q", "ctrl+c"), key.WithHelp("q", "quit")),
		back:    key.NewBinding(key.WithKeys("esc", "backspace"), key.WithHelp("Esc", "back")),
		help:    key.NewBinding(key.WithKeys("?", "f1"), key.WithHelp("?", "help")),
		pause:   key.NewBinding(key.WithKeys("p", " "), key.WithHelp("p/Space", "pause")),
		next:    key.NewBinding(key.WithKeys("tab"), key.WithHelp("Tab", "next screen")),
		prev:    key.NewBinding(key.WithKeys("shift+tab"), key.WithHelp("S-Tab", "previous screen")),
		tabs:    key.NewBinding(key.WithKeys("1", "2", "3", "4", "5", "6", "7", "8", "9"), key.WithHelp("1-9", "go to a screen")),
		faults:  key.NewBinding(key.WithKeys("F"), key.WithHelp("F", "switch faults")),
		redraw:  key.NewBinding(key.WithKeys("ctrl+l"), key.WithHelp("Ctrl-L", "draw anew")),
		suspend: key.NewBinding(key.WithKeys("ctrl+z"), key.WithHelp("Ctrl-Z", "suspend")),
	}
}

// list is every binding that does anything here, the most used first.
func (k keyMap) list() []key.Binding {
	all := []key.Binding{k.quit, k.help, k.pause, k.tabs, k.faults, k.next, k.prev, k.back, k.redraw, k.suspend}
	return slices.DeleteFunc(all, func(b key.Binding) bool { return !b.Enabled() })
}
