package traffic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// drawRoute draws the page of one route: its figures, its answers, and how its
// durations spread over the histogram's buckets, which is all that is really
// known of them.
func drawRoute(a canvas.Area, f screen.Frame, r *analysis.Route) {
	body := screen.Panel(a, f, analysis.PartHTTP, "Route › "+screen.RouteName(r))
	top, rest := body.Top(3)
	figures(top, r)
	w, h := rest.Size()
	if w >= 100 {
		left, right := rest.Left(w * 3 / 5)
		left, _ = left.Left(-2)
		distribution(left, r)
		up, down := right.Top(min(len(r.Status)+2, max(h/3, 3)))
		answers(up, r)
		up, down = down.Top(3)
		trend(up, r)
		if keys := keysOf(f.Report, r); len(keys) > 0 {
			up, down = down.Top(min(len(keys), mostKeys) + 1)
			drawKeys(up, f, keys)
		}
		callers(down, f, r)
		return
	}
	up, down := rest.Top(min(len(r.Status)+2, max(h/3, 3)))
	answers(up, r)
	room := 0
	if n := len(f.Report.CallersOf(r.Method, r.Route)); n > 0 {
		room = min(n+1, h/4)
	}
	keys := keysOf(f.Report, r)
	keyRoom := 0
	if len(keys) > 0 {
		keyRoom = min(len(keys)+1, h/5, mostKeys+1)
	}
	if keyRoom < 2 {
		keyRoom = 0 // a title alone
	}
	_, left := down.Size()
	up, down = down.Top(left - room - keyRoom)
	distribution(up, r)
	up, down = down.Top(keyRoom)
	drawKeys(up, f, keys)
	callers(down, f, r)
}

// callers draws who is limited on this route; nothing where nobody is.
func callers(a canvas.Area, f screen.Frame, r *analysis.Route) {
	list := f.Report.CallersOf(r.Method, r.Route)
	if len(list) == 0 {
		return
	}
	body := screen.Panel(a, f, analysis.PartKeys, "Callers limited here")
	w, _ := body.Size()
	for y, s := range list {
		st, mark := theme.Plain, " "
		if s.IsBlocked() {
			st, mark = theme.Bad, "!"
		}
		body.TextIn(0, y, w-26, mark+s.Subject.String()+" "+s.Tier.String(), st)
		body.TextRight(w-25, y, 11, format.Whole(s.Used)+"/"+format.Whole(s.Limit), st)
		body.TextRight(w-13, y, 13, "resets "+format.Age(s.ResetsInSeconds), theme.Dim)
	}
}

// figures are the route's numbers in two lines.
func figures(a canvas.Area, r *analysis.Route) {
	x := 0
	for _, p := range []struct {
		label, text string
		style       canvas.Style
	}{
		{"rps", format.Number(r.RPS), theme.Strong},
		{"p50", format.Quantile(r.P50, r.P50Bucket), screen.QuantileLook(r.Measured, screen.EnoughP50, r.P50Bucket)},
		{"p95", format.Quantile(r.P95, r.P95Bucket), screen.QuantileLook(r.Measured, screen.EnoughP95, r.P95Bucket)},
		{"p99", format.Quantile(r.P99, r.P99Bucket), screen.QuantileLook(r.Measured, screen.EnoughP99, r.P99Bucket)},
		{"avg", format.Seconds(r.Avg), theme.Plain},
		{"err", format.Percent(r.ErrorRatio), screen.Quiet(r.ErrorRatio, theme.Bad)},
		{"time", format.Percent(r.TimeShare), theme.Plain},
		{"db/rq", format.Number(r.CallsPerRequest), screen.Quiet(r.CallsPerRequest, theme.Plain)},
	} {
		if w, _ := a.Size(); x+11 > w {
			break
		}
		a.Text(x, 0, p.label, theme.Label)
		a.TextRight(x+5, 0, 6, p.text, p.style)
		x += 13
	}
	w, _ := a.Size()
	a.Text(0, 1, note(r, w), theme.Dim)
}

