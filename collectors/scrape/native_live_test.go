package scrape

import (
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// nativeService is a service with native histograms and no classic ones, and
// what reads it.
type nativeService struct {
	t       *testing.T
	opts    prometheus.HistogramOpts
	server  *httptest.Server
	hist    *prometheus.HistogramVec
	count   *prometheus.CounterVec
	scraper *Collector
	engine  *analysis.Engine
	started float64
	seen    []float64 // seconds that were observed since the first scrape
}

func newNativeService(t *testing.T, opts prometheus.HistogramOpts) *nativeService {
	t.Helper()
	s := &nativeService{t: t, opts: opts, engine: analysis.New(analysis.Options{Window: time.Minute}), started: float64(time.Now().Unix() - 3600)}
	s.start("127.0.0.1:0")
	t.Cleanup(func() { s.server.Close() })
	var err error
	if s.scraper, err = New(Config{URL: s.server.URL, Timeout: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.scraper.Close)
	return s
}

// restart ends the service and begins it anew at the same address.
func (s *nativeService) restart() {
	address := s.server.Listener.Addr().String()
	s.server.Close()
	s.started = float64(time.Now().Unix() + 5) // as if time had gone by
	s.start(address)
}

// start begins the service as a process that counts from zero.
func (s *nativeService) start(address string) {
	s.t.Helper()
	r := prometheus.NewRegistry()
	s.opts.Name = "http_request_duration_seconds"
	s.hist = prometheus.NewHistogramVec(s.opts, []string{"route", "method"})
	s.count = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total"}, []string{"route", "method", "status"})
	start := prometheus.NewGauge(prometheus.GaugeOpts{Name: "process_start_time_seconds"})
	start.Set(s.started)
	r.MustRegister(s.hist, s.count, start)
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: promhttp.HandlerFor(r, promhttp.HandlerOpts{}), ReadHeaderTimeout: time.Minute,
	}}
	s.server.Start()
}

// serve observes n durations from lo to hi seconds, spread evenly on a
// logarithmic scale, in an order that is not sorted.
func (s *nativeService) serve(route string, n int, lo, hi float64) {
	for i := range n {
		at := float64((i*7919)%n) / float64(n)
		v := lo * math.Pow(hi/lo, at)
		s.hist.WithLabelValues(route, "get").Observe(v)
		s.count.WithLabelValues(route, "get", "200").Inc()
		s.seen = append(s.seen, v)
	}
}

func (s *nativeService) scrape() (*analysis.Report, *snapshot.HTTP) {
	s.t.Helper()
	reading, err := s.scraper.Collect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	snap := snapshot.Snapshot{At: time.Now()}
	snap.AddTo(reading)
	return s.engine.Step(snap), snap.HTTP[0]
}

// near compares the quantiles of a report with those of what was observed.
func (s *nativeService) near(r *analysis.Report, tolerance float64) {
	s.t.Helper()
	if r.HTTP.Requests.V != float64(len(s.seen)) || r.HTTP.Measured != float64(len(s.seen)) {
		s.t.Errorf("%v requests, %v measured, want %d", r.HTTP.Requests.V, r.HTTP.Measured, len(s.seen))
	}
	all := slices.Sorted(slices.Values(s.seen))
	for q, got := range map[float64]analysis.Value{0.50: r.HTTP.P50, 0.95: r.HTTP.P95, 0.99: r.HTTP.P99} {
		want := all[int(q*float64(len(all)-1))]
		if !got.OK || math.Abs(got.V-want) > tolerance*want {
			s.t.Errorf("q=%v is %+v, the truth is %v (%.2f %%)", q, got, want, 100*(got.V/want-1))
		} else {
			s.t.Logf("q=%v: %v, the truth is %v (%.2f %%)", q, got.V, want, 100*(got.V/want-1))
		}
	}
}

// TestNativeLive reads a real client over HTTP: the percentiles of the window
// stay within 1 % of the truth through a late route, buckets that become coarser
// in between, and a restart.
func TestNativeLive(t *testing.T) {
	s := newNativeService(t, prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.02, NativeHistogramMaxBucketNumber: 120})
	s.serve("/early", 500, 0.2, 0.3)
	s.seen = nil
	if r, h := s.scrape(); r.HTTP.P95.OK || h.Page.Format != formatProtobuf || len(h.Durations[0].Bounds) > 0 {
		t.Fatalf("the first page: p95 %v, %+v", r.HTTP.P95, h.Page)
	}
	s.serve("/early", 3000, 0.010, 0.040)
	r, before := s.scrape()
	s.near(r, 0.01)
	s.serve("/late", 3000, 0.030, 0.060)
	r, _ = s.scrape()
	s.near(r, 0.01)

	s.serve("/early", 4000, 0.0005, 1.5)
	r, after := s.scrape()
	if a, b := before.Durations[0].Native.Schema, after.Durations[0].Native.Schema; b >= a {
		t.Errorf("the buckets did not become coarser: schema %d, then %d", a, b)
	}
	s.near(r, 0.01)
	if len(r.Events) > 0 {
		t.Errorf("events %+v", r.Events)
	}

	s.restart()
	s.serve("/early", 2000, 0.020, 0.080)
	s.serve("/new", 1000, 0.001, 0.002)
	r, _ = s.scrape()
	s.near(r, 0.01)
	if len(r.Events) != 1 || r.Events[0].Kind != "restart" {
		t.Errorf("events %+v", r.Events)
	}
}

// TestNativeLiveReset meets a client that begins a histogram anew, alone, when it
// has too many buckets: what it kept counts, though its count has not fallen, and
// it is not taken for a restart of the process.
func TestNativeLiveReset(t *testing.T) {
	s := newNativeService(t, prometheus.HistogramOpts{
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 20, NativeHistogramMinResetDuration: time.Nanosecond,
	})
	s.serve("/a", 100, 0.010, 0.020)
	s.serve("/b", 100, 0.010, 0.020)
	s.seen = nil
	s.scrape()
	s.serve("/a", 10, 1, 50) // up to about the limit
	s.serve("/a", 200, 3, 4) // beyond it: all is forgotten but the newest
	s.serve("/b", 100, 0.010, 0.020)
	r, page := s.scrape()
	kept := page.Durations[slices.IndexFunc(page.Durations, func(d snapshot.Histogram) bool { return d.Series.Route.Raw() == "/a" })]
	if kept.Count < 150 || kept.Count >= 300 {
		t.Fatalf("the client has %v, want some of 310 forgotten, more than before left", kept.Count)
	}
	a := r.HTTP.Routes[slices.IndexFunc(r.HTTP.Routes, func(r analysis.Route) bool { return r.Route.Raw() == "/a" })]
	if a.Requests.V != 210 || a.Measured != kept.Count || a.P50.V < 2.9 || a.P50.V > 4.1 {
		t.Errorf("%v requests, %v measured, p50 %v", a.Requests.V, a.Measured, a.P50.V)
	}
	for _, e := range r.Events {
		if e.Kind == "restart" {
			t.Errorf("event %+v", e)
		}
	}
}
