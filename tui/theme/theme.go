// Package theme gives every look of the screens its terminal sequence.
//
// Screens name a look by its meaning ([Good], [Header]); a Theme turns it into
// an SGR sequence, once, when it is made. Nothing here asks the terminal
// anything: which theme and how many colours is decided by flag and
// environment.
package theme

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"apitop/tui/canvas"
)

// Theme holds the sequences of all looks. It never changes and may be shared
// between goroutines.
type Theme struct {
	name string
	sgr  [256]string
}

// Name is the name the theme was made by.
func (t *Theme) Name() string { return t.name }

// SGR is the sequence that switches to s from any other look: it starts with a
// reset. It is empty for all looks of the theme "plain", and "\x1b[m" for
// [Plain] in all others, so that an erased cell is a plain blank.
func (t *Theme) SGR(s canvas.Style) string { return t.sgr[s] }

// Names lists the themes New knows, the default first.
func Names() []string {
	return []string{"default", "dark", "light", "colourblind", "mono", "plain"}
}

// looks is the table of the named theme; nil when there is none. With sixteen
// colours the nearest ones to those of dark and light would be ill chosen.
func looks(name string, profile termenv.Profile) *[count]look {
	few := profile == termenv.ANSI
	switch name {
	case "", "default":
		return ansi16()
	case "dark":
		return either(few, ansi16, dark)
	case "light":
		return either(few, ansi16, light)
	case "colourblind", "colorblind":
		return colourblind()
	case "mono":
		return mono()
	}
	return nil
}

func either(first bool, a, b func() *[count]look) *[count]look {
	if first {
		return a()
	}
	return b()
}

// New makes the theme of that name; "" is the default one. A profile without
// colours ([termenv.Ascii]) gives the attributes of "mono" (bold, reverse,
// underline) whatever the name; only "plain" has none at all. The error names
// the themes there are.
func New(name string, profile termenv.Profile) (*Theme, error) {
	t := &Theme{name: name}
	if name == "plain" {
		return t, nil
	}
	table := looks(name, profile)
	if table == nil {
		return nil, fmt.Errorf("unknown theme %q: there are %s", name, strings.Join(Names(), ", "))
	}
	if name == "" {
		t.name = "default"
	}
	if profile == termenv.Ascii {
		table, profile = mono(), termenv.ANSI // lipgloss drops bold and reverse, too, from Ascii
	}
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profile)
	for i := range t.sgr {
		s := canvas.Style(i)
		if s.Base() < count {
			t.sgr[i] = sequence(r, table[s.Base()].with(s))
		} else {
			t.sgr[i] = t.sgr[s&^s.Base()] // no such look: plain, with the modifiers
		}
	}
	return t, nil
}

// sequence is the SGR sequence of l.
func sequence(r *lipgloss.Renderer, l look) string {
	const probe = "x"
	on, _, styled := strings.Cut(l.style(r).Render(probe), probe)
	params := strings.TrimSuffix(strings.TrimPrefix(on, "\x1b["), "m")
	if !styled || params == "" {
		return "\x1b[m"
	}
	return "\x1b[0;" + params + "m"
}