// note says how far the percentiles can be trusted, as much as fits into w
// cells: what makes them wrong comes first.
func note(r *analysis.Route, w int) string {
	measured := fmt.Sprintf("%.0f requests measured", r.Measured)
	switch {
	case r.Measured == 0:
		return "no request was measured in the window"
	case r.P95Bucket == nil && r.BoundsCut:
		return measured + " by histograms without a common bound: no percentiles"
	case r.P95Bucket == nil:
		return measured + " without buckets: no percentiles"
	}
	var parts []string
	if r.AvgBeyond {
		parts = append(parts, "the average lies above the last bucket")
	}
	if r.BoundsCut {
		parts = append(parts, "buckets differ: only common bounds")
	}
	switch p95 := "p95 fell in " + format.Span(r.P95Bucket); {
	case r.Measured < screen.EnoughP95:
		parts = append(parts, "only "+measured+": too few for p95 and p99")
	case r.Measured < screen.EnoughP99 || r.P99Bucket == nil:
		parts = append(parts, p95, measured+": too few for p99")
	default:
		parts = append(parts, p95+", p99 in "+format.Span(r.P99Bucket), measured)
	}
	text := parts[0]
	for _, p := range parts[1:] {
		if longer := text + "; " + p; canvas.Width(longer) <= w {
			text = longer
		}
	}
	return text
}

func answers(a canvas.Area, r *analysis.Route) {
	body := widget.Panel(a, "Answers", "")
	w, _ := body.Size()
	for y, status := range slices.Sorted(maps.Keys(r.Status)) {
		n := r.Status[status]
		share := n / max(r.Requests.V, 1)
		body.TextIn(0, y, 8, cmp.Or(status, "unknown"), statusStyle(status))
		body.TextRight(9, y, 6, format.Whole(analysis.Value{V: n, OK: true}), theme.Plain)
		body.TextRight(16, y, 5, format.Percent(analysis.Value{V: share, OK: true}), theme.Dim)
		widget.Gauge(body.Sub(23, y, min(w-23, 40), 1), share, statusStyle(status))
	}
}

func statusStyle(status string) canvas.Style {
	switch {
	case status == "":
		return theme.Dim
	case status[0] == '5':
		return theme.Bad
	case status[0] == '4':
		return theme.Warn
	default:
		return theme.Good
	}
}

// distribution draws a bar a bucket, without the empty ends of the ladder.
func distribution(a canvas.Area, r *analysis.Route) {
	body := widget.Panel(a, "Durations", "")
	w, h := body.Size()
	buckets := fitting(trim(r.Distribution(h)), h)
	if len(buckets) == 0 {
		body.Text(0, 0, "no durations in the window", theme.Dim)
		return
	}
	most := slices.MaxFunc(buckets, func(x, y analysis.BucketCount) int { return cmp.Compare(x.N, y.N) }).N
	for y, b := range buckets[:min(len(buckets), h)] {
		st := theme.Plain
		if r.P95Bucket != nil && b.Bucket.Lo <= r.P95Bucket.Lo && r.P95Bucket.Hi <= b.Bucket.Hi {
			st = theme.Accent
		}
		body.TextRight(0, y, 13, format.Span(&b.Bucket), st)
		body.TextRight(14, y, 6, format.Whole(analysis.Value{V: b.N, OK: true}), theme.Dim)
		widget.Gauge(body.Sub(21, y, w-21, 1), b.N/most, theme.Series1)
	}
}

// trim cuts empty buckets off both ends.
func trim(list []analysis.BucketCount) []analysis.BucketCount {
	for len(list) > 0 && list[0].N == 0 {
		list = list[1:]
	}
	for len(list) > 0 && list[len(list)-1].N == 0 {
		list = list[:len(list)-1]
	}
	return list
}

// fitting puts the lowest of more than h buckets together: the slow requests are
// what one looks for, and they are at the other end.
func fitting(list []analysis.BucketCount, h int) []analysis.BucketCount {
	n := len(list) - h
	if n <= 0 || h <= 0 {
		return list
	}
	low := list[0]
	for _, b := range list[1 : n+1] {
		low.Bucket.Hi = b.Bucket.Hi
		low.N += b.N
	}
	return append([]analysis.BucketCount{low}, list[n+1:]...)
}

func trend(a canvas.Area, r *analysis.Route) {
	body := widget.Panel(a, "Requests per second, last minute", "")
	one := []analysis.Route{*r}
	top := trendPeak(one)
	w, _ := body.Size()
	widget.Spark(body.Sub(0, 0, min(w, len(r.Trend)), 1), r.Trend, top, theme.Series1)
	body.Text(0, 1, "peak "+format.Number(analysis.Value{V: top, OK: true}), theme.Dim)
}
