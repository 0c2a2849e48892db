package limits

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// lintID is the identity of a mistake.
func lintID(l *analysis.LimiterLint) string { return l.Rule + "\x00" + l.Layout }

func lintIDs(r *analysis.Report) []string {
	if r.Limits == nil {
		return nil
	}
	list := make([]string, len(r.Limits.Lint))
	for i := range list {
		list[i] = lintID(&r.Limits.Lint[i])
	}
	return list
}

// drawMistakes draws what is wrong with the limiter's keys, from the selected one
// on where not all fit.
func (m Model) drawMistakes(a canvas.Area, f screen.Frame) {
	l := f.Report.Limits
	if l == nil {
		body := screen.Panel(a, f, analysis.PartKeys, "Mistakes")
		screen.Empty(body, f.Report, analysis.KindRedis, "--redis redis://HOST")
		return
	}
	body := screen.Panel(a, f, analysis.PartKeys, fmt.Sprintf("Mistakes of the limiter %d", len(l.Lint)))
	if len(l.Lint) == 0 {
		body = widget.Wrap(body, theme.Good, "○ none seen in the keys that are followed")
		widget.Wrap(body, theme.Dim, "Looked for: requests that overwrite each other, more requests in the window than the limit, keys that never expire, limits that never reset.")
		return
	}
	from := m.mistake.Index(lintIDs(f.Report))
	w, h := body.Size()
	if lintRows(l.Lint, w) <= h {
		from = 0
	}
	for i := from; i < len(l.Lint); i++ {
		body = drawMistake(body, &l.Lint[i], i == m.mistake.Index(lintIDs(f.Report)))
	}
}

// lintRows is how many lines the mistakes take.
func lintRows(list []analysis.LimiterLint, w int) int {
	n := 0
	for i := range list {
		n += 3 + len(widget.Fold(list[i].What.String(), w-2)) + len(widget.Fold("→ "+list[i].Fix, w-2))
	}
	return n
}

// drawMistake draws one mistake and gives the rest.
func drawMistake(a canvas.Area, l *analysis.LimiterLint, selected bool) canvas.Area {
	head, rest := a.Top(1)
	if selected {
		head.Text(0, 0, "▶", theme.Key)
	}
	w, _ := head.Size()
	x := head.Text(2, 0, l.Rule+" ", theme.Warn)
	head.TextIn(x, 0, w-x, fmt.Sprintf("%s · %d %s", l.Layout, l.Keys, plural(l.Keys, "key")), theme.Strong)
	_, rest = rest.Left(2)
	rest = widget.Wrap(rest, theme.Plain, l.What.String())
	if l.Fix != "" {
		rest = widget.Wrap(rest, theme.Accent, "→ "+l.Fix)
	}
	if !l.Example.IsZero() {
		rest = widget.Lines(rest, theme.Dim, "for example "+l.Example.String())
	}
	_, rest = rest.Top(1)
	rest, full := rest, a
	_, used := rest.Size()
	_, all := full.Size()
	_, full = full.Top(all - used)
	return full
}
