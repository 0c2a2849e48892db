package limits

import (
	"fmt"
	"math"
	"strings"
	"time"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// Sizes from which the screen is laid out in another way.
const (
	roomForChart  = 30 // rows
	chartRows     = 9
	roomForDetail = 14 // rows below the list
	twoColumns    = 100
)

// drawList draws the summary, the table and, where there is room, the selected
// row below.
func (m Model) drawList(a canvas.Area, f screen.Frame, rows []analysis.Subject) {
	l := f.Report.Limits
	if l == nil {
		body := screen.Panel(a, f, analysis.PartKeys, "Limits")
		screen.Empty(body, f.Report, analysis.KindRedis, "--redis redis://HOST")
		return
	}
	a = drawSummary(a, f)
	selected := m.cursor.Index(ids(rows))
	if _, h := a.Size(); selected >= 0 && h-len(rows)-3 >= roomForDetail {
		list, detail := a.Top(len(rows) + 3)
		m.drawSubject(screen.Panel(detail, f, analysis.PartKeys, rows[selected].Subject.String()+" at "+endpoint(&rows[selected])), f, &rows[selected])
		a = list
	}
	body := screen.Panel(a, f, analysis.PartKeys, "Limits "+m.filter.Count(len(rows), len(l.Subjects)))
	switch {
	case len(rows) > 0:
		table, order := fitting(rows, m.order)
		table.Draw(body, rows, order, selected)
	case m.filter.Active():
		widget.Wrap(body, theme.Dim, "no subject matches: Esc clears the filter")
	default:
		drawNobody(body, l)
	}
}

// drawNobody says why there is no subject, and how to make one known.
func drawNobody(a canvas.Area, l *analysis.Limits) {
	why := "no key of a known limiter was seen yet"
	if l.Coverage.OK {
		why += ": " + format.Percent(l.Coverage) + " of the keys were looked at"
	}
	a = widget.Wrap(a, theme.Dim, why)
	a = widget.Wrap(a, theme.Dim, "A limiter with keys of its own is described in the configuration file:")
	widget.Lines(a, theme.Accent,
		"  limiters:",
		"    - name: mine",
		"      key: '^rl:(?P<id>[^:]+):(?P<ep>.+)$'",
		"      type: string",
		"      algorithm: fixed-window",
	)
}

// drawSummary draws the limiter in a few lines, with a chart of the rejections
// where there is room, and gives the rest.
func drawSummary(a canvas.Area, f screen.Frame) canvas.Area {
	w, h := a.Size()
	if h < roomForChart || w < twoColumns || f.Report.HTTP == nil {
		n := 2
		if h < 12 {
			n = 1
		}
		top, rest := a.Top(n)
		drawFacts(faded(top, f), f.Report.Limits)
		return rest
	}
	top, rest := a.Top(chartRows)
	left, right := top.Left(w * 3 / 5)
	left, _ = left.Left(-1)
	chart(f.Report).Draw(widget.Panel(left, "Denied per second, by the service (429)", ""))
	body := screen.Panel(right, f, analysis.PartKeys, "Limiter")
	for _, line := range facts(f.Report.Limits) {
		body = widget.Wrap(body, line.style, line.text)
	}
	return rest
}

// faded is a, faint when the keys are stale.
func faded(a canvas.Area, f screen.Frame) canvas.Area {
	if f.Report.Stale[analysis.PartKeys] {
		return a.With(canvas.Faint)
	}
	return a
}

// fact is one thing to say of the limiter.
type fact struct {
	text  string
	style canvas.Style
}

// leastFact is how much of a fact must fit to be worth the room.
const leastFact = 24

// drawFacts draws the facts behind each other, as many as fit.
func drawFacts(a canvas.Area, l *analysis.Limits) {
	w, h := a.Size()
	x, y := 0, 0
	for _, fact := range facts(l) {
		n := canvas.Width(fact.text)
		if x > 0 && x+n > w && (y < h-1 || w-x < leastFact) {
			x, y = 0, y+1
		}
		a.TextIn(x, y, w-x, fact.text, fact.style)
		x += n + 2
	}
}

// facts is the limiter in a few words, the most important first.
func facts(l *analysis.Limits) []fact {
	list := []fact{{fmt.Sprintf("● %d throttled", l.ThrottledSubjects), theme.Good}}
	if l.ThrottledSubjects > 0 {
		list[0].style = theme.Bad
	}
	if n := tally(l, func(s *analysis.Subject) bool { return stateOf(s) == recent || stateOf(s) == gone }); n > 0 {
		list = append(list, fact{fmt.Sprintf("◌ %d a moment ago", n), theme.Accent})
	}
	if n := tally(l, func(s *analysis.Subject) bool { return stateOf(s) == near }); n > 0 {
		list = append(list, fact{fmt.Sprintf("◐ %d near", n), theme.Warn})
	}
	list = append(list, fact{"denied " + format.Number(l.DeniedPerSecond) + "/s", screen.Quiet(l.DeniedPerSecond, theme.Warn)})
	if len(l.Lint) > 0 {
		list = append(list, fact{fmt.Sprintf("! %d %s (v)", len(l.Lint), plural(len(l.Lint), "mistake")), theme.Warn})
	}
	if l.Coverage.OK {
		list = append(list, fact{format.Percent(l.Coverage) + " of the keys searched", theme.Dim})
	}
	if text := layouts(l); text != "" {
		list = append(list, fact{"layouts " + text, theme.Dim})
	}
	if text := sources(l); text != "" {
		list = append(list, fact{"limits from " + text, theme.Dim})
	}
	return list
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func tally(l *analysis.Limits, is func(*analysis.Subject) bool) int {
	n := 0
	for i := range l.Subjects {
		if is(&l.Subjects[i]) {
			n++
		}
	}
	return n
}

// layouts is "laravel 12, kong 3".
func layouts(l *analysis.Limits) string {
	var parts []string
	for _, c := range l.Layouts {
		parts = append(parts, fmt.Sprintf("%s %d", c.Layout, c.Keys))
	}
	return strings.Join(parts, ", ")
}

// sources is how many limits come from where: "key 4, config 2, unknown 1".
func sources(l *analysis.Limits) string {
	var parts []string
	for _, from := range []string{"key", "neighbour", "headers", "metrics", "config", "monitor", "ceiling", ""} {
		n := tally(l, func(s *analysis.Subject) bool { return s.LimitFrom == from })
		if n == 0 {
			continue
		}
		if from == "" {
			from = "unknown"
		}
		parts = append(parts, fmt.Sprintf("%s %d", from, n))
	}
	return strings.Join(parts, ", ")
}

// chart is the service's 429 answers per second.
func chart(r *analysis.Report) widget.Chart {
	c := widget.Chart{
		N:     len(r.History),
		Time:  func(i int) time.Time { return r.History[i].At },
		Span:  screen.HistorySpan(r.History),
		Label: format.Tick,
		Lines: []widget.Line{{
			Value: func(i int) float64 {
				if v := r.History[i].Throttled; v.OK {
					return v.V
				}
				return math.NaN()
			},
			Style: theme.Warn, Filled: true,
		}},
	}
	for _, e := range r.Events {
		c.Marks = append(c.Marks, e.At)
	}
	return c
}
