package promql

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"apitop/collectors/snapshot"
)

// Bounds on the search for the past.
const (
	pastTimeout = 30 * time.Second
	mostPoints  = 720
	leastPoints = 12
	// pastSamples is how many samples the server may look at for one query: a few
	// seconds of work for one of its cores.
	pastSamples = 100e6
)

// addPast starts the search for the past with the first reading, so that it
// delays none, and adds what it came to when it is there.
func (c *Collector) addPast(r *snapshot.Rates) {
	switch {
	case c.past <= 0:
	case c.cancel == nil:
		ctx, cancel := context.WithTimeout(context.Background(), pastTimeout)
		c.cancel = cancel
		h := pastOf{api: c.api, plan: c.found.plan, interval: c.found.interval, places: newPlaces(c.places.times.labels, c.places.times.scale)}
		end, length := r.At, c.past
		c.running.Go(func() { c.history <- h.read(ctx, end, length) })
	default:
		select {
		case r.Past = <-c.history:
			c.past = 0
			c.cancel()
		default:
		}
	}
}

// pastOf is a search for the past; it shares nothing with its Collector but the
// api.
type pastOf struct {
	api      *api
	plan     plan
	interval time.Duration
	places   *places
}

// read asks for the time before end. It gives nothing when the server does not
// answer: charts then begin with what is live.
func (h *pastOf) read(ctx context.Context, end time.Time, length time.Duration) []snapshot.Moment {
	s := span{end: end, step: h.step(ctx, end, length)}
	s.start = end.Add(-length / s.step * s.step)
	window := h.plan.window // where points are further apart than that, what happens in between is not seen, nor paid for
	exprs := map[string]string{
		"rps": sum(h.plan.counter(window)), "errors": h.plan.failed(window),
		"throttled": h.plan.throttled(window), "served": h.plan.served(), "ladder": h.plan.ladder(window),
	}
	got := map[string]*answer{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(1) // the past can wait, what is live cannot
	for name, expr := range exprs {
		a := &answer{}
		if got[name] = a; expr == "" {
			continue
		}
		g.Go(func() (err error) {
			*a, err = h.api.between(ctx, expr, s)
			return err
		})
	}
	if g.Wait() != nil {
		return nil
	}
	return h.moments(s, got)
}

// step is the time between two points: such that there are not too many, and
// that a query reads no more samples than the server can stand.
func (h *pastOf) step(ctx context.Context, end time.Time, length time.Duration) time.Duration {
	name := h.plan.mapping.Counter
	switch h.plan.shape {
	case classic:
		name = h.plan.mapping.Duration + "_bucket"
	case native:
		name = h.plan.mapping.Duration
	case summary, untimed:
		if name == "" {
			name = h.plan.mapping.Duration + "_count"
		}
	}
	points := float64(mostPoints)
	if got, err := h.api.instant(ctx, "count("+h.plan.series(name)+")", end); err == nil {
		perPoint := single(got.rows).V * float64(h.plan.window) / float64(h.interval)
		points = min(points, max(pastSamples/max(perPoint, 1), leastPoints))
	}
	step := time.Duration(float64(length) / points)
	return max((step+time.Second-1)/time.Second, 1) * time.Second
}

// moments puts the answers together: one moment a step, from start to end.
func (h *pastOf) moments(s span, got map[string]*answer) []snapshot.Moment {
	n := int(s.end.Sub(s.start)/s.step) + 1
	rps, errors := h.line(s, got["rps"].rows), h.line(s, got["errors"].rows)
	throttled, served := h.line(s, got["throttled"].rows), h.line(s, got["served"].rows)
	ladders := h.ladders(s, got["ladder"].rows, n)
	list := make([]snapshot.Moment, n)
	for i := range list {
		m := &list[i]
		m.At = s.start.Add(time.Duration(i) * s.step)
		m.RPS, m.InFlight, m.Durations = rps[i], served[i], ladders[i]
		if !m.RPS.OK {
			continue
		}
		if h.plan.told() && m.RPS.V > 0 {
			m.ErrorRatio = snapshot.Known(errors[i].V / m.RPS.V) // no series of errors means none happened
		}
		if h.plan.throttled(s.step) != "" {
			m.Throttled = snapshot.Known(throttled[i].V)
		}
	}
	first := slices.IndexFunc(list, func(m snapshot.Moment) bool { return m.RPS.OK })
	if first < 0 {
		return nil
	}
	return list[first:]
}

// index is the place of a time among the points; -1 when it is none of them.
func (s span) index(t time.Time) int {
	d := t.Sub(s.start) + s.step/2
	if i := int(d / s.step); d >= 0 && t.Before(s.end.Add(s.step/2)) {
		return i
	}
	return -1
}

// line is the only series of an answer, by point.
func (h *pastOf) line(s span, rows []row) []snapshot.Value {
	list := make([]snapshot.Value, int(s.end.Sub(s.start)/s.step)+1)
	if len(rows) != 1 {
		return list
	}
	for _, v := range rows[0].Values {
		if i := s.index(v.Timestamp.Time()); i >= 0 && i < len(list) {
			list[i] = snapshot.Known(float64(v.Value))
		}
	}
	return list
}

// ladders are the distributions of all durations, by point.
func (h *pastOf) ladders(s span, rows []row, n int) []snapshot.Histogram {
	bars := make([][]bar, n)
	list := make([]snapshot.Histogram, n)
	for i := range rows {
		r := &rows[i]
		le, err := strconv.ParseFloat(r.labels()["le"], 64)
		for _, v := range r.Values {
			if at := s.index(v.Timestamp.Time()); err == nil && at >= 0 && at < n && math.Abs(float64(v.Value)) <= largest {
				bars[at] = append(bars[at], bar{le / h.places.scale, float64(v.Value)})
			}
		}
		for _, v := range r.Histograms {
			if at := s.index(v.Timestamp.Time()); at >= 0 && at < n && v.Histogram != nil {
				if got, ok := h.places.native(v.Histogram); ok {
					list[at] = got
				}
			}
		}
	}
	for i := range list {
		if len(bars[i]) > 0 {
			if got, ok := h.places.histogram(bars[i]); ok {
				list[i] = got // without a sum, as nobody asked for it
			}
		}
	}
	return list
}
