package theme

import (
	"github.com/charmbracelet/lipgloss"

	"apitop/tui/canvas"
)

// attr is a set of attributes.
type attr uint8

const (
	bold attr = 1 << iota
	faint
	italic
	under
	reverse
)

// look is one row of a theme's table: colours as lipgloss takes them ("1" of
// the palette, "#rrggbb"), "" for the terminal's own.
type look struct {
	fg, bg string
	attr   attr
}

// with applies the modifiers of s.
//
// Reverse toggles, so that a badge that is drawn in reverse itself stands out
// of a selected row. Faint adds italic as well, since some terminals know only
// one of the two and since dim looks are faint already; it takes bold away,
// which many terminals show as the opposite of faint.
func (l look) with(s canvas.Style) look {
	if s&canvas.Reverse != 0 {
		l.attr ^= reverse
	}
	if s&canvas.Faint != 0 {
		l.attr = l.attr&^bold | faint | italic
	}
	return l
}

func (l look) style(r *lipgloss.Renderer) lipgloss.Style {
	st := r.NewStyle().
		Bold(l.attr&bold != 0).
		Faint(l.attr&faint != 0).
		Italic(l.attr&italic != 0).
		Underline(l.attr&under != 0).
		UnderlineSpaces(false). // lipgloss would repeat the parameter
		Reverse(l.attr&reverse != 0)
	if l.fg != "" {
		st = st.Foreground(lipgloss.Color(l.fg))
	}
	if l.bg != "" {
		st = st.Background(lipgloss.Color(l.bg))
	}
	return st
}
