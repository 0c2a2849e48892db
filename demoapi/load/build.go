package load

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// report puts together what was measured.
func (r *Runner) report(interrupted bool) *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	rep := &Report{
		Schema: Schema, At: r.start.Add(r.measured.at), Target: r.shownTarget(), Scenario: r.scenario.Name,
		Mode: OpenLoop, Arrivals: r.spec.Arrivals.String(), Seed: r.spec.Seed, Warmup: r.spec.Warmup.Seconds(), Logins: r.logins,
		Late: t.late, Dropped: t.dropped, Held: t.held, Abandoned: t.abandoned, Interrupted: interrupted,
		Bytes: t.bytes, Course: r.course, SLO: []SLOResult{}, Tiers: []TierReport{},
	}
	if r.closed() {
		rep.Mode, rep.Arrivals, rep.Users = ClosedLoop, "", r.spec.Closed.Users
	}
	if rep.Course == nil {
		rep.Course = []CourseResult{}
	}
	r.addRates(rep)
	addRow(rep, &t.all)
	rep.Lag, rep.TTFB = t.lag.latency(), t.ttfb.latency()
	rep.Routes = r.routes()
	if len(r.planner.crowd.tiers) > 1 || r.planner.crowd.tiers[0].Tier != "" {
		rep.Tiers = r.tiers()
	} else if limits := t.limits.report(0); len(limits) > 0 {
		rep.Tiers = r.tiers() // without tiers, but with limits
	}
	f := facts{lag: &rep.Lag, response: &rep.Response, limit: r.spec.MaxInFlight, counts: rep}
	if !r.closed() {
		f.due, f.inTime = t.sent+t.dropped, t.inTime
	}
	rep.GeneratorLimited, rep.Verdict = judge(f)
	return rep
}

// shownTarget is the target without its secrets: user, password and query.
func (r *Runner) shownTarget() string {
	u := *r.target
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// addRates sets what depends on the measured time.
func (r *Runner) addRates(rep *Report) {
	if !r.measured.set {
		return // it ended during the warm-up
	}
	from, to := r.measured.at, r.end
	if !r.closed() {
		from = r.spec.Warmup
	}
	rep.Seconds = max(to-from, 0).Seconds()
	t := r.tally
	if rep.Seconds > 0 {
		rep.SentRPS = float64(t.inTime) / rep.Seconds
		if !r.closed() {
			rep.IntendedRPS = new((r.plan.count(to) - r.plan.count(from)) / rep.Seconds)
		}
	}
	if r.measured.cpuOK && r.finished.cpuOK {
		rep.CPU = new((r.finished.cpu - r.measured.cpu).Seconds())
	}
	rep.Connections.New = r.finished.dialed - r.measured.dialed
	rep.Connections.Reused = t.sent - min(rep.Connections.New, t.sent)
}

func addRow(rep *Report, all *row) {
	rep.Requests, rep.OK, rep.ClientErrors = all.requests, all.ok, all.clientErrors
	rep.Errors, rep.Throttled = all.errors, all.throttled
	rep.Status, rep.ErrorKinds = statusText(all.status), cloned(all.kinds)
	rep.Response, rep.Service = all.good.latencies()
	rep.Classes = all.classReports()
}

// latencies are empty for a nil receiver.
func (s *spans) latencies() (response, service Latency) {
	if s == nil {
		return Latency{}, Latency{}
	}
	return s.response.latency(), s.service.latency()
}

func (r *row) classReports() []ClassReport {
	list := []ClassReport{}
	for _, class := range slices.Sorted(maps.Keys(r.classes)) {
		c := ClassReport{Class: class}
		c.Response, c.Service = r.classes[class].latencies()
		c.Requests = c.Response.Count
		list = append(list, c)
	}
	return list
}

// routes has a row for each route that was asked for, the most requested first.
func (r *Runner) routes() []RouteReport {
	list := []RouteReport{}
	for i := range r.tally.routes {
		row := &r.tally.routes[i]
		if row.requests == 0 {
			continue
		}
		shown := r.planner.rows[i]
		rr := RouteReport{
			Method: shown.method, Route: shown.name, Requests: row.requests, OK: row.ok, ClientErrors: row.clientErrors,
			Errors: row.errors, Throttled: row.throttled, Status: statusText(row.status), Classes: row.classReports(),
		}
		rr.Response, rr.Service = row.good.latencies()
		list = append(list, rr)
	}
	slices.SortStableFunc(list, func(a, b RouteReport) int { return cmp.Compare(b.Requests, a.Requests) })
	return list
}

func (r *Runner) tiers() []TierReport {
	list := []TierReport{}
	for i, tier := range r.planner.crowd.tiers {
		row := r.tally.tiers[i]
		tr := TierReport{Tier: tier.Tier, Admitted: row.admitted, Denied: row.denied, Conformance: r.tally.limits.report(i)}
		if row.denied > 0 {
			tr.FirstDenial = new(row.firstDenial.Seconds())
		}
		list = append(list, tr)
	}
	return list
}

func statusText(status map[int]uint64) map[string]uint64 {
	texts := map[string]uint64{}
	for code, n := range status {
		texts[strconv.Itoa(code)] = n
	}
	return texts
}

// cloned is a copy that is never nil.
func cloned(m map[string]uint64) map[string]uint64 {
	if m == nil {
		return map[string]uint64{}
	}
	return maps.Clone(m)
}

// Progress says how the run stands. It is cheap enough for ten calls a second.
func (r *Runner) Progress() Progress {
	r.mu.Lock()
	p := Progress{Phase: r.phase, InFlight: int(r.inFlight.Load())}
	plan, start, finished := r.plan, r.start, r.end
	r.mu.Unlock()
	running := p.Phase != Ready && p.Phase != LogIn
	if running {
		p.Elapsed = time.Since(start)
	}
	if !r.closed() {
		p.Planned = plan.length()
		if running && p.Phase != Done && p.Phase != Drain {
			p.IntendedRPS = plan.rate(p.Elapsed)
		}
	}
	if p.Phase == Done {
		p.Elapsed = finished
	}
	r.tally.progress(&p, r.planner.rows)
	p.Totals.NewConns = r.dialed.Load()
	return p
}

func (t *tally) progress(p *Progress, rows []*route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.Totals = t.snapshot()
	if p.Phase != Done {
		t.recent.at(p.Elapsed)
	}
	last := &t.recent.last
	p.SentRPS = float64(last.begun)
	p.Response, p.Service, p.Lag = last.spans.response.recent(), last.spans.service.recent(), last.lag.recent()
	for i := range t.routes {
		row := &t.routes[i]
		shown := RouteProgress{
			Method: rows[i].method, Route: rows[i].name, Requests: row.requests, OK: row.ok,
			ClientErrors: row.clientErrors, Errors: row.errors, Throttled: row.throttled,
		}
		if row.good != nil {
			shown.ResponseP50, shown.ResponseP95 = row.good.response.quantile(0.5), row.good.response.quantile(0.95)
			shown.ServiceP95 = row.good.service.quantile(0.95)
		}
		p.Routes = append(p.Routes, shown)
	}
}

func (t *timings) recent() Recent {
	return Recent{Count: uint64(t.hist.TotalCount()), P50: t.quantile(0.5), P95: t.quantile(0.95), P99: t.quantile(0.99)}
}
