package limits

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// state is how a subject stands; those that matter most come first.
type state int

const (
	blocked state = iota
	recent        // it was denied a moment ago
	gone          // so, and its key is not there any more
	near
	free
	unlimited // nobody knows its limit
)

// From when a subject is said to be near its limit, and for how long after its
// last rejection it stays where it is seen.
const (
	nearShare    = 0.8
	recentlySecs = 120
)

func stateOf(s *analysis.Subject) state {
	switch {
	case s.Gone:
		return gone
	case s.IsBlocked():
		return blocked
	case s.LastDeniedSeconds.OK && s.LastDeniedSeconds.V <= recentlySecs:
		return recent
	case !share(s).OK:
		return unlimited
	case share(s).V >= nearShare:
		return near
	default:
		return free
	}
}

// share is used / limit.
func share(s *analysis.Subject) analysis.Value {
	switch {
	case !s.Used.OK || !s.Limit.OK:
		return analysis.Value{}
	case s.Limit.V <= 0:
		return analysis.Value{V: 1, OK: true}
	}
	return analysis.Value{V: s.Used.V / s.Limit.V, OK: true}
}

// sign is the state as a glyph and a letter: never by colour alone.
func (s state) sign() string {
	return [...]string{blocked: "●B", recent: "◌R", gone: "◌G", near: "◐N", free: "○ ", unlimited: "○?"}[s]
}

func (s state) word() string {
	return [...]string{
		blocked: "blocked", recent: "denied a moment ago", gone: "gone", near: "near its limit", free: "free", unlimited: "limit unknown",
	}[s]
}

// Words implements [screen.Explainer].
func (m Model) Words() []screen.Word {
	var list []screen.Word
	for s := blocked; s <= unlimited; s++ {
		list = append(list, screen.Word{Word: s.sign(), Means: s.word()})
	}
	return append(
		list,
		screen.Word{Word: "LEFT", Means: "requests before it blocks"},
		screen.Word{Word: "RESETS", Means: "when places free again"},
		screen.Word{Word: "FULL IN", Means: "blocked then, at this rate"},
		screen.Word{Word: "SHARE", Means: "of all callers' requests"},
	)
}

func (s state) style() canvas.Style {
	return [...]canvas.Style{
		blocked: theme.Bad, recent: theme.Accent, gone: theme.Dim, near: theme.Warn, free: theme.Good, unlimited: theme.Dim,
	}[s]
}

// tier is the column that most limiters have nothing for.
const tier = 2

// fitting is the table without the columns that say nothing of rows.
func fitting(rows []analysis.Subject, o screen.Order) (screen.Columns[analysis.Subject], screen.Order) {
	if slices.ContainsFunc(rows, func(s analysis.Subject) bool { return !s.Tier.IsZero() }) {
		return columns(), o
	}
	return columns().Without(o, tier)
}

// byPressure is the column that the screen is sorted by at first.
const byPressure = 4

