package analysis

import (
	"slices"
	"time"

	"apitop/collectors/snapshot"
)

// fleet is the section by what a Prometheus-compatible server computed: its
// figures a second, times the window, count as what happened in it.
func (h *httpState) fleet(r *snapshot.Rates) *HTTP {
	window := snapshot.Known(r.Window.Seconds())
	h.rows.begin()
	for _, c := range r.Requests {
		h.rows.route(keyOf(c.Series)).n += c.Total * window.V
	}
	for i := range r.Durations { // routes that are only timed, as on a page
		if s := r.Durations[i].Series; !s.Route.IsZero() {
			h.rows.route(keyOf(s))
		}
	}
	made := h.rows.settle()
	all := &sums{apart: !r.Page.Statuses.IsZero()}
	for _, c := range r.Requests {
		n, status := snapshot.Known(c.Total*window.V), c.Series.Status.String()
		h.rows.route(keyOf(c.Series)).dest().add().count(n, window, status)
		if all.apart {
			all.began(n, window)
		} else {
			all.count(n, window, status)
		}
	}
	for _, c := range r.Statuses {
		if c.Total > 0 {
			all.answered(c.Series.Status.String(), c.Total*window.V)
		}
	}
	for i := range r.Durations {
		d := &r.Durations[i]
		l := during(d, window.V)
		all.ladder.add(l)
		if x := h.rows.known(keyOf(d.Series)); x != nil {
			x.dest().add().timed(l, window)
		}
	}
	out := &HTTP{InFlight: r.InFlight, Targets: []string{r.Target.String()}}
	all.fill(out)
	h.fillRows(out, made, all.ladder.sum)
	h.rows.forget()
	for i := range r.Instances {
		out.Instances = append(out.Instances, instanceFrom(&r.Instances[i], window))
	}
	return out
}

// known is the row of a route when it is in this report; nil when it is not.
func (r *rows) known(key routeKey) *row {
	if x := r.byRoute[key]; x != nil && x.used == r.report {
		return x
	}
	return nil
}

// during is what a histogram of figures a second saw in so many seconds.
func during(d *snapshot.Histogram, seconds float64) ladder {
	l := ladder{bounds: d.Bounds, cum: make([]float64, len(d.Cumulative)), count: d.Count * seconds, sum: d.Sum * seconds}
	for i, v := range d.Cumulative {
		l.cum[i] = v * seconds
	}
	if d.Native != nil {
		l.native = combined(&snapshot.Native{
			Schema: d.Native.Schema, PerSecond: d.Native.PerSecond, ZeroThreshold: d.Native.ZeroThreshold,
		}, d.Native, seconds)
	}
	return l
}

// instanceFrom is one instance of a fleet. The server is asked for few figures
// of each when there are many.
func instanceFrom(i *snapshot.InstanceRates, window Value) Instance {
	out := Instance{
		Name: i.Name, Up: i.Up.V > 0 || !i.Up.OK && i.RPS.OK, RPS: i.RPS, ErrorRatio: i.ErrorRatio,
		InFlight: i.InFlight, P95: i.P95Seconds, Avg: i.AvgSeconds,
	}
	if out.Up {
		out.Processes = 1 // what a server calls an instance is one page
	}
	if i.RPS.OK {
		out.Requests = snapshot.Known(i.RPS.V * window.V)
		out.Measured = out.Requests.V
	}
	if i.Durations.Count > 0 {
		l := during(&i.Durations, window.V)
		l.sum = l.count * i.AvgSeconds.V
		out.percentiles(&l)
	}
	return out
}

// bringPast puts what a server knows of the time before the first reading in
// front of the history, by our clock and with a point a round, as if we had been
// there. What cannot be known of it stays unknown.
func (e *Engine) bringPast(s snapshot.Snapshot) {
	if s.Rates == nil || len(s.Rates.Past) == 0 {
		return
	}
	until := s.At
	if live := e.history.all(); len(live) > 0 {
		until = live[0].At
	}
	room := e.history.keep - len(e.history.all())
	e.history.prepend(resampled(pointsOf(s.Rates, s.At.Sub(s.Rates.At)), until, e.opt.Interval, room))
}

// pointsOf are the moments of the past of r. offset goes from the server's clock
// to ours.
func pointsOf(r *snapshot.Rates, offset time.Duration) []Point {
	known := make([]Point, len(r.Past))
	for i := range r.Past {
		known[i] = pointOf(&r.Past[i], r.Window.Seconds())
		known[i].At = r.Past[i].At.Add(offset)
	}
	return known
}

// resampled is what is known of the past as the points of rounds before until,
// most at the most. A moment tells of the time since the one before it.
func resampled(known []Point, until time.Time, interval time.Duration, most int) []Point {
	step := interval
	if len(known) > 1 {
		step = known[1].At.Sub(known[0].At)
	}
	first := known[0].At.Add(-step)
	var points []Point
	for at := until.Add(-interval); at.After(first) && len(points) < most; at = at.Add(-interval) {
		i, _ := slices.BinarySearchFunc(known, at, func(p Point, t time.Time) int { return p.At.Compare(t) })
		p := Point{} // beyond the end nothing is known, but for the rest of a step
		switch {
		case i < len(known):
			p = known[i]
		case at.Sub(known[i-1].At) < step:
			p = known[i-1]
		}
		p.At = at
		points = append(points, p)
	}
	slices.Reverse(points)
	return points
}

// pointOf is a moment whose figures cover a window of so many seconds.
func pointOf(m *snapshot.Moment, window float64) Point {
	p := Point{RPS: m.RPS, ErrorRatio: m.ErrorRatio, InFlight: m.InFlight, Throttled: m.Throttled}
	l := during(&m.Durations, window)
	p.Measured = l.count
	p.P50, _ = l.quantile(0.50)
	p.P95, _ = l.quantile(0.95)
	p.P99, _ = l.quantile(0.99)
	return p
}

// prepend puts older elements before all others.
func (t *tail[T]) prepend(older []T) {
	t.buf = slices.Concat(older, t.buf)
	if n := len(t.buf) - t.keep; n > 0 {
		t.buf = t.buf[n:]
	}
}
