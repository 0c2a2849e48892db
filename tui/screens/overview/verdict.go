package overview

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/theme"
)

// drawVerdict is the one sentence that matters most now: the top finding, else a
// source that failed, else what was last marked on the charts.
func drawVerdict(a canvas.Area, r *analysis.Report) {
	w, _ := a.Size()
	text, st := verdict(r)
	a.TextIn(1, 0, w-2, text, st)
}

func verdict(r *analysis.Report) (string, canvas.Style) {
	if len(r.Findings) > 0 {
		return "! " + r.Findings[0].Summary, theme.Bad
	}
	var failed []*analysis.Source
	for i := range r.Sources {
		if s := &r.Sources[i]; s.Error != nil {
			failed = append(failed, s)
		}
	}
	if n := len(failed); n > 2 {
		return fmt.Sprintf("%d of %d sources fail · %s", n, len(r.Sources), failure(failed[0])), theme.Bad
	} else if n > 0 {
		return failure(failed[0]), theme.Bad
	}
	if n := len(r.Events); n > 0 {
		if e := r.Events[n-1]; r.At.Sub(e.At).Minutes() < 5 {
			return fmt.Sprintf("▲ %s %s ago", e.Text, format.Age(analysis.Value{V: r.At.Sub(e.At).Seconds(), OK: true})), theme.Mark
		}
	}
	return "all sources answer", theme.Dim
}

// failure is a source's trouble in one line: which, what, what to do or when it
// is tried again.
func failure(s *analysis.Source) string {
	text := "✗ " + s.Name.String() + ": " + *s.Error
	switch {
	case s.Fix != "":
		return text + " · " + s.Fix
	case s.RetryInSeconds.OK:
		return text + " · next try in " + format.Age(s.RetryInSeconds)
	default:
		return text
	}
}
