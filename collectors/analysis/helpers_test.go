package analysis

import (
	"math"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// t0 is when every scripted run starts.
var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

func known(v float64) Value { return Value{V: v, OK: true} }

var unknown = Value{}

// check compares two Values to one part in a billion.
func check(t *testing.T, what string, got, want Value) {
	t.Helper()
	if got.OK != want.OK || math.Abs(got.V-want.V) > 1e-9*math.Max(1, math.Abs(want.V)) {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

// page is a metrics page of the target "api" with counters by "METHOD route status".
type page struct {
	counts map[[3]string]float64
	hists  map[[2]string]snapshot.Histogram
	start  Value
	at     time.Time
}

func (p page) reading() *snapshot.HTTP {
	h := &snapshot.HTTP{Target: safe.New("api"), At: p.at, StartTime: p.start}
	for k, v := range p.counts {
		h.Requests = append(h.Requests, snapshot.Count{Series: series(k[0], k[1], k[2]), Total: v})
	}
	for k, d := range p.hists {
		d.Series = series(k[0], k[1], "")
		h.Durations = append(h.Durations, d)
	}
	return h
}

func series(method, route, status string) *snapshot.Series {
	return &snapshot.Series{ID: method + " " + route + " " + status, Method: safe.New(method), Route: safe.New(route), Status: safe.New(status)}
}

// hist is a histogram with bounds 0.1, 0.2, 0.4.
func hist(cum ...float64) snapshot.Histogram {
	n := cum[len(cum)-1]
	return snapshot.Histogram{Bounds: []float64{0.1, 0.2, 0.4}, Cumulative: cum, Count: n, Sum: n * 0.15}
}

// run steps an engine over pages, one a second, and returns the last report.
func run(t *testing.T, pages ...page) *Report {
	t.Helper()
	e := New(Options{})
	var r *Report
	for i, p := range pages {
		if p.at.IsZero() {
			p.at = at(float64(i))
		}
		r = e.Step(snapshot.Snapshot{Seq: uint64(i), At: p.at, HTTP: []*snapshot.HTTP{p.reading()}})
	}
	return r
}

func get(status string, n float64) map[[3]string]float64 {
	return map[[3]string]float64{{"GET", "/a", status}: n}
}
