package cache

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// draw draws the page: what the key is, how it is read, what is in it, and the
// routes that speak of the same thing.
func (p *page) draw(a canvas.Area, f screen.Frame) {
	body := screen.Panel(a, f, analysis.PartKeys, "Key › "+p.key.shown)
	w, _ := body.Size()
	hot := p.hot(f.Report)
	top, rest := body.Top(3)
	p.drawFacts(top, f, hot)
	routes := p.routes(f.Report)
	if w >= 110 {
		left, right := rest.Left(w * 3 / 5)
		left, _ = left.Left(-2)
		p.drawValue(left)
		_, h := right.Size()
		up, down := right.Top(min(max(h-len(routes)-2, 4), mostTrend))
		drawTrend(up, hot)
		p.drawRoutes(down, routes)
		return
	}
	_, h := rest.Size()
	room := min(len(routes)+1, h/3)
	if len(routes) == 0 {
		room = 0
	}
	up, down := rest.Top(h - room)
	if _, h := up.Size(); h >= 14 {
		var past canvas.Area
		past, up = up.Top(3)
		drawTrend(past, hot)
	}
	p.drawValue(up)
	p.drawRoutes(down, routes)
}

// mostTrend is how many rows the past of a key takes at most, with its title and
// its peak.
const mostTrend = 10

// drawFacts are the key's figures: what the look at it said, and how it is read.
func (p *page) drawFacts(a canvas.Area, f screen.Frame, hot *analysis.HotKey) {
	lines, note := a.Top(2)
	if hot == nil {
		hot = &analysis.HotKey{}
	}
	items := []item{
		{"reads/s", rateText(hot), screen.Quiet(hot.ReadsPerSecond, theme.Strong), nil},
		{"by", methodText(hot), theme.Plain, nil},
		{"share", format.Percent(hot.Share), theme.Plain, nil},
	}
	d := p.detail
	if d == nil || !d.Found {
		d = &screen.KeyDetail{Type: hot.Type, TTLSeconds: hot.TTLSeconds, NoTTL: hot.NoTTL, Bytes: hot.Bytes}
	}
	items = append([]item{
		{"type", cmp.Or(d.Type, format.Unknown), theme.Strong, nil},
		{"encoding", cmp.Or(d.Encoding, format.Unknown), theme.Plain, nil},
		{"size", format.Bytes(d.Bytes), theme.Plain, nil},
		{"length", lengthText(d), theme.Plain, nil},
		{"TTL", ttlText(d.TTLSeconds, d.NoTTL), theme.Plain, nil},
	}, items...)
	if sent := sentPerSecond(hot, d); sent.OK {
		items = append(items, item{"sends", format.Bytes(sent) + "/s", screen.Quiet(sent, theme.Plain), nil})
	}
	if hot.GrowthPerSec.OK {
		items = append(items, item{"grows", format.Bytes(hot.GrowthPerSec) + "/s", screen.Quiet(hot.GrowthPerSec, theme.Warn), nil})
	}
	if !hot.Node.IsZero() {
		items = append(items, item{"node", hot.Node.String(), theme.Dim, nil})
	}
	drawItems(lines, items)
	text, st := p.note(f)
	w, _ := note.Size()
	note.TextIn(0, 0, w, text, st)
}

// sentPerSecond is what reading a key costs of the network: of a string each read
// sends all of it, of other types nobody knows which part.
func sentPerSecond(hot *analysis.HotKey, d *screen.KeyDetail) analysis.Value {
	known := d.Type == "string" && d.Length.OK && hot.ReadsPerSecond.OK
	return analysis.Value{V: hot.ReadsPerSecond.V * d.Length.V, OK: known}
}

// lengthText is the length with its unit.
func lengthText(d *screen.KeyDetail) string {
	switch {
	case !d.Length.OK:
		return format.Unknown
	case d.Type == "string":
		return format.Bytes(d.Length)
	default:
		return format.Whole(d.Length) + " elements"
	}
}

