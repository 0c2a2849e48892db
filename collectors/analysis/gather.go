package analysis

import "slices"

// report sums the targets up.
func (h *httpState) report() *HTTP {
	list := h.instances()
	h.list(list)
	made := h.rows.settle()
	for _, i := range list {
		for _, t := range i.targets {
			t.addCounts(i)
			t.addStatuses(i)
			h.addDurations(t, i)
			h.addWork(t, i)
		}
	}
	out := &HTTP{Restarts: h.restarts}
	all := &sums{}
	for _, i := range list {
		all.merge(&i.sums)
		out.InFlight = plus(out.InFlight, i.flight)
		for _, t := range i.targets {
			if t.state == targetFresh {
				out.Targets = append(out.Targets, t.reading.Target.String())
			}
		}
	}
	all.fill(out)
	h.fillRows(out, made, all.ladder.sum)
	if len(list) > 1 || h.opt.ByInstance {
		for _, i := range list {
			out.Instances = append(out.Instances, i.report(made))
		}
	}
	h.rows.forget()
	return out
}

// list finds the rows of the report and how many requests each had.
func (h *httpState) list(instances []*instance) {
	h.rows.begin()
	for _, i := range instances {
		for _, t := range i.targets {
			t.counts.each(func(at *line) {
				if n := t.counted(at); t.shows(at, n) {
					h.rows.use(at).n += n.V
				}
			})
		}
	}
	for _, i := range instances {
		for _, t := range i.targets {
			h.listTimed(t)
		}
	}
}

// listTimed adds the routes that t only times: a library may write the
// durations of every route from the start and count a route when it is asked.
func (h *httpState) listTimed(t *target) {
	if t.state != targetFresh {
		return
	}
	t.hists.each(func(at *line) {
		if at.seen == t.clock.step && !at.series.Route.IsZero() && h.rows.find(at) == nil {
			h.rows.use(at)
		}
	})
}

// counted is how many requests a line counted in the window.
func (t *target) counted(at *line) Value {
	if t.back == 0 {
		return Value{}
	}
	return Value{V: t.counts.one(&at.track, t.slot), OK: true}
}

// shows tells whether a line is worth a row: it is on the newest page, or it was
// on one of the window and counted something.
func (t *target) shows(at *line, n Value) bool {
	return t.state == targetFresh && at.seen == t.clock.step || n.V > 0
}

// addCounts adds the requests of t to their rows and to its instance.
func (t *target) addCounts(i *instance) {
	t.counts.each(func(at *line) {
		n := t.counted(at)
		if !t.shows(at, n) {
			return
		}
		status := at.series.Status.String()
		x := at.row.dest()
		x.add().count(n, t.elapsed, status)
		if t.apart() {
			i.sums.began(n, t.elapsed)
		} else {
			i.sums.count(n, t.elapsed, status)
		}
		if i.byRow != nil {
			i.rowSums(x).count(n, t.elapsed, status)
		}
	})
}

// apart tells whether the statuses of t are of another family than its requests.
func (t *target) apart() bool { return !t.reading.Page.Statuses.IsZero() }

// addStatuses adds the answers of t to its instance, where its requests have no
// status.
func (t *target) addStatuses(i *instance) {
	if t.back == 0 || !t.apart() {
		return
	}
	i.sums.apart = true
	t.ends.each(func(at *line) {
		if n := t.ends.one(&at.track, t.slot); n > 0 {
			i.sums.answered(at.series.Status.String(), n)
		}
	})
}

// addDurations adds the durations of t to their rows and to its instance. Some
// libraries count by route and measure all requests together.
func (h *httpState) addDurations(t *target, i *instance) {
	if t.back == 0 {
		return
	}
	var buf []float64
	t.hists.each(func(at *line) {
		buf = t.hists.since(&at.track, t.slot, buf)
		n := len(buf) - 2
		l := ladder{bounds: at.bounds, cum: buf[:n], count: buf[n], sum: buf[n+1]}
		l.native = at.native.since(t.clock.number(t.back), l.count)
		i.sums.ladder.add(l)
		if x := h.rows.find(at); x != nil {
			x = x.dest()
			x.add().timed(l, t.elapsed)
			if i.byRow != nil {
				i.rowSums(x).timed(l, t.elapsed)
			}
		}
	})
}

// addWork adds the database statements of t to their rows.
func (h *httpState) addWork(t *target, i *instance) {
	if t.back == 0 {
		return
	}
	var buf []float64
	t.work.each(func(at *line) {
		buf = t.work.since(&at.track, t.slot, buf)
		if x := h.rows.find(at); x != nil {
			x = x.dest()
			x.add().work(buf)
			if i.byRow != nil {
				i.rowSums(x).work(buf)
			}
		}
	})
}

// add is the sums of the row, made when they are first asked for.
func (x *row) add() *sums {
	if x.sums == nil {
		x.sums = &sums{}
	}
	return x.sums
}

// fillRows writes the rows that were made into out: as the pages name them, and
// with ids taken out where that makes fewer.
func (h *httpState) fillRows(out *HTTP, made []*row, allSeconds float64) {
	out.Routes, h.shown = written(made, allSeconds)
	switch {
	case !h.rows.merges:
	case h.rows.crowded():
		out.Templates = out.Routes
	default:
		for _, x := range made {
			x.of.add().merge(x.add())
		}
		out.Templates, h.shown = written(h.rows.templates, allSeconds)
	}
}

// written is rows as people see them, most requests first.
func written(list []*row, allSeconds float64) ([]Route, []*row) {
	byKey := make(map[routeKey]*row, len(list))
	routes := make([]Route, 0, len(list))
	for _, x := range list {
		byKey[x.key] = x
		routes = append(routes, x.add().route(x.key, allSeconds))
	}
	slices.SortFunc(routes, byRequests)
	sorted := make([]*row, len(routes))
	for i := range routes {
		sorted[i] = byKey[routeKey{routes[i].Method, routes[i].Route}]
	}
	return routes, sorted
}
