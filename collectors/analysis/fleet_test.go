package analysis

import (
	"fmt"
	"math"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func rateSeries(method, route, status string) *snapshot.Series {
	return &snapshot.Series{ID: method + route + status, Method: safe.New(method), Route: safe.New(route), Status: safe.New(status)}
}

// fleetRates is what a server says of a service: 40 requests a second over a
// window of a minute.
func fleetRates(at time.Time) *snapshot.Rates {
	bounds := []float64{0.1, 1}
	return &snapshot.Rates{
		Target: safe.New("p:9090 {job=\"a\"}"), At: at, Window: time.Minute, Every: 5 * time.Second,
		Requests: []snapshot.Count{
			{Series: rateSeries("GET", "/a", "200"), Total: 27}, {Series: rateSeries("GET", "/a", "500"), Total: 3},
			{Series: rateSeries("GET", "/b", "429"), Total: 10},
		},
		Durations: []snapshot.Histogram{
			{Series: rateSeries("GET", "/a", ""), Bounds: bounds, Cumulative: []float64{15, 30, 30}, Count: 30, Sum: 6},
			{Series: rateSeries("GET", "/b", ""), Bounds: bounds, Cumulative: []float64{10, 10, 10}, Count: 10, Sum: 0.5},
		},
		InFlight: snapshot.Known(7),
		Instances: []snapshot.InstanceRates{
			{Name: safe.New("h:1"), Up: snapshot.Known(1), RPS: snapshot.Known(40), ErrorRatio: snapshot.Known(0.075), P95Seconds: snapshot.Known(0.5)},
			{Name: safe.New("h:2"), Up: snapshot.Known(0)},
		},
	}
}

func TestFleet(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	e := New(Options{})
	r := e.Step(snapshot.Snapshot{At: at, Rates: fleetRates(at)})
	h := r.HTTP
	if h == nil || len(h.Routes) != 2 {
		t.Fatalf("got %+v", h)
	}
	for name, tt := range map[string]struct {
		got  Value
		want float64
	}{
		"window":   {r.WindowSeconds, 60},
		"requests": {h.Requests, 2400}, "rps": {h.RPS, 40}, "errors": {h.ErrorRatio, 0.075}, "in flight": {h.InFlight, 7},
		"client errors": {h.ClientErrorRatio, 0.25}, "throttled": {h.Throttled, 600}, "avg": {h.Avg, 6.5 / 40},
		"p50": {h.P50, 0.08}, "p95": {h.P95, 0.1 + 0.9*(38-25)/15},
		"route":     {h.Routes[0].RPS, 30},
		"route p95": {h.Routes[0].P95, 0.1 + 0.9*(28.5-15)/15}, "measured": {snapshot.Known(h.Measured), 2400},
		"instance": {h.Instances[0].Requests, 2400}, "point": {r.History[0].RPS, 40}, "point's 429s": {r.History[0].Throttled, 10},
	} {
		if !tt.got.OK || math.Abs(tt.got.V-tt.want) > 1e-9 {
			t.Errorf("%s: got %+v, want %v", name, tt.got, tt.want)
		}
	}
	if up, down := h.Instances[0], h.Instances[1]; !up.Up || up.Processes != 1 || down.Up || down.Requests.OK || down.Processes != 0 {
		t.Errorf("instances %+v", h.Instances)
	}
	if h.P95Bucket == nil || *h.P95Bucket != (Bucket{Lo: 0.1, Hi: 1}) {
		t.Errorf("the bucket of p95 is %v", h.P95Bucket)
	}
}

// TestFleetStatusesApart: the server has the statuses in another family than the
// routes.
func TestFleetStatusesApart(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rates := fleetRates(at)
	rates.Page.Statuses = safe.New("answers_total")
	rates.Requests = []snapshot.Count{{Series: rateSeries("GET", "/a", ""), Total: 40}}
	rates.Statuses = []snapshot.Count{
		{Series: rateSeries("", "", "200"), Total: 36}, {Series: rateSeries("", "", "503"), Total: 4}, {Series: rateSeries("", "", "429")},
	}
	h := New(Options{}).Step(snapshot.Snapshot{At: at, Rates: rates}).HTTP
	check(t, "rps", h.RPS, known(40))
	check(t, "errors", h.ErrorRatio, known(0.1))
	check(t, "throttled", h.Throttled, known(0))
	check(t, "a route's errors", h.Routes[0].ErrorRatio, unknown)
	if len(h.Status) != 2 || h.Status["503"] != 240 {
		t.Errorf("status %v", h.Status)
	}
}

// TestFleetInstanceLadder: the percentiles of an instance come from its whole
// distribution, where the server gave it.
func TestFleetInstanceLadder(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rates := fleetRates(at)
	rates.Instances[0].AvgSeconds = snapshot.Known(2)
	rates.Instances[0].Durations = snapshot.Histogram{Bounds: []float64{0.1, 1}, Cumulative: []float64{20, 40, 40}, Count: 40}
	i := New(Options{}).Step(snapshot.Snapshot{At: at, Rates: rates}).HTTP.Instances[0]
	check(t, "p50", i.P50, known(0.1))
	check(t, "p95", i.P95, known(0.91))
	check(t, "p99", i.P99, known(0.982))
	check(t, "avg", i.Avg, known(2))
	check(t, "measured", known(i.Measured), known(2400))
	if b := i.P99Bucket; b == nil || b.Lo != 0.1 || b.Hi != 1 || i.P50Bucket == nil || i.P95Bucket == nil {
		t.Errorf("buckets %+v %+v %+v", i.P50Bucket, i.P95Bucket, b)
	}
	if !i.AvgBeyond {
		t.Error("the average lies beyond the last bucket")
	}
}

// TestFleetRhythm: a server answers less often than we look; its figures are
// stale when it misses its own turns.
func TestFleetRhythm(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	e := New(Options{})
	for i := range 30 {
		s := snapshot.Snapshot{At: at.Add(time.Duration(i) * time.Second)}
		if i%5 == 0 && i <= 10 {
			s.Rates = fleetRates(s.At)
		}
		r := e.Step(s)
		if want := i > 22; r.Stale[PartHTTP] != want {
			t.Errorf("second %d: stale is %v", i, !want)
		}
		if p := r.History[len(r.History)-1]; p.RPS.OK == r.Stale[PartHTTP] {
			t.Errorf("second %d: the history has %v", i, p.RPS)
		}
	}
}

// TestDirectWins: what a service says itself is more exact than what a server
// makes of it.
func TestDirectWins(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	e := New(Options{})
	var r *Report
	for i := range 3 {
		now := at.Add(time.Duration(i) * time.Second)
		page := &snapshot.HTTP{Target: safe.New("h:1"), At: now, Requests: []snapshot.Count{{Series: rateSeries("GET", "/own", "200"), Total: float64(5 * i)}}}
		r = e.Step(snapshot.Snapshot{At: now, HTTP: []*snapshot.HTTP{page}, Rates: fleetRates(now)})
	}
	if len(r.HTTP.Routes) != 1 || r.HTTP.Routes[0].Route.Raw() != "/own" || r.HTTP.RPS.V != 5 || r.WindowSeconds.V != 2 {
		t.Errorf("got %+v over %v", r.HTTP, r.WindowSeconds)
	}
}

// TestPast: what happened before the start is in the history at once, a point a
// round, by our clock, with its gaps.
func TestPast(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	const offset, step = 30 * time.Second, 5 * time.Second // the server's clock is behind
	e := New(Options{})
	for i := range 3 { // it comes a little late
		now := at.Add(time.Duration(i) * time.Second)
		e.Step(snapshot.Snapshot{At: now, Rates: fleetRates(now.Add(-offset))})
	}
	now := at.Add(3 * time.Second)
	rates := fleetRates(now.Add(-offset))
	for i := range 721 {
		m := snapshot.Moment{At: at.Add(-offset - time.Duration(720-i)*step), RPS: snapshot.Known(float64(i)), Durations: rates.Durations[0]}
		if i >= 300 && i < 310 {
			m = snapshot.Moment{At: m.At}
		}
		rates.Past = append(rates.Past, m)
	}
	r := e.Step(snapshot.Snapshot{At: now, Rates: rates})
	if len(r.History) != historyPoints {
		t.Fatalf("%d points", len(r.History))
	}
	gaps := 0
	for i := 1; i < len(r.History); i++ {
		p := r.History[i]
		if p.At.Sub(r.History[i-1].At) != time.Second {
			t.Fatalf("points %d and %d are %v apart", i-1, i, p.At.Sub(r.History[i-1].At))
		}
		if !p.RPS.OK {
			gaps++
			continue
		}
		if !p.P95.OK || !p.P50.OK || !p.P99.OK {
			t.Fatalf("point %d has no percentiles", i)
		}
	}
	if gaps != 50 {
		t.Errorf("%d points are a gap, want 50", gaps)
	}
	last := r.History[historyPoints-5] // the newest of the past
	if !last.At.Equal(at.Add(-time.Second)) || last.RPS.V != 720 {
		t.Errorf("the past ends at %v with %v", last.At, last.RPS)
	}
	if p := r.History[historyPoints-5-7]; p.RPS.V != 719 {
		t.Errorf("eight seconds before the start: %v", p.RPS)
	}
	if again := e.Step(snapshot.Snapshot{At: now.Add(time.Second), Rates: fleetRates(now)}); len(again.History) != historyPoints {
		t.Errorf("%d points later", len(again.History))
	}
}

// TestPastIsShort: a server may know less than it was asked for.
func TestPastIsShort(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		moments []time.Duration // before the reading
		want    int             // points before the first live one
	}{
		"one":           {[]time.Duration{time.Second}, 1},
		"two":           {[]time.Duration{20 * time.Second, 10 * time.Second}, 29},
		"one to come":   {[]time.Duration{-time.Minute}, 0},
		"up to the end": {[]time.Duration{10 * time.Second, 0}, 19},
	} {
		t.Run(name, func(t *testing.T) {
			rates := fleetRates(at)
			for _, d := range tt.moments {
				rates.Past = append(rates.Past, snapshot.Moment{At: at.Add(-d), RPS: snapshot.Known(1)})
			}
			r := New(Options{}).Step(snapshot.Snapshot{At: at, Rates: rates})
			if len(r.History) != tt.want+1 {
				t.Errorf("%d points, want %d before the live one", len(r.History), tt.want)
			}
		})
	}
}