// note says how old the look at the key is, or why there is none.
func (p *page) note(f screen.Frame) (string, canvas.Style) {
	age := analysis.Value{V: max(f.Report.At.Sub(p.at).Seconds(), 0), OK: true}
	switch {
	case p.err != nil:
		return p.err.Error(), theme.Bad
	case p.detail == nil && p.asking:
		return "looking at the key …", theme.Dim
	case p.detail == nil:
		return "no live server to look at: these are the figures of the report", theme.Dim
	case !p.detail.Found:
		return format.Age(age) + " ago there was no such key, or it may not be read", theme.Warn
	case len(p.detail.Missing) > 0:
		return strings.Join(p.detail.Missing, "; "), theme.Warn
	}
	return "looked at " + format.Age(age) + " ago: R looks again", theme.Dim
}

// drawValue draws the beginning of the value, or some of its elements.
func (p *page) drawValue(a canvas.Area) {
	d := p.detail
	if d == nil || !d.Found {
		widget.Panel(a, "Value", "")
		return
	}
	title := "Value"
	if d.Format != "" {
		title += " · " + d.Format
	}
	body := widget.Panel(a, title+p.extent(), "")
	w, h := body.Size()
	if len(d.Preview) == 0 {
		text := "nothing is read of a value of this kind or size"
		if d.Length.OK && d.Length.V == 0 {
			text = "empty"
		}
		body.TextIn(0, 0, w, text, theme.Dim)
		return
	}
	for y, l := range d.Preview[:min(len(d.Preview), h)] {
		if y == h-1 && (len(d.Preview) > h || d.Cut) {
			body.Text(0, y, "…", theme.Dim)
			return
		}
		body.TextIn(0, y, w, l.String(), theme.Plain)
	}
	if d.Cut {
		body.Text(0, len(d.Preview), "…", theme.Dim)
	}
}

// extent says how much of the value is shown.
func (p *page) extent() string {
	d := p.detail
	switch {
	case !d.Cut:
		return ""
	case d.Type == "string":
		return " · the first bytes of " + format.Bytes(d.Length)
	case d.Type == "stream":
		return " · the newest of " + format.Whole(d.Length) + " entries"
	default:
		return fmt.Sprintf(" · %d of %s elements", len(d.Preview), format.Whole(d.Length))
	}
}

// drawTrend draws how often the key was read of late.
func drawTrend(a canvas.Area, hot *analysis.HotKey) {
	body := widget.Panel(a, "Reads per second", "")
	if hot == nil || len(hot.Trend) == 0 {
		body.Text(0, 0, "not followed: no reads are known", theme.Dim)
		return
	}
	if !slices.ContainsFunc(hot.Trend, func(v float32) bool { return v == v }) {
		body.Text(0, 0, "how often it is read is not known", theme.Dim)
		return
	}
	top := 0.0
	for _, v := range hot.Trend {
		if float64(v) > top {
			top = float64(v)
		}
	}
	plot, line := body.Top(-1)
	if _, h := body.Size(); h < 2 {
		plot = body
	}
	widget.Bars(plot, hot.Trend, top, func(float64) canvas.Style { return theme.Series1 })
	line.Text(0, 0, "peak "+format.Number(analysis.Value{V: top, OK: true}), theme.Dim)
}

// drawRoutes draws the routes that speak of the same thing; nothing where none
// does.
func (p *page) drawRoutes(a canvas.Area, routes []analysis.Route) {
	if len(routes) == 0 {
		return
	}
	body := widget.Panel(a, "Routes, by name", "")
	selected := p.cursor.Index(screen.RouteIDs(routes))
	w, _ := body.Size()
	for y := range routes {
		r := &routes[y]
		line := body.Sub(0, y, w, 1)
		if y == selected {
			line = line.With(canvas.Reverse)
			line.Fill(' ', theme.Plain)
		}
		line.TextIn(0, 0, w-28, screen.RouteName(r), theme.Plain)
		line.TextRight(w-27, 0, 6, format.Number(r.RPS), theme.Plain)
		line.Text(w-20, 0, "rps  p95", theme.Dim)
		line.TextRight(w-11, 0, 6, format.Quantile(r.P95, r.P95Bucket), theme.Plain)
	}
}
