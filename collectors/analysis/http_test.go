package analysis

import (
	"maps"
	"slices"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestHTTPCounts(t *testing.T) {
	two := func(ok, bad float64) page {
		return page{counts: map[[3]string]float64{{"GET", "/a", "200"}: ok, {"GET", "/a", "500"}: bad, {"GET", "/b", "429"}: bad}}
	}
	tests := map[string]struct {
		pages                            []page
		requests, rps, errors, throttled Value
	}{
		"first page":    {pages: []page{two(100, 0)}, requests: unknown, rps: unknown, errors: unknown, throttled: unknown},
		"second page":   {pages: []page{two(100, 0), two(130, 10)}, requests: known(50), rps: known(50), errors: known(0.2), throttled: known(10)},
		"idle":          {pages: []page{two(100, 0), two(100, 0)}, requests: known(0), rps: known(0), errors: unknown, throttled: known(0)},
		"counters fell": {pages: []page{two(100, 5), two(8, 0)}, requests: known(8), rps: known(8), errors: known(0), throttled: known(0)},
		"no status": {
			pages:    []page{{counts: get("", 1)}, {counts: get("", 11)}},
			requests: known(10), rps: known(10), errors: unknown, throttled: unknown,
		},
		"classes only": {
			pages:    []page{{counts: get("4xx", 0)}, {counts: get("4xx", 10)}},
			requests: known(10), rps: known(10), errors: known(0), throttled: unknown,
		},
		"bare digit": {
			pages:    []page{{counts: get("5", 0)}, {counts: get("5", 10)}},
			requests: known(10), rps: known(10), errors: known(1), throttled: known(0),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := run(t, tt.pages...).HTTP
			check(t, "requests", h.Requests, tt.requests)
			check(t, "rps", h.RPS, tt.rps)
			check(t, "error ratio", h.ErrorRatio, tt.errors)
			check(t, "throttled", h.Throttled, tt.throttled)
		})
	}
}

// TestStatusesApart: the family that counts by route has no status, another one
// has it for all routes together.
func TestStatusesApart(t *testing.T) {
	e := New(Options{})
	step := func(i int, requests, good, failed, limited float64) *Report {
		h := page{counts: get("", requests), at: at(float64(i))}.reading()
		h.Page.Statuses = safe.New("answers_total")
		for status, n := range map[string]float64{"200": good, "500": failed, "429": limited} {
			if n > 0 {
				h.Statuses = append(h.Statuses, snapshot.Count{Series: series("", "", status), Total: n})
			}
		}
		return e.Step(snapshot.Snapshot{At: h.At, HTTP: []*snapshot.HTTP{h}})
	}
	step(0, 100, 90, 10, 0)
	r := step(1, 200, 180, 14, 8)
	check(t, "requests", r.HTTP.Requests, known(100))
	check(t, "rps", r.HTTP.RPS, known(100))
	check(t, "error ratio", r.HTTP.ErrorRatio, known(4./102)) // of the answers that were counted
	check(t, "client error ratio", r.HTTP.ClientErrorRatio, known(8./102))
	check(t, "throttled", r.HTTP.Throttled, known(8)) // born since, so from zero
	if want := map[string]float64{"200": 90, "500": 4, "429": 8}; !maps.Equal(r.HTTP.Status, want) {
		t.Errorf("status = %v, want %v", r.HTTP.Status, want)
	}
	route := r.HTTP.Routes[0]
	check(t, "a route's errors", route.ErrorRatio, unknown)
	check(t, "a route's 429s", route.Throttled, unknown)
	r = step(2, 10, 9, 1, 0) // a restart
	check(t, "requests after a restart", r.HTTP.Requests, known(110))
	check(t, "errors after a restart", r.HTTP.ErrorRatio, known(5./112))
}

func TestHTTPLatency(t *testing.T) {
	h := func(cum ...float64) page {
		return page{counts: get("200", cum[3]), hists: map[[2]string]snapshot.Histogram{{"GET", "/a"}: hist(cum...)}}
	}
	r := run(t, h(100, 100, 100, 100), h(100, 110, 110, 110))
	check(t, "p95", r.HTTP.P95, known(0.195))
	check(t, "avg", r.HTTP.Avg, known(0.15))
	if b := r.HTTP.Routes[0].P95Bucket; b == nil || b.Lo != 0.1 || b.Hi != 0.2 {
		t.Errorf("bucket = %+v", b)
	}
	// One bucket fell, though the count rose: all of the histogram was reset.
	r = run(t, h(100, 100, 100, 100), h(0, 120, 120, 120))
	check(t, "p50 after a reset", r.HTTP.P50, known(0.15))
	if r.HTTP.Measured != 120 {
		t.Errorf("measured = %v, want 120", r.HTTP.Measured)
	}
}

