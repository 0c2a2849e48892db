package limits

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawPage draws all limits of one subject, and the selected one in full.
func (m Model) drawPage(a canvas.Area, f screen.Frame, rows []analysis.Subject) {
	selected := m.selected(rows)
	if selected == nil {
		body := screen.Panel(a, f, analysis.PartKeys, m.who.String())
		widget.Wrap(body, theme.Dim, "no key of this subject is there any more: Esc goes back")
		return
	}
	_, h := a.Size()
	if len(rows) > 1 {
		list, rest := a.Top(min(len(rows), max(h/4, 2)) + 2)
		m.drawLimitsOf(list, f, rows)
		a = rest
	}
	title := endpoint(selected)
	if len(rows) == 1 {
		title = selected.Subject.String() + " at " + title
	}
	m.drawSubject(screen.Panel(a, f, analysis.PartKeys, title), f, selected)
}

// drawLimitsOf draws the table of one subject's limits.
func (m Model) drawLimitsOf(a canvas.Area, f screen.Frame, rows []analysis.Subject) {
	title := rows[0].Subject.String()
	if !rows[0].Tier.IsZero() {
		title += " · " + rows[0].Tier.String()
	}
	body := screen.Panel(a, f, analysis.PartKeys, fmt.Sprintf("%s · %d limits", title, len(rows)))
	table, order := fitting(rows, m.order)
	table.Draw(body, rows, order, m.cursor.Index(ids(rows)))
}

// drawSubject draws all that is known of one limit.
func (m Model) drawSubject(a canvas.Area, f screen.Frame, s *analysis.Subject) {
	w, h := a.Size()
	top, rest := a.Top(2)
	if h < 6 {
		top, rest = a.Top(1)
	}
	drawFigures(top, s)
	if w >= twoColumns {
		left, right := rest.Left(w * 11 / 20)
		left, _ = left.Left(-2)
		m.drawTime(left, s)
		m.drawWords(right, f, s)
		return
	}
	m.drawTime(m.drawWords(rest, f, s), s)
}

// drawFigures draws the state and the numbers, as many as fit.
func drawFigures(a canvas.Area, s *analysis.Subject) {
	w, h := a.Size()
	st := stateOf(s)
	x := a.Text(0, 0, st.sign()+" ", st.style())
	x = a.Text(x, 0, usedOf(s), theme.Strong) + 1
	if v := share(s); v.OK && x+14+canvas.Width(stateWords(s)) <= w { // the words matter more
		widget.Gauge(a.Sub(x, 0, 12, 1), v.V, st.style())
		x += 14
	}
	a.TextIn(x, 0, w-x, stateWords(s), st.style())
	if h < 2 {
		return
	}
	x = 0
	for _, p := range []struct{ label, text string }{
		{"left", format.Whole(s.Remaining)},
		{"resets", format.Age(s.ResetsInSeconds)},
		{"denied/s", format.Number(s.DeniedPerSecond)},
		{"requests/s", format.Number(s.RequestsPerSecond)},
		{"share", format.Percent(s.Share)},
		{"full in", format.Age(s.TimeToLimit)},
		{"read", format.Age(s.AgeSeconds)},
	} {
		if x+canvas.Width(p.label)+8 > w {
			break
		}
		x = a.Text(x, 1, p.label+" ", theme.Label)
		a.TextRight(x, 1, 6, p.text, theme.Plain)
		x += 8
	}
}

// drawWords explains the limit: where it is from, what is wrong, which key it is;
// and gives the rest.
func (m Model) drawWords(a canvas.Area, f screen.Frame, s *analysis.Subject) canvas.Area {
	text, fix := limitWords(s)
	a = widget.Wrap(a, theme.Plain, text)
	if fix != "" {
		a = widget.Wrap(a, theme.Accent, "→ "+fix)
	}
	for _, rule := range s.Lint {
		a = drawRule(a, f.Report.Limits, rule, s.Layout)
	}
	kind := s.Layout
	if s.Algorithm != "" {
		kind += " · " + s.Algorithm
	}
	if words := algorithmWords(s); words != "" {
		kind += ": " + words
	}
	a = widget.Wrap(a, theme.Dim, kind)
	w, _ := a.Size()
	a.Text(0, 0, "key ", theme.Label)
	a.TextIn(4, 0, w-4, widget.Shorten(s.Key.String(), w-4), theme.Plain)
	_, a = a.Top(1)
	ttl, never := m.look.ttl()
	switch {
	case m.look.key != s.Key.Raw():
	case never:
		a = widget.Wrap(a, theme.Warn, "the key never expires")
	case ttl.OK:
		a = widget.Wrap(a, theme.Dim, "the key expires in "+format.Age(ttl)+" unless it is used")
	}
	if route := routeOf(f.Report, s); route != nil {
		a = widget.Wrap(a, theme.Dim, fmt.Sprintf("route %s: %s rps, %s answered 429 in the window (t goes there)",
			screen.RouteName(route), format.Number(route.RPS), format.Whole(route.Throttled)))
	}
	return a
}

// drawRule draws what is wrong with a key by a rule, and the fix.
func drawRule(a canvas.Area, l *analysis.Limits, rule, layout string) canvas.Area {
	for i := range l.Lint {
		if lint := &l.Lint[i]; lint.Rule == rule && lint.Layout == layout {
			a = widget.Wrap(a, theme.Warn, "! "+lint.What.String())
			return widget.Wrap(a, theme.Accent, "→ "+lint.Fix)
		}
	}
	return widget.Wrap(a, theme.Warn, "! "+rule)
}

// mostChart is how many rows a chart of the page takes at most.
const mostChart = 10

// drawTime draws what happened: the requests in the window, and how the use of
// the limit went.
func (m Model) drawTime(a canvas.Area, s *analysis.Subject) {
	_, h := a.Size()
	if h < 3 {
		return
	}
	rows := min((h+1)/2, mostChart)
	if m.windowOf(s).window == 0 {
		rows = min(rows, 3) // a few words
	}
	slots, trend := a.Top(rows)
	trend, _ = trend.Top(mostChart)
	if h < 7 {
		slots, trend = a, a.Sub(0, h, 0, 0)
	}
	m.drawSlots(slots, s)
	drawTrend(trend, s)
}

// drawTrend draws used / limit, one column a reading.
func drawTrend(a canvas.Area, s *analysis.Subject) {
	w, h := a.Size()
	if h < 2 {
		return
	}
	title := fmt.Sprintf("Used of its limit, last %d readings", min(len(s.Trend), w))
	if !s.Limit.OK {
		title = fmt.Sprintf("Used, last %d readings", min(len(s.Trend), w))
	}
	body := widget.Panel(a, title, "")
	if len(s.Trend) == 0 {
		body.Text(0, 0, "no reading yet", theme.Dim)
		return
	}
	widget.Bars(body, s.Trend, trendTop(s), func(v float64) canvas.Style {
		switch {
		case s.Limit.OK && v >= 1:
			return theme.Bad
		case s.Limit.OK && v >= nearShare:
			return theme.Warn
		}
		return theme.Series1
	})
}