// columns is the table, from left to right.
func columns() screen.Columns[analysis.Subject] {
	return screen.Columns[analysis.Subject]{
		{Head: widget.Column{Title: "", Width: 2}, Cell: signCell},
		{Head: widget.Column{Title: "SUBJECT", Width: 16, Flex: true, Ends: true}, Compare: bySubject, Rising: true, Cell: subjectCell},
		{Head: widget.Column{Title: "TIER", Width: 10, Drop: 6}, Compare: byTier, Rising: true, Cell: tierCell},
		{Head: widget.Column{Title: "ENDPOINT", Width: 16, Ends: true, Drop: 1}, Compare: byEndpoint, Rising: true, Cell: endpointCell},
		{Head: widget.Column{Title: "USED/LIMIT", Width: 11, Right: true}, Compare: pressure, Cell: usedCell},
		{Head: widget.Column{Title: "", Width: 5, Drop: 4}, Cell: barCell},
		{Head: widget.Column{Title: "LEFT", Width: 5, Right: true, Drop: 5}, Compare: screen.Falling(remaining, byName), Cell: numberCell(remaining)},
		{Head: widget.Column{Title: "RESETS", Width: 7, Right: true}, Compare: screen.Falling(resets, byName), Cell: resetsCell},
		{Head: widget.Column{Title: "DENY/S", Width: 8, Right: true}, Compare: screen.Falling(denied, byName), Cell: deniedCell},
		{Head: widget.Column{Title: "FULL IN", Width: 8, Right: true, Drop: 3}, Compare: soonest, Rising: true, Cell: timeCell},
		{Head: widget.Column{Title: "REQ/S", Width: 6, Right: true, Drop: 8}, Compare: screen.Falling(requests, byName), Cell: rateCell(requests)},
		{Head: widget.Column{Title: "SHARE", Width: 6, Right: true, Drop: 7}, Compare: screen.Falling(traffic, byName), Cell: shareCell},
		{Head: widget.Column{Title: "LIMIT FROM", Width: 10, Drop: 9}, Cell: fromCell},
		{Head: widget.Column{Title: "LAYOUT", Width: 26, Drop: 11}, Compare: byLayout, Rising: true, Cell: layoutCell},
		{Head: widget.Column{Title: "USED OF LIMIT", Width: 20, Right: true, Drop: 10}, Cell: trendCell},
	}
}

func remaining(s *analysis.Subject) analysis.Value { return s.Remaining }
func resets(s *analysis.Subject) analysis.Value    { return s.ResetsInSeconds }
func denied(s *analysis.Subject) analysis.Value    { return s.DeniedPerSecond }
func requests(s *analysis.Subject) analysis.Value  { return s.RequestsPerSecond }
func traffic(s *analysis.Subject) analysis.Value   { return s.Share }

func byName(a, b *analysis.Subject) int {
	return cmp.Or(
		strings.Compare(a.Subject.String(), b.Subject.String()),
		strings.Compare(a.Endpoint.String(), b.Endpoint.String()),
		strings.Compare(a.Key.Raw(), b.Key.Raw()),
	)
}

func bySubject(a, b *analysis.Subject) int { return byName(a, b) }

func byTier(a, b *analysis.Subject) int {
	return cmp.Or(strings.Compare(a.Tier.String(), b.Tier.String()), byName(a, b))
}

func byEndpoint(a, b *analysis.Subject) int {
	return cmp.Or(strings.Compare(a.Endpoint.String(), b.Endpoint.String()), byName(a, b))
}

func byLayout(a, b *analysis.Subject) int {
	return cmp.Or(strings.Compare(a.Layout, b.Layout), byName(a, b))
}

// pressure puts the blocked first, then those denied a moment ago, then those
// nearest to their limit.
func pressure(a, b *analysis.Subject) int {
	group := func(s *analysis.Subject) int {
		switch st := stateOf(s); st {
		case blocked, recent:
			return int(st)
		case gone:
			return int(recent)
		default:
			return int(near)
		}
	}
	return cmp.Or(
		cmp.Compare(group(a), group(b)),
		cmp.Compare(screen.Rank(share(b)), screen.Rank(share(a))),
		cmp.Compare(screen.Rank(b.DeniedPerSecond), screen.Rank(a.DeniedPerSecond)),
		byName(a, b),
	)
}

// soonest puts first who will reach the limit first; unknown is never.
func soonest(a, b *analysis.Subject) int {
	when := func(s *analysis.Subject) float64 {
		if !s.TimeToLimit.OK {
			return math.Inf(1)
		}
		return s.TimeToLimit.V
	}
	return cmp.Or(cmp.Compare(when(a), when(b)), byName(a, b))
}

func signCell(s *analysis.Subject) widget.Cell {
	st := stateOf(s)
	return widget.Cell{Text: st.sign(), Style: st.style()}
}

// rowStyle is the look of a row's names.
func rowStyle(s *analysis.Subject) canvas.Style {
	switch stateOf(s) {
	case blocked:
		return theme.Bad
	case gone:
		return theme.Dim
	default:
		return theme.Plain
	}
}

func subjectCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: s.Subject.String(), Style: rowStyle(s)}
}

func tierCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: s.Tier.String(), Style: theme.Dim}
}

func endpointCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: endpoint(s), Style: rowStyle(s)}
}

// endpoint is what a limit is for.
func endpoint(s *analysis.Subject) string {
	if s.Endpoint.IsZero() {
		return "(all)"
	}
	return s.Endpoint.String()
}

func usedCell(s *analysis.Subject) widget.Cell {
	st := stateOf(s).style()
	if st == theme.Good {
		st = theme.Plain
	}
	return widget.Cell{Text: usedOf(s), Style: st}
}

// usedOf is "144/150", with a question mark for a limit that nobody knows.
func usedOf(s *analysis.Subject) string {
	limit := "?"
	if s.Limit.OK {
		limit = format.Tick(s.Limit.V)
	}
	return format.Whole(s.Used) + "/" + limit
}

func barCell(s *analysis.Subject) widget.Cell {
	v := share(s)
	if !v.OK {
		return widget.Cell{}
	}
	return widget.Cell{Draw: func(a canvas.Area) { widget.Gauge(a, v.V, stateOf(s).style()) }}
}

func numberCell(of func(*analysis.Subject) analysis.Value) func(*analysis.Subject) widget.Cell {
	return func(s *analysis.Subject) widget.Cell {
		return widget.Cell{Text: format.Whole(of(s)), Style: screen.Quiet(of(s), theme.Plain)}
	}
}

func rateCell(of func(*analysis.Subject) analysis.Value) func(*analysis.Subject) widget.Cell {
	return func(s *analysis.Subject) widget.Cell {
		return widget.Cell{Text: format.Number(of(s)), Style: screen.Quiet(of(s), theme.Plain)}
	}
}

func resetsCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: format.Age(s.ResetsInSeconds), Style: screen.Quiet(s.ResetsInSeconds, theme.Plain)}
}

func deniedCell(s *analysis.Subject) widget.Cell {
	if st := stateOf(s); st == recent || st == gone {
		return widget.Cell{Text: ago(s.LastDeniedSeconds), Style: theme.Dim}
	}
	return widget.Cell{Text: format.Number(s.DeniedPerSecond), Style: screen.Quiet(s.DeniedPerSecond, theme.Warn)}
}

// ago is a time of late in few cells: "48s ago".
func ago(v analysis.Value) string {
	switch {
	case !v.OK:
		return format.Unknown
	case v.V <= recentlySecs:
		return fmt.Sprintf("%.0fs ago", v.V)
	}
	return fmt.Sprintf("%.0fm ago", v.V/60)
}

func timeCell(s *analysis.Subject) widget.Cell {
	st := theme.Dim
	if s.TimeToLimit.OK {
		st = screen.Alarm(analysis.Value{V: -s.TimeToLimit.V, OK: true}, -600, -60)
	}
	return widget.Cell{Text: format.Age(s.TimeToLimit), Style: st}
}

func shareCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: format.Percent(s.Share), Style: screen.Quiet(s.Share, theme.Plain)}
}

func fromCell(s *analysis.Subject) widget.Cell {
	if s.LimitFrom == "" {
		return widget.Cell{Text: "unknown", Style: theme.Dim}
	}
	return widget.Cell{Text: s.LimitFrom, Style: theme.Dim}
}

func layoutCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Text: s.Layout + " " + s.Algorithm, Style: theme.Dim}
}

func trendCell(s *analysis.Subject) widget.Cell {
	return widget.Cell{Draw: func(a canvas.Area) { widget.Spark(a, s.Trend, trendTop(s), stateOf(s).style()) }}
}

// trendTop is the top of the scale of a subject's trend: the limit, which is 1,
// or where it is unknown or was passed the highest reading.
func trendTop(s *analysis.Subject) float64 {
	top := 0.0
	if s.Limit.OK {
		top = 1
	}
	for _, v := range s.Trend {
		if f := float64(v); f > top {
			top = f
		}
	}
	return top
}
