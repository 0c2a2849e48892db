package analysis

import (
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// TestTimedRoutes: a route that the counter does not know, but the durations do,
// has a row: without requests when none was timed, else of unknown many. Durations
// of all routes together make no row.
func TestTimedRoutes(t *testing.T) {
	pages := func(a, c float64) page {
		return page{
			counts: map[[3]string]float64{{"GET", "/a", "200"}: a},
			hists: map[[2]string]snapshot.Histogram{
				{"GET", "/a"}: hist(a, a, a, a),
				{"GET", "/b"}: hist(0, 0, 0, 0),
				{"GET", "/c"}: hist(c, c, c, c),
				{"", ""}:      hist(a+c, a+c, a+c, a+c),
			},
		}
	}
	h := run(t, pages(10, 1), pages(14, 4)).HTTP
	got := map[string]Route{}
	for _, r := range h.Routes {
		got[r.Route.String()] = r
	}
	if len(h.Routes) != 3 {
		t.Errorf("rows %v, want /a, /b and /c", got)
	}
	check(t, "requests of all", h.Requests, known(4))
	check(t, "requests of /a", got["/a"].Requests, known(4))
	check(t, "requests of /b", got["/b"].Requests, known(0))
	check(t, "rps of /b", got["/b"].RPS, known(0))
	check(t, "requests of /c", got["/c"].Requests, unknown)
	check(t, "average of /c", got["/c"].Avg, known(0.15))
}

// TestTimedRoutesOfAFleet: a server's figures make the same rows.
func TestTimedRoutesOfAFleet(t *testing.T) {
	r := fleetRates(t0)
	bounds := []float64{0.1}
	r.Durations = append(r.Durations,
		snapshot.Histogram{Series: rateSeries("GET", "/idle", ""), Bounds: bounds, Cumulative: []float64{0, 0}},
		snapshot.Histogram{Series: rateSeries("GET", "/timed", ""), Bounds: bounds, Cumulative: []float64{2, 2}, Count: 2, Sum: 0.1},
		snapshot.Histogram{Series: rateSeries("", "", ""), Bounds: bounds, Cumulative: []float64{1, 1}, Count: 1, Sum: 0.1},
	)
	h := New(Options{}).Step(snapshot.Snapshot{At: t0.Add(time.Second), Rates: r}).HTTP
	got := map[string]Route{}
	for _, r := range h.Routes {
		got[r.Route.String()] = r
	}
	if len(h.Routes) != 4 {
		t.Errorf("rows %v, want /a, /b, /idle and /timed", got)
	}
	check(t, "requests of all", h.Requests, known(2400))
	check(t, "requests of /idle", got["/idle"].Requests, known(0))
	check(t, "requests of /timed", got["/timed"].Requests, unknown)
	check(t, "average of /timed", got["/timed"].Avg, known(0.05))
}
