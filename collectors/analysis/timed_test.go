package analysis

import (
	"testing"

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
