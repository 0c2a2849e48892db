package overview

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

// worst are the routes by their share of all time spent, which is where a fix
// helps most.
func worst(r *analysis.Report) []analysis.Route {
	if r.HTTP == nil {
		return nil
	}
	rows := slices.Clone(r.HTTP.Rows())
	slices.SortStableFunc(rows, func(a, b analysis.Route) int {
		return cmp.Compare(b.TimeShare.V, a.TimeShare.V)
	})
	return rows
}

func (m Model) drawRoutes(a canvas.Area, f screen.Frame) {
	rows := worst(f.Report)
	body := screen.Panel(a, f, analysis.PartHTTP, "Worst routes")
	if len(rows) == 0 {
		screen.Empty(body, f.Report, analysis.KindMetrics, "apitop http://HOST:PORT/metrics")
		return
	}
	_, h := body.Size()
	selected := m.cursor.Index(screen.RouteIDs(rows))
	widget.Table{
		Columns: []widget.Column{
			{Title: "ROUTE", Width: 12, Flex: true},
			{Title: "RPS", Width: 6, Right: true},
			{Title: "P95", Width: 6, Right: true},
			{Title: "ERR", Width: 5, Right: true},
			{Title: "TIME", Width: 5, Right: true, Sort: -1, Drop: 1},
		},
		Rows: len(rows),
		Row: func(i int) []widget.Cell {
			r := &rows[i]
			return []widget.Cell{
				{Text: screen.RouteName(r)},
				number(format.Number(r.RPS), r.RPS, theme.Plain),
				number(format.Quantile(r.P95, r.P95Bucket), r.P95, screen.QuantileLook(r.Measured, screen.EnoughP95, r.P95Bucket)),
				number(format.Percent(r.ErrorRatio), r.ErrorRatio, screen.ErrorLook(r.ErrorRatio)),
				number(format.Percent(r.TimeShare), r.TimeShare, theme.Plain),
			}
		},
		Selected: selected,
		Top:      screen.Top(selected, len(rows), h-1),
	}.Draw(body)
}

// number is a cell that is dimmed when it is unknown or nothing.
func number(text string, v analysis.Value, st canvas.Style) widget.Cell {
	return widget.Cell{Text: text, Style: screen.Quiet(v, st)}
}

func drawKeys(a canvas.Area, f screen.Frame) {
	c := f.Report.Cache
	body := screen.Panel(a, f, analysis.PartKeys, "Hot keys"+cacheTitle(c))
	if c == nil || len(c.HotKeys) == 0 {
		screen.Empty(body, f.Report, analysis.KindRedis, "--redis redis://HOST")
		return
	}
	widget.Table{
		Columns: []widget.Column{
			{Title: "KEY", Width: 10, Flex: true, Ends: true},
			{Title: "READS/S", Width: 8, Right: true, Sort: -1},
			{Title: "SIZE", Width: 5, Right: true, Drop: 1},
			{Title: "TTL", Width: 6, Right: true},
		},
		Rows: len(c.HotKeys),
		Row: func(i int) []widget.Cell {
			k := &c.HotKeys[i]
			ttl := number(format.Age(k.TTLSeconds), k.TTLSeconds, theme.Plain)
			if k.NoTTL {
				ttl = widget.Cell{Text: "none", Style: theme.Warn}
			}
			return []widget.Cell{
				{Text: k.Key.String()},
				number(format.Number(k.ReadsPerSecond), k.ReadsPerSecond, theme.Plain),
				number(format.Bytes(k.Bytes), k.Bytes, theme.Dim),
				ttl,
			}
		},
		Selected: -1,
	}.Draw(body)
}

// cacheTitle is the cache's health in a few words.
func cacheTitle(c *analysis.Cache) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf(" · hit %s · %s/s", format.Percent(c.HitRatio), format.Number(c.OpsPerSecond))
}

func drawLimits(a canvas.Area, f screen.Frame) {
	l := f.Report.Limits
	title := "Callers"
	if l != nil {
		title = fmt.Sprintf("Callers · %d throttled", l.ThrottledSubjects)
	}
	body := screen.Panel(a, f, analysis.PartKeys, title)
	if l == nil || len(l.Subjects) == 0 {
		screen.Empty(body, f.Report, analysis.KindRedis, "--redis redis://HOST")
		return
	}
	widget.Table{
		Columns: []widget.Column{
			{Title: "CALLER", Width: 18, Flex: true},
			{Title: "USED", Width: 9, Right: true},
			{Title: "RESET", Width: 6, Right: true},
			{Title: "429/S", Width: 5, Right: true, Drop: 1},
		},
		Rows:     len(l.Subjects),
		Row:      func(i int) []widget.Cell { return subjectCells(&l.Subjects[i]) },
		Selected: -1,
	}.Draw(body)
}

