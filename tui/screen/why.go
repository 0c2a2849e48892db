package screen

import (
	"fmt"
	"slices"
	"strconv"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// Panel draws a titled panel for a part of the report and gives the area to
// draw its content in: faint, and with its age in the title, when the part is
// stale.
func Panel(a canvas.Area, f Frame, part analysis.Part, title string) canvas.Area {
	note := ""
	if f.Report.Stale[part] {
		note = "stale " + format.Age(f.Report.Age[part])
	}
	body := widget.Panel(a, title, note)
	if note != "" {
		body = body.With(canvas.Faint)
	}
	return body
}

// Empty says why a panel has nothing to show and what to do, from the state of
// the sources that feed it. hint is the flag that adds such a source.
func Empty(a canvas.Area, r *analysis.Report, kind analysis.Kind, hint string) {
	what, fix := why(r, kind, hint)
	rest := widget.Wrap(a, theme.Dim, what)
	widget.Wrap(rest, theme.Accent, fix)
}

// why picks the worst source of the kind: a failing one, else one with a note,
// else one that has not answered yet.
func why(r *analysis.Report, kind analysis.Kind, hint string) (what, fix string) {
	known := false
	for _, s := range r.Sources {
		if s.Kind != kind {
			continue
		}
		known = true
		if s.Error != nil {
			return s.Name.String() + ": " + *s.Error, s.Fix
		}
		if what == "" && len(s.Notes) > 0 {
			what, fix = s.Notes[0].What.String(), s.Notes[0].Fix
		}
	}
	switch {
	case !known:
		return "no " + string(kind) + " source", "start with " + hint
	case what != "":
		return what, fix
	default:
		return "waiting for the first answer …", ""
	}
}

// Glyph is a state as a character and a look: never by colour alone.
func Glyph(s analysis.State) (rune, canvas.Style) {
	switch s {
	case analysis.StateOK:
		return '●', theme.Good
	case analysis.StateFailed:
		return '✗', theme.Bad
	default:
		return '◌', theme.Warn
	}
}

// Chip is the state of all sources of one kind, in a few characters.
type Chip struct {
	Label string
	State analysis.State
	Note  string // its age or what is wrong; of several pages, how many answer
	n, ok int    // sources, and those of them that answer
}

// Chips sums the sources up by kind, in order of appearance but for the metrics
// pages, which come first; the worst source of a kind speaks for it. Where metrics pages are announced is only worth a chip
// when it fails.
func Chips(r *analysis.Report) []Chip {
	var chips []Chip
	index := map[analysis.Kind]int{}
	for _, s := range r.Sources {
		if s.Kind == analysis.KindTargets && s.State == analysis.StateOK {
			continue
		}
		i, ok := index[s.Kind]
		if !ok {
			i = len(chips)
			index[s.Kind] = i
			chips = append(chips, Chip{Label: label(s.Kind), State: analysis.StateOK})
		}
		c := &chips[i]
		c.n++
		if s.State == analysis.StateOK || s.State == analysis.StateLate {
			c.ok++
		}
		if worse(s.State, c.State) {
			c.State, c.Note = s.State, note(s)
		}
	}
	if i, ok := index[analysis.KindMetrics]; ok {
		pages := chips[i]
		pages.count()
		chips = slices.Insert(slices.Delete(chips, i, i+1), 0, pages)
	}
	return chips
}

// count says of several sources how many there are, and how many answer when
// that is not all of them.
func (c *Chip) count() {
	switch {
	case c.n < 2:
	case c.ok == c.n:
		c.Note = strconv.Itoa(c.n)
	default:
		c.Note = fmt.Sprintf("%d/%d", c.ok, c.n)
	}
}

func label(k analysis.Kind) string {
	switch k {
	case analysis.KindMetrics:
		return "prom"
	case analysis.KindPostgres:
		return "pg"
	default:
		return string(k)
	}
}

// note is how old the source's last values are, and nothing while it works.
func note(s analysis.Source) string {
	if s.State == analysis.StateFailed && s.AgeSeconds.OK {
		return "stale " + format.Age(s.AgeSeconds)
	}
	if s.State == analysis.StateOK {
		return ""
	}
	return string(s.State)
}

func worse(a, b analysis.State) bool { return severity(a) > severity(b) }

func severity(s analysis.State) int {
	switch s {
	case analysis.StateFailed:
		return 3
	case analysis.StateLate:
		return 2
	case analysis.StateWaiting:
		return 1
	default:
		return 0
	}
}
