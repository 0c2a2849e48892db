package load

import "time"

// Judge says how the objectives stand in a run under way; they are all open
// until something was measured. It is cheap enough for once a second. Results
// of the whole run come from [Judge] on its report.
func (r *Runner) Judge(slos []SLO) []SLOResult {
	if len(slos) == 0 {
		return nil
	}
	rep := &Report{Seconds: r.secondsSoFar()}
	r.tally.mu.Lock()
	defer r.tally.mu.Unlock() // the latencies below are the live ones
	r.tally.soFar(rep)
	for i := range r.tally.routes {
		row := &r.tally.routes[i]
		if row.requests == 0 {
			continue
		}
		rr := RouteReport{
			Method: r.planner.rows[i].method, Route: r.planner.rows[i].name,
			Requests: row.requests, OK: row.ok, ClientErrors: row.clientErrors, Errors: row.errors, Throttled: row.throttled,
		}
		if row.good != nil {
			rr.Response, rr.Service = row.good.response.live(), row.good.service.live()
		}
		rep.Routes = append(rep.Routes, rr)
	}
	return Judge(slos, rep)
}

// soFar sets the figures of the whole test that objectives are about.
func (t *tally) soFar(rep *Report) {
	all := &t.all
	rep.Requests, rep.OK, rep.ClientErrors, rep.Errors, rep.Throttled = all.requests, all.ok, all.clientErrors, all.errors, all.throttled
	rep.Late, rep.Dropped = t.late, t.dropped
	rep.TTFB = t.ttfb.live()
	if all.good != nil {
		rep.Response, rep.Service = all.good.response.live(), all.good.service.live()
	}
}

// secondsSoFar is how long was measured until now.
func (r *Runner) secondsSoFar() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.measured.set {
		return 0
	}
	now := time.Since(r.start)
	if !r.closed() {
		if planned := r.plan.length(); planned > 0 {
			now = min(now, planned)
		}
	}
	return max(now-r.measured.at, 0).Seconds()
}

// live is a Latency on the histogram that is still being written; it is good
// only as long as nobody writes.
func (t *timings) live() Latency {
	l := Latency{Count: uint64(t.hist.TotalCount()), Over: t.over, hist: t.hist}
	if l.Count > 0 {
		l.Max, l.Mean = seconds(t.hist.Max()), new(t.hist.Mean()/1e6)
	}
	return l
}

// LastSecond is how the requests that were OK were answered in the last whole
// second, and how late requests began in it, to 1 %. The latencies have a count
// and a histogram, but no percentiles written out.
func (r *Runner) LastSecond() (response, service, lag Latency) {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	last := &t.recent.last
	response, service, lag = last.spans.response.live(), last.spans.service.live(), last.lag.live()
	for _, l := range []*Latency{&response, &service, &lag} {
		l.hist = l.hist.Clone()
	}
	return response, service, lag
}