func subjectCells(s *analysis.Subject) []widget.Cell {
	st, mark := theme.Plain, ""
	if s.IsBlocked() {
		st, mark = theme.Bad, "!"
	}
	return []widget.Cell{
		{Text: mark + s.Subject.String() + " " + strings.TrimPrefix(s.Endpoint.String(), "/"), Style: st},
		{Text: format.Whole(s.Used) + "/" + limitText(s.Limit), Style: st},
		number(format.Age(s.ResetsInSeconds), s.ResetsInSeconds, theme.Plain),
		number(format.Number(s.DeniedPerSecond), s.DeniedPerSecond, theme.Warn),
	}
}

// limitText is a limit in its shortest form; limits are round numbers.
func limitText(v analysis.Value) string {
	if !v.OK {
		return "?"
	}
	return format.Tick(v.V)
}

func drawStatements(a canvas.Area, f screen.Frame) {
	d := f.Report.Database
	title := "Statements"
	if d != nil {
		title = fmt.Sprintf("Statements · load %s · conns %s/%s",
			format.Number(d.Load), format.Whole(d.Connections.Used), format.Whole(d.Connections.Max))
	}
	body := screen.Panel(a, f, analysis.PartStatements, title)
	if d == nil || len(d.Statements) == 0 {
		screen.Empty(body, f.Report, analysis.KindPostgres, "--postgres postgres://HOST/DATABASE")
		return
	}
	widget.Table{
		Columns: []widget.Column{
			{Title: "QUERY", Width: 16, Flex: true},
			{Title: "CALLS/S", Width: 7, Right: true},
			{Title: "/REQ", Width: 5, Right: true, Drop: 1},
			{Title: "MEAN", Width: 6, Right: true},
			{Title: "LOAD", Width: 5, Right: true, Sort: -1},
		},
		Rows: len(d.Statements),
		Row: func(i int) []widget.Cell {
			s := &d.Statements[i]
			return []widget.Cell{
				{Text: brief(s.Query.String())},
				number(format.Number(s.CallsPerSecond), s.CallsPerSecond, theme.Plain),
				number(format.Number(s.CallsPerRequest), s.CallsPerRequest, theme.Plain),
				number(format.Seconds(s.Mean), s.Mean, theme.Plain),
				number(format.Percent(s.Share), s.Share, theme.Plain),
			}
		},
		Selected: -1,
	}.Draw(body)
}

// drawHost is the machine in one line.
func drawHost(a canvas.Area, f screen.Frame) {
	if f.Report.Stale[analysis.PartHost] {
		a = a.With(canvas.Faint)
	}
	h := f.Report.Host
	if h == nil {
		a.Text(0, 0, "host: "+format.Unknown, theme.Dim)
		return
	}
	x := meter(a, 0, "cpu", h.CPURatio, format.Percent(h.CPURatio))
	memory := analysis.Value{V: h.MemoryUsedBytes.V / math.Max(h.MemoryBytes.V, 1), OK: h.MemoryUsedBytes.OK && h.MemoryBytes.OK}
	x = meter(a, x, "mem", memory, format.Bytes(h.MemoryUsedBytes))
	for _, g := range []figure{
		{"api", processText(h.Process), theme.Plain},
		{"disk", format.Bytes(sum(h.DiskReadPerSec, h.DiskWritePerSec)) + "/s", theme.Plain},
		{"net", format.Bytes(sum(h.NetRxPerSec, h.NetTxPerSec)) + "/s", theme.Plain},
		{"load", format.Number(h.Load1), theme.Plain},
	} {
		if w, _ := a.Size(); x+canvas.Width(g.label)+1+canvas.Width(g.text) > w {
			break
		}
		x = a.Text(x, 0, g.label+" ", theme.Label)
		a.Text(x, 0, g.text, g.style)
		x += max(canvas.Width(g.text), 8) + 1
	}
}

// meter draws a labelled bar and its number, and returns where the next begins.
func meter(a canvas.Area, x int, label string, share analysis.Value, text string) int {
	x = a.Text(x, 0, label+" ", theme.Label)
	v := math.NaN()
	if share.OK {
		v = share.V
	}
	widget.Gauge(a.Sub(x, 0, 6, 1), v, screen.Alarm(share, 0.7, 0.9))
	a.TextRight(x+6, 0, 6, text, theme.Plain)
	return x + 14
}

func sum(a, b analysis.Value) analysis.Value {
	return analysis.Value{V: a.V + b.V, OK: a.OK && b.OK}
}

// processText is the watched process: cores and memory.
func processText(p *analysis.Process) string {
	if p == nil {
		return format.Unknown
	}
	return format.Number(p.CPUCores) + "c " + format.Bytes(p.RSSBytes)
}

// brief leaves out the list of columns of a SELECT, so that the table and the
// condition are seen in a narrow column.
func brief(query string) string {
	const verb, from = "select ", " from "
	if len(query) < len(verb) || !strings.EqualFold(query[:len(verb)], verb) {
		return query
	}
	i := strings.Index(strings.ToLower(query), from)
	if i < len(verb)+4 {
		return query
	}
	return query[:len(verb)] + "…" + query[i:]
}
