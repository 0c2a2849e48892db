package cache

import (
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

// heading is the title of the health: what server this is.
func heading(c *analysis.Cache) string {
	parts := []string{"Cache"}
	if c != nil {
		for _, p := range []string{c.Server.String(), c.Mode, c.Policy.String()} {
			if p != "" && p != "standalone" {
				parts = append(parts, p)
			}
		}
	}
	return strings.Join(parts, " · ")
}

// Sizes from which the health is drawn in another way.
const (
	wide = 100 // with charts beside the figures
	tall = 26  // in more lines
)

// healthRows is how many lines of a body of that size are for the health.
func healthRows(w, h int) int {
	switch {
	case h >= tall && w >= wide:
		return min(h/4, 9)
	case h >= tall:
		return 5
	case w < 70:
		return min(3, h/4)
	default:
		return 3
	}
}

// item is a figure of the health.
type item struct {
	label, text string
	style       canvas.Style
	draw        func(canvas.Area) // beside the text; nil: nothing
}

// drawHealth draws the figures, and their past beside them where there is room.
func drawHealth(a canvas.Area, f screen.Frame) {
	if f.Report.Stale[analysis.PartRedis] {
		a = a.With(canvas.Faint)
	}
	w, h := a.Size()
	if w >= wide && h >= 5 {
		left, right := a.Left(w * 2 / 5)
		drawItems(left, health(f.Report, false))
		hit, ops := right.Left((w - w*2/5) / 2)
		drawPast(hit, f.Report, "hit ratio", func(p *analysis.Point) analysis.Value { return p.HitRatio }, 1)
		drawPast(ops, f.Report, "operations per second", func(p *analysis.Point) analysis.Value { return p.RedisOps }, 0)
		return
	}
	drawItems(a, health(f.Report, w >= 76))
}

// health are the figures, those that matter most first. sparks adds the last
// minutes of two of them.
func health(r *analysis.Report, sparks bool) []item {
	c := r.Cache
	known := func(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }
	memory := analysis.Value{V: c.MemoryBytes.V / max(c.MaxMemoryBytes.V, 1), OK: c.MemoryBytes.OK && c.MaxMemoryBytes.OK}
	of := func(v, most analysis.Value, write written) string {
		if most.OK {
			return write(v) + "/" + write(most)
		}
		return write(v)
	}
	hit := item{"hit", strings.TrimSpace(format.Percent(c.HitRatio) + " " + from(c.HitRatioFrom)), screen.Quiet(c.HitRatio, theme.Strong), nil}
	ops := item{"ops", format.Number(c.OpsPerSecond) + "/s", screen.Quiet(c.OpsPerSecond, theme.Strong), nil}
	if sparks {
		hit.draw = func(a canvas.Area) { spark(a, r, func(p *analysis.Point) analysis.Value { return p.HitRatio }, 1) }
		ops.draw = func(a canvas.Area) { spark(a, r, func(p *analysis.Point) analysis.Value { return p.RedisOps }, 0) }
	}
	mem := item{"memory", of(c.MemoryBytes, c.MaxMemoryBytes, format.Bytes), screen.Alarm(memory, 0.85, 0.97), nil}
	if memory.OK {
		mem.draw = func(a canvas.Area) { widget.Gauge(a, memory.V, screen.Alarm(memory, 0.85, 0.97)) }
	} else {
		mem.style = theme.Plain
	}
	clients := analysis.Value{V: c.Clients.V / max(c.MaxClients.V, 1), OK: c.Clients.OK && c.MaxClients.OK}
	clientStyle := theme.Plain
	if clients.OK && clients.V > 0.8 {
		clientStyle = screen.Alarm(clients, 0.8, 0.95)
	}
	return []item{
		hit, ops, mem,
		{"evicted", format.Number(c.EvictedPerSecond) + "/s", screen.Quiet(c.EvictedPerSecond, theme.Warn), nil},
		{"expired", format.Number(c.ExpiredPerSecond) + "/s", screen.Quiet(c.ExpiredPerSecond, theme.Plain), nil},
		{"errors", format.Number(c.ErrorsPerSecond) + "/s", screen.Quiet(c.ErrorsPerSecond, theme.Bad), nil},
		{"cpu", format.Percent(c.CPURatio), screen.Quiet(c.CPURatio, screen.Alarm(c.CPURatio, 0.6, 0.85)), nil},
		{"keys", format.Whole(c.Keys), theme.Plain, nil},
		{"clients", of(c.Clients, c.MaxClients, format.Whole), clientStyle, nil},
		{"blocked", format.Whole(c.BlockedClients), screen.Quiet(c.BlockedClients, theme.Warn), nil},
		{"rejected", format.Number(c.RejectedPerSecond) + "/s", screen.Quiet(c.RejectedPerSecond, theme.Bad), nil},
		{"frag", format.Number(c.FragmentationRatio), fragmentationLook(c), nil},
		{"slow", format.Number(c.SlowPerSecond) + "/s", screen.Quiet(c.SlowPerSecond, theme.Warn), nil},
		{"by apitop", format.Number(c.OwnPerSecond) + "/s" + ownShare(c), theme.Dim, nil},
		{"rss", format.Bytes(c.RSSBytes), theme.Plain, nil},
		{"in", format.Bytes(c.NetInPerSecond) + "/s", theme.Plain, nil},
		{"out", format.Bytes(c.NetOutPerSecond) + "/s", theme.Plain, nil},
		{"connects", format.Number(c.ConnectsPerSecond) + "/s", theme.Plain, nil},
		{"without TTL", format.Percent(withoutTTL(c, known)), theme.Plain, nil},
		{"avg TTL", format.Age(c.AvgTTLSeconds), theme.Plain, nil},
	}
}

// smallWaste is how many bytes may be lost to fragmentation before it matters: the
// program itself takes that much.
const smallWaste = 64 << 20

// fragmentationLook is alarming only where a lot of memory is lost: of a server
// with little in it the ratio is always high.
func fragmentationLook(c *analysis.Cache) canvas.Style {
	if !c.RSSBytes.OK || c.RSSBytes.V-c.MemoryBytes.V < smallWaste {
		return screen.Quiet(c.FragmentationRatio, theme.Plain)
	}
	return screen.Quiet(c.FragmentationRatio, screen.Alarm(c.FragmentationRatio, 1.5, 2))
}

// from says whose count the hit ratio is.
func from(source string) string {
	switch source {
	case "metrics":
		return "by the service"
	case "redis":
		return "of all lookups"
	default:
		return ""
	}
}

// ownShare is how much of what the server does is for apitop.
func ownShare(c *analysis.Cache) string {
	if !c.OwnPerSecond.OK || !c.OpsPerSecond.OK || c.OwnPerSecond.V+c.OpsPerSecond.V <= 0 {
		return ""
	}
	share := c.OwnPerSecond.V / (c.OwnPerSecond.V + c.OpsPerSecond.V)
	return " " + format.Percent(analysis.Value{V: share, OK: true})
}

// withoutTTL is the share of keys that never expire.
func withoutTTL(c *analysis.Cache, known func(float64) analysis.Value) analysis.Value {
	if !c.Keys.OK || !c.ExpiringKeys.OK || c.Keys.V <= 0 {
		return analysis.Value{}
	}
	return known(math.Max(1-c.ExpiringKeys.V/c.Keys.V, 0))
}

// sparkWidth is the room for what is drawn beside a figure.
const sparkWidth = 10

// drawItems writes figures from left to right in columns, line after line, as
// far as they fit.
func drawItems(a canvas.Area, items []item) {
	w, h := a.Size()
	x, y := 0, 0
	for _, it := range items {
		n := canvas.Width(it.label) + 1 + canvas.Width(it.text)
		if it.draw != nil {
			n += 1 + sparkWidth
		}
		if x > 0 && x+n > w {
			x, y = 0, y+1
		}
		if y >= h {
			return
		}
		at := a.Text(x, y, it.label, theme.Label) + 1
		at = a.Text(at, y, it.text, it.style)
		if it.draw != nil {
			it.draw(a.Sub(at+1, y, sparkWidth, 1))
		}
		x += n + 2
	}
}

// spark draws the newest values of the history; a top of 0 is chosen from them.
func spark(a canvas.Area, r *analysis.Report, of func(*analysis.Point) analysis.Value, top float64) {
	w, _ := a.Size()
	points := r.History[max(len(r.History)-6*w, 0):]
	v := make([]float32, len(points))
	for i := range points {
		v[i] = float32(math.NaN())
		if p := of(&points[i]); p.OK {
			v[i] = float32(p.V)
		}
	}
	if top == 0 {
		for _, x := range v {
			if float64(x) > top {
				top = float64(x)
			}
		}
	}
	widget.Spark(a, v, top, theme.Series1)
}

// drawPast draws a figure over time; a top of 0 is chosen from its values.
func drawPast(a canvas.Area, r *analysis.Report, title string, of func(*analysis.Point) analysis.Value, top float64) {
	a, _ = a.Left(-1)
	head, body := a.Top(1)
	head.Text(8, 0, title, theme.Label)
	points := r.History
	n := len(points)
	if n == 0 {
		return
	}
	label := format.Tick
	if top == 1 {
		label = func(v float64) string { return format.Percent(analysis.Value{V: v, OK: true}) }
	}
	chart := widget.Chart{
		N: n, Time: func(i int) time.Time { return points[i].At },
		Span: span(points[n-1].At.Sub(points[0].At)), Top: top, Label: label,
		Lines: []widget.Line{{Style: theme.Series1, Filled: true, Value: func(i int) float64 {
			if v := of(&points[i]); v.OK {
				return v.V
			}
			return math.NaN()
		}}},
	}
	for _, e := range r.Events {
		chart.Marks = append(chart.Marks, e.At)
	}
	chart.Draw(body)
}

// span is the time that a chart shows of a history so long.
func span(age time.Duration) time.Duration {
	for _, s := range [...]time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
		if age < s {
			return s
		}
	}
	return time.Hour
}
