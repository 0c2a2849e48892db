package analysis

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// httpState follows the metrics pages of all targets of the service.
type httpState struct {
	opt      Options
	targets  map[safe.Text]*target
	order    []*target
	trends   map[routeKey]*tail[float32]
	restarts int
	section  *HTTP
}

// target is one metrics page.
type target struct {
	reading *snapshot.HTTP
	counts  *growth[string]
	hists   *growth[string]
	work    *growth[string]
	cache   *growth[string]
}

// routeKey is the identity of a row of the Traffic screen.
type routeKey struct{ method, route safe.Text }

// trendPoints is how many rounds a route's sparkline shows.
const trendPoints = 60

func newHTTPState(opt Options) httpState {
	return httpState{opt: opt, targets: map[safe.Text]*target{}, trends: map[routeKey]*tail[float32]{}}
}

// step takes the pages that came and returns what is worth a mark on the charts.
func (h *httpState) step(s snapshot.Snapshot) []Event {
	var events []Event
	for _, reading := range s.HTTP {
		t := h.targets[reading.Target]
		if t == nil {
			t = newTarget(h.opt)
			h.targets[reading.Target] = t
			h.order = append(h.order, t)
		}
		if t.take(reading) {
			h.restarts++
			events = append(events, Event{At: s.At, Kind: "restart", Text: reading.Target.String() + " restarted"})
		}
	}
	if len(s.HTTP) > 0 {
		h.section = h.report()
	}
	return events
}

// take follows one page and tells whether its process restarted.
func (t *target) take(h *snapshot.HTTP) (restarted bool) {
	known := t.reading != nil
	fresh := known && moved(t.reading.StartTime, h.StartTime)
	t.reading = h
	t.counts.begin(h.At, fresh)
	for _, c := range h.Requests {
		t.counts.add(c.Series.ID, []float64{c.Total}, 1)
	}
	t.counts.end()
	t.hists.begin(h.At, fresh)
	var buf []float64
	for _, d := range h.Durations {
		buf = append(append(buf[:0], d.Cumulative...), d.Count, d.Sum)
		t.hists.add(d.Series.ID, buf, len(buf)-1)
	}
	t.hists.end()
	t.work.begin(h.At, fresh)
	for _, w := range h.Work {
		t.work.add(w.Series.ID, []float64{w.Requests, w.Statements}, 2)
	}
	t.work.end()
	t.cache.begin(h.At, fresh)
	t.cache.put("hits", h.CacheHits)
	t.cache.put("misses", h.CacheMisses)
	t.cache.end()
	return fresh || t.counts.falls > 0 || t.hists.falls > 0
}

func newTarget(opt Options) *target {
	return &target{
		counts: newGrowth[string](opt), hists: newGrowth[string](opt),
		work: newGrowth[string](opt), cache: newGrowth[string](opt),
	}
}

// cacheUse is how often the caches of all targets were asked in the window, and
// had the answer; unknown where no page says so.
func (h *httpState) cacheUse() (hits, lookups Value) {
	for _, t := range h.order {
		found, missed := t.cache.one("hits"), t.cache.one("misses")
		hits, lookups = plus(hits, found), plus(lookups, plus(found, missed))
	}
	return hits, lookups
}

// moved tells whether a process start time changed. Some exporters compute it
// from the uptime, so that it trembles.
func moved(before, after Value) bool {
	return before.OK && after.OK && math.Abs(after.V-before.V) > 1
}

// elapsed is the length of the longest window of the targets.
func (h *httpState) elapsed() Value {
	longest := Value{}
	for _, t := range h.order {
		if v := t.counts.elapsed(); v.OK && v.V > longest.V {
			longest = v
		}
	}
	return longest
}

func (h *httpState) rps() Value {
	if h.section == nil {
		return Value{}
	}
	return h.section.RPS
}

// process is what a single target's page says of its own process.
func (h *httpState) process() *snapshot.HTTP {
	if len(h.order) != 1 {
		return nil
	}
	return h.order[0].reading
}

// report sums the targets up.
func (h *httpState) report() *HTTP {
	routes := map[routeKey]*sums{}
	all := &sums{}
	out := &HTTP{Restarts: h.restarts}
	for _, t := range h.order {
		t.addTo(routes, all)
		out.InFlight = plus(out.InFlight, t.reading.InFlight)
		out.Targets = append(out.Targets, t.reading.Target.String())
	}
	all.fill(out)
	for key, s := range routes {
		out.Routes = append(out.Routes, s.route(key, all.ladder.sum))
	}
	slices.SortFunc(out.Routes, byRequests)
	return out
}

// byRequests puts the most requests first; names break ties.
func byRequests(a, b Route) int {
	return cmp.Or(
		cmp.Compare(b.Requests.V, a.Requests.V),
		strings.Compare(a.Route.String(), b.Route.String()),
		strings.Compare(a.Method.String(), b.Method.String()),
	)
}

// pushTrends adds this round's rps to every route's sparkline.
func (h *httpState) pushTrends(stale bool) {
	if h.section == nil {
		return
	}
	next := *h.section
	next.Routes = slices.Clone(h.section.Routes)
	for i := range next.Routes {
		r := &next.Routes[i]
		key := routeKey{r.Method, r.Route}
		t := h.trends[key]
		if t == nil {
			t = &tail[float32]{keep: trendPoints}
			h.trends[key] = t
		}
		v := float32(math.NaN())
		if r.RPS.OK && !stale {
			v = float32(r.RPS.V)
		}
		r.Trend = t.push(v)
	}
	h.section = &next
	h.forgetTrends()
}

// forgetTrends drops sparklines of routes that are gone, should there be many.
func (h *httpState) forgetTrends() {
	if len(h.trends) <= 2*len(h.section.Routes)+100 {
		return
	}
	kept := make(map[routeKey]*tail[float32], len(h.section.Routes))
	for _, r := range h.section.Routes {
		key := routeKey{r.Method, r.Route}
		kept[key] = h.trends[key]
	}
	h.trends = kept
}

// plus adds two Values; an unknown one counts for nothing.
func plus(a, b Value) Value {
	if !a.OK {
		return b
	}
	if !b.OK {
		return a
	}
	return Value{V: a.V + b.V, OK: true}
}
