package cache

import (
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

// histogram is one distribution, ready to be drawn.
type histogram struct {
	title, note string
	buckets     []analysis.Count
	write       written
	style       canvas.Style
}

// drawSpread draws how sizes and lifetimes of the keys spread: of a sample, and
// of all keys where the server counts them.
func drawSpread(a canvas.Area, c *analysis.Cache) {
	all := histograms(c)
	if len(all) == 0 {
		widget.Wrap(a, theme.Dim, "no key was sampled yet: the sample fills while all keys are walked through")
		return
	}
	w, h := a.Size()
	columns := min(max(w/58, 1), len(all))
	rows := (len(all) + columns - 1) / columns
	for h/rows < 4 && rows > 1 { // rather fewer than unreadable ones
		rows--
	}
	for i, g := range all[:min(rows*columns, len(all))] {
		x, y := i%columns*(w/columns), i/columns*(h/rows)
		part := a.Sub(x, y, w/columns-1, h/rows)
		g.drawIn(part)
	}
}

func histograms(c *analysis.Cache) []histogram {
	var all []histogram
	if s := c.Sample; s != nil && s.N > 0 {
		note := fmt.Sprintf("%d of %s keys", s.N, format.Whole(analysis.Value{V: s.Of, OK: true}))
		never := format.Percent(analysis.Value{V: float64(s.NoTTL) / float64(s.N), OK: true}) + " never expire"
		all = append(
			all,
			histogram{"Sizes", note, s.Bytes, format.Bytes, theme.Series1},
			histogram{"Lifetimes", never, s.TTLs, format.Age, theme.Series2},
		)
	}
	for _, k := range c.KeySizes {
		write := format.Whole
		if k.Unit == "bytes" {
			write = format.Bytes
		}
		all = append(all, histogram{"All " + k.Type, "by " + k.Unit, k.Buckets, write, theme.Series3})
	}
	return all
}

// drawIn draws a bar a bucket.
func (g histogram) drawIn(a canvas.Area) {
	body := widget.Panel(a, strings.TrimSpace(g.title+" · "+g.note), "")
	w, h := body.Size()
	buckets := merge(trim(g.buckets), h)
	if len(buckets) == 0 {
		body.Text(0, 0, "none", theme.Dim)
		return
	}
	most, total := 0.0, 0.0
	for _, b := range buckets {
		most, total = max(most, b.N), total+b.N
	}
	for y, b := range buckets {
		bound := "more"
		if b.UpTo.OK {
			bound = "≤" + round(g.write(b.UpTo))
		}
		body.TextRight(0, y, 8, bound, theme.Plain)
		widget.Gauge(body.Sub(9, y, w-23, 1), b.N/most, g.style)
		body.TextRight(w-13, y, 7, format.Whole(analysis.Value{V: b.N, OK: true}), screen.Quiet(analysis.Value{V: b.N, OK: true}, theme.Plain))
		body.TextRight(w-6, y, 6, format.Percent(analysis.Value{V: b.N / total, OK: true}), theme.Dim)
	}
}

// round is a bound without the figures that say nothing: "5m00s" is "5m".
func round(text string) string {
	for _, end := range [...]struct{ long, short string }{{"m00s", "m"}, {"h00m", "h"}} {
		if cut, found := strings.CutSuffix(text, end.long); found {
			return cut + end.short
		}
	}
	number := strings.TrimRight(text, "KMGTs")
	if !strings.Contains(number, ".") {
		return text
	}
	return strings.TrimRight(strings.TrimRight(number, "0"), ".") + text[len(number):]
}

// trim cuts empty buckets off both ends.
func trim(list []analysis.Count) []analysis.Count {
	for len(list) > 0 && list[0].N == 0 {
		list = list[1:]
	}
	for len(list) > 0 && list[len(list)-1].N == 0 {
		list = list[:len(list)-1]
	}
	return list
}

// merge puts neighbours of more than h buckets together: at least two into one,
// from the small end on, as the large ones are what one looks for.
func merge(list []analysis.Count, h int) []analysis.Count {
	if h <= 0 {
		return nil
	}
	list = slices.Clone(list)
	for len(list) > h {
		var shorter []analysis.Count
		for i := 0; i < len(list); i++ {
			if i+1 < len(list) && len(list)-i+len(shorter) > h {
				next := list[i+1]
				next.N += list[i].N
				shorter = append(shorter, next)
				i++
				continue
			}
			shorter = append(shorter, list[i])
		}
		list = shorter
	}
	return list
}

// drawBurst draws what a moment of listening brought: by command and by client.
func drawBurst(a canvas.Area, c *analysis.Cache, may bool) {
	b := c.Burst
	if b == nil {
		what, fix := "no command was listened to yet", "b listens for a moment"
		if !may {
			what, fix = "nobody listens to the commands: it costs the server a little for a moment", "start with --allow-monitor, then press b"
		}
		widget.Wrap(widget.Wrap(a, theme.Dim, what), theme.Accent, fix)
		return
	}
	w, h := a.Size()
	line, rest := a.Top(1)
	text := fmt.Sprintf("%d commands in %s, %s ago", b.Lines, format.Seconds(b.Span), format.Age(b.AgeSeconds))
	if b.Span.OK && b.Span.V > 0 {
		text += fmt.Sprintf(" · %s/s", format.Number(analysis.Value{V: float64(b.Lines) / b.Span.V, OK: true}))
	}
	if b.WriteRatio.OK {
		text += " · " + format.Percent(b.WriteRatio) + " writes"
	}
	if b.Cut != "" {
		text += " · ended by " + b.Cut
	}
	line.TextIn(0, 0, w, text, theme.Plain)
	left, right := rest.Left(w / 2)
	if w < 60 {
		left, right = rest.Top((h - 1) / 2)
	}
	left, _ = left.Left(-1)
	drawCounts(left, "Commands", b.Commands)
	drawCounts(right, "Clients", b.Clients)
}

// drawCounts draws a bar a name, as a share of all that have one.
func drawCounts(a canvas.Area, title string, counts []analysis.BurstCount) {
	all := int64(0)
	for _, c := range counts {
		all += int64(c.Count)
	}
	body := widget.Panel(a, title, "")
	w, h := body.Size()
	name := min(max(w/3, 10), 24)
	for y, c := range counts[:min(len(counts), h)] {
		share := analysis.Value{V: float64(c.Count) / float64(max(all, 1)), OK: true}
		body.TextIn(0, y, name, c.Name.String(), theme.Plain)
		widget.Gauge(body.Sub(name+1, y, w-name-15, 1), share.V, theme.Series1)
		body.TextRight(w-13, y, 6, format.Whole(analysis.Value{V: float64(c.Count), OK: true}), theme.Plain)
		body.TextRight(w-6, y, 6, format.Percent(share), theme.Dim)
	}
}