func TestRestartIsMarked(t *testing.T) {
	p := func(n, start float64) page { return page{counts: get("200", n), start: known(start)} }
	r := run(t, p(10, 1000), p(15, 1000.005), p(20, 2000))
	check(t, "requests", r.HTTP.Requests, known(25)) // 5, then 20 since the restart
	if len(r.Events) != 1 || r.Events[0].Kind != "restart" {
		t.Errorf("events = %+v, want one restart", r.Events)
	}
}

func TestSavedPagesHaveNoRate(t *testing.T) {
	e := New(Options{})
	for i, n := range []float64{0, 62} {
		h := page{counts: get("200", n)}.reading() // At is zero
		r := e.Step(snapshot.Snapshot{At: at(float64(i)), HTTP: []*snapshot.HTTP{h}})
		if i == 1 {
			check(t, "requests", r.HTTP.Requests, known(62))
			check(t, "rps", r.HTTP.RPS, unknown)
			check(t, "window", r.WindowSeconds, unknown)
		}
	}
}

func TestInstancesAreSummed(t *testing.T) {
	e := New(Options{})
	var r *Report
	for i := range 3 {
		s := snapshot.Snapshot{At: at(float64(i))}
		for _, name := range []string{"one", "two"} {
			h := page{counts: get("200", float64(10*i)), at: at(float64(i))}.reading()
			h.Target = safe.New(name)
			h.InFlight = known(2)
			s.AddTo(h)
		}
		r = e.Step(s)
	}
	check(t, "requests", r.HTTP.Requests, known(40))
	check(t, "rps", r.HTTP.RPS, known(20))
	check(t, "in flight", r.HTTP.InFlight, known(4))
	if len(r.HTTP.Routes) != 1 {
		t.Errorf("routes = %+v, want one merged route", r.HTTP.Routes)
	}
}

func TestOldReportsNeverChange(t *testing.T) {
	e := New(Options{})
	step := func(i int) *Report {
		p := page{counts: get("200", float64(i*i)), at: at(float64(i))}
		return e.Step(snapshot.Snapshot{At: p.at, HTTP: []*snapshot.HTTP{p.reading()}})
	}
	var kept []*Report
	for i := range 200 {
		kept = append(kept, step(i))
	}
	for i, r := range kept {
		if i < 12 {
			continue
		}
		last := r.History[len(r.History)-1]
		check(t, "rps in history", last.RPS, r.HTTP.RPS)
		if tr := r.HTTP.Routes[0].Trend; tr[len(tr)-1] != float32(r.HTTP.RPS.V) || len(tr) > trendPoints {
			t.Fatalf("report %d: trend ends in %v of %d, want %v", i, tr[len(tr)-1], len(tr), r.HTTP.RPS.V)
		}
	}
}

func TestRoutesAreSortedByRequests(t *testing.T) {
	p := func(a, b float64) page {
		return page{counts: map[[3]string]float64{{"GET", "/a", "200"}: a, {"GET", "/b", "200"}: b, {"GET", "/c", "200"}: 5}}
	}
	var names []string
	for _, r := range run(t, p(0, 0), p(3, 9)).HTTP.Routes {
		names = append(names, r.Route.String())
	}
	if want := []string{"/b", "/a", "/c"}; !slices.Equal(names, want) {
		t.Errorf("routes = %v, want %v", names, want)
	}
}

func TestStaleValuesStayAndMakeAGap(t *testing.T) {
	e := New(Options{})
	for i := range 5 {
		p := page{counts: get("200", float64(10*i)), at: at(float64(i))}
		e.Step(snapshot.Snapshot{At: p.at, HTTP: []*snapshot.HTTP{p.reading()}})
	}
	var r *Report
	for i := 5; i < 9; i++ {
		r = e.Step(snapshot.Snapshot{At: at(float64(i))})
	}
	check(t, "last good rps", r.HTTP.RPS, known(10))
	check(t, "age", r.Age[PartHTTP], known(4))
	if !r.Stale[PartHTTP] {
		t.Error("four missed rounds are not stale")
	}
	if last := r.History[len(r.History)-1]; last.RPS.OK {
		t.Errorf("a stale value went into the history: %+v", last.RPS)
	}
}
