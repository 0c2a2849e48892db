package analysis

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// routesOf is a run over two pages on which each route served as many requests
// as its number and one failed, all of them in 0.15 s.
func routesOf(t *testing.T, names []string) *HTTP {
	t.Helper()
	before := page{counts: map[[3]string]float64{}, hists: map[[2]string]snapshot.Histogram{}}
	after := page{counts: map[[3]string]float64{}, hists: map[[2]string]snapshot.Histogram{}}
	for i, name := range names {
		n := float64(i + 1)
		after.counts[[3]string{"GET", name, "200"}] = 5 + n
		before.counts[[3]string{"GET", name, "200"}] = 5
		after.counts[[3]string{"GET", name, "500"}] = 1
		before.counts[[3]string{"GET", name, "500"}] = 0
		after.hists[[2]string{"GET", name}] = hist(0, n+1, n+1, n+1)
		before.hists[[2]string{"GET", name}] = hist(0, 0, 0, 0)
	}
	return run(t, before, after).HTTP
}

func manyNames(n int, form string) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(form, i)
	}
	return names
}

func TestRows(t *testing.T) {
	tests := map[string]struct {
		names             []string
		routes, templates int
		first             string // of Rows
	}{
		"nothing is one":                {[]string{"/a", "/b/7", "/c"}, 3, 0, "/c"},
		"ids of one route":              {[]string{"/a", "/b/7", "/b/8", "/b/9?x=1"}, 4, 2, "/b/{id}"},
		"many with ids":                 {append(manyNames(150, "/b/%d"), "/a"), 2, 2, "/b/{id}"},
		"many without ids":              {manyNames(150, "/page%dx"), 150, 0, "/page149x"},
		"many, one with an id":          {append(manyNames(150, "/page%dx"), "/b/7"), 151, 0, "/b/7"},
		"too many":                      {manyNames(700, "/page%dx"), 500, 0, "(other)"},
		"too many, and some are one":    {append(manyNames(700, "/page%dx"), manyNames(50, "/b/%d")...), 500, 500, "/b/{id}"},
		"too many, all are a few":       {manyNames(20_000, "/b/%d/x"), 1, 1, "/b/{id}/x"},
		"too many that nothing is done": {manyNames(5000, "/page%dx"), 500, 0, "(other)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := routesOf(t, tt.names)
			if len(h.Routes) != tt.routes || len(h.Templates) != tt.templates {
				t.Fatalf("%d routes, %d templates, want %d, %d", len(h.Routes), len(h.Templates), tt.routes, tt.templates)
			}
			n := float64(len(tt.names))
			all := n*(n+1)/2 + n
			check(t, "requests", h.Requests, known(all))
			checkRows(t, h, h.Routes, n, all)
			checkRows(t, h, h.Rows(), n, all)
			if got := h.Rows()[0].Route.Raw(); got != tt.first {
				t.Errorf("first row %s, want %s", got, tt.first)
			}
			if got := len(h.Rows()[0].Trend); got != 2 && h.Rows()[0].Route != otherName {
				t.Errorf("a trend of %d points, want 2", got)
			}
		})
	}
}

// checkRows: nothing is lost and nothing counts twice.
func checkRows(t *testing.T, h *HTTP, rows []Route, routes, all float64) {
	t.Helper()
	var requests, rps, ok, failed, measured, share float64
	seen := map[routeKey]bool{}
	for i, r := range rows {
		if seen[routeKey{r.Method, r.Route}] {
			t.Errorf("%s is there twice", r.Route)
		}
		seen[routeKey{r.Method, r.Route}] = true
		requests, rps, measured, share = requests+r.Requests.V, rps+r.RPS.V, measured+r.Measured, share+r.TimeShare.V
		ok, failed = ok+r.Status["200"], failed+r.Status["500"]
		check(t, "p95", r.P95, known(0.195))
		check(t, "errors", r.ErrorRatio, known(r.Status["500"]/r.Requests.V))
		if i > 0 && r.Requests.V > rows[i-1].Requests.V {
			t.Errorf("row %d has more requests than the one above", i)
		}
	}
	for what, got := range map[string][2]float64{
		"requests": {requests, all}, "rps": {rps, h.RPS.V}, "measured": {measured, all},
		"failed": {failed, routes}, "answered": {ok, all - routes}, "share": {share, 1},
	} {
		if math.Abs(got[0]-got[1]) > 1e-9*got[1] {
			t.Errorf("%s of all rows: %v, want %v", what, got[0], got[1])
		}
	}
}

// TestRowsComeAndGo: a service whose paths are new each second is followed
// without end.
func TestRowsComeAndGo(t *testing.T) {
	e := New(Options{})
	var r *Report
	for i := range 150 {
		h := &snapshot.HTTP{Target: safe.New("api"), At: at(float64(i))}
		for j := range 300 {
			h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", fmt.Sprintf("/page%dx%dx", i, j), "200"), Total: 1})
		}
		r = e.Step(snapshot.Snapshot{At: h.At, HTTP: []*snapshot.HTTP{h}})
	}
	check(t, "requests", r.HTTP.Requests, known(3000))
	target := e.http.order[0]
	if n := len(target.counts.byID); n > 20_000 {
		t.Errorf("%d series are remembered", n)
	}
	if n := len(target.counts.last); n > 50_000 {
		t.Errorf("%d totals are remembered", n)
	}
	if n := len(e.http.rows.byRoute) + len(e.http.rows.byTemplate); n > 20_000 {
		t.Errorf("%d rows are remembered", n)
	}
}

// TestTemplatesAppear: routes that become one with others keep their own rows,
// and get them back.
func TestTemplatesAppear(t *testing.T) {
	e := New(Options{})
	var names []string
	for i := range 15 {
		h := &snapshot.HTTP{Target: safe.New("api"), At: at(float64(i))}
		h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", "/b/7", "200"), Total: float64(i)})
		if i == 2 {
			h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", "/b/8", "200"), Total: 5})
		}
		r := e.Step(snapshot.Snapshot{At: h.At, HTTP: []*snapshot.HTTP{h}})
		if name := r.HTTP.Rows()[0].Route.Raw(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	if want := []string{"/b/7", "/b/{id}", "/b/7"}; !slices.Equal(names, want) {
		t.Errorf("the first row was %q, want %q", names, want)
	}
}

// TestVanishedSeriesAreForgotten: a page that lost most of its series and then
// stays as it is does not keep them for good.
func TestVanishedSeriesAreForgotten(t *testing.T) {
	e := New(Options{})
	for i := range keepSteps + 10 {
		h := &snapshot.HTTP{Target: safe.New("api"), At: at(float64(i))}
		for j := range 3000 {
			if i < 3 || j < 10 {
				h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", fmt.Sprintf("/page%dx", j), "200"), Total: float64(i)})
			}
		}
		r := e.Step(snapshot.Snapshot{At: h.At, HTTP: []*snapshot.HTTP{h}})
		if i == 12 { // from 2 to 12; in the first second all of them
			check(t, "requests", r.HTTP.Requests, known(10*10))
		}
	}
	lines := e.http.order[0].counts
	if len(lines.byID) != 10 || len(lines.gone) != 0 {
		t.Errorf("%d series are remembered, %d of them gone", len(lines.byID), len(lines.gone))
	}
}