// TestFleetNative: exponential buckets of routes with unlike schemas add up, and
// so do those of the past.
func TestFleetNative(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	native := func(schema int, index int32) snapshot.Histogram {
		return snapshot.Histogram{Cumulative: []float64{10}, Count: 10, Sum: 1, Native: &snapshot.Native{
			Schema: schema, PerSecond: 1000, Positive: []snapshot.Sparse{{Index: index, Count: 10}},
		}}
	}
	rates := &snapshot.Rates{At: at, Window: time.Minute}
	for i, route := range []string{"/a", "/b"} {
		h := native(3-i, int32(7*8>>i)) // both end at 128 ms
		h.Series = rateSeries("GET", route, "")
		rates.Durations = append(rates.Durations, h)
		rates.Requests = append(rates.Requests, snapshot.Count{Series: rateSeries("GET", route, "200"), Total: 10})
	}
	rates.Past = []snapshot.Moment{{At: at.Add(-time.Second), RPS: snapshot.Known(10), Durations: native(3, 56)}}
	r := New(Options{}).Step(snapshot.Snapshot{At: at, Rates: rates})
	if b := r.HTTP.P95Bucket; b == nil || math.Abs(b.Hi-0.128) > 1e-12 || math.Abs(b.Lo-0.128/math.Exp2(0.25)) > 1e-12 {
		t.Errorf("p95 of all is in %+v", b)
	}
	if b := r.HTTP.Routes[0].P95Bucket; b == nil || math.Abs(b.Lo-0.128/math.Exp2(0.125)) > 1e-12 {
		t.Errorf("p95 of /a is in %+v", b)
	}
	if r.HTTP.Measured != 1200 {
		t.Errorf("%v durations", r.HTTP.Measured)
	}
	if p := r.History[0].P95; !p.OK || p.V > 0.128 || p.V < 0.11 {
		t.Errorf("p95 of the past is %+v", p)
	}
}

func TestFleetWithManyRoutes(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rates := &snapshot.Rates{At: at, Window: time.Minute}
	for i := range 300 {
		s := rateSeries("GET", fmt.Sprintf("/users/%d", 1000+i), "200")
		rates.Requests = append(rates.Requests, snapshot.Count{Series: s, Total: 1})
		rates.Durations = append(rates.Durations, snapshot.Histogram{Series: s, Bounds: []float64{1}, Cumulative: []float64{1, 1}, Count: 1, Sum: 0.5})
	}
	h := New(Options{}).Step(snapshot.Snapshot{At: at, Rates: rates}).HTTP
	n := 0.0
	for _, row := range h.Rows() {
		n += row.Measured
	}
	if h.RPS.V != 300 || math.Abs(n-300*60) > 1e-6 {
		t.Errorf("%v a second, and rows with %v durations", h.RPS, n)
	}
}
