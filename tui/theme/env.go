package theme

import (
	"io"
	"strings"

	"github.com/muesli/termenv"
)

// environ lets termenv read the environment through a function.
type environ func(string) string

func (e environ) Getenv(key string) string { return e(key) }

// Environ is never used for colours.
func (e environ) Environ() []string { return nil }

// Profile is how many colours the terminal that getenv describes has. It heeds
// NO_COLOR (any value but ""), CLICOLOR, CLICOLOR_FORCE, COLORTERM and TERM. It
// asks the environment only, never the terminal.
func Profile(getenv func(string) string) termenv.Profile {
	out := termenv.NewOutput(io.Discard, termenv.WithTTY(true), termenv.WithEnvironment(environ(getenv)))
	p := out.EnvColorProfile()
	if p == termenv.Ascii && !out.EnvNoColor() && sixteen(getenv("TERM")) {
		return termenv.ANSI
	}
	return p
}

// sixteen tells the terminals that termenv takes for colourless, although all
// of their kind have at least the sixteen colours.
func sixteen(term string) bool {
	for _, prefix := range []string{"screen", "tmux", "rxvt", "foot", "st-", "konsole", "putty", "cygwin"} {
		if strings.HasPrefix(term, prefix) {
			return true
		}
	}
	return false
}

// ForTerminal makes the named theme for the terminal that getenv describes. A
// dumb terminal gets "plain", whatever the name, as it would print sequences as
// text.
func ForTerminal(name string, getenv func(string) string) (*Theme, error) {
	t, err := New(name, Profile(getenv))
	if term := getenv("TERM"); err == nil && (term == "" || term == "dumb") {
		return New("plain", termenv.Ascii)
	}
	return t, err
}
