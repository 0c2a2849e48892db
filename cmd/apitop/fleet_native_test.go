package main

import (
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exponentialShop is a service whose durations have native buckets alone: 1,000
// requests a second, evenly spread from 1 ms to 1 s on a logarithmic scale.
func exponentialShop() http.Handler {
	registry := prometheus.NewRegistry()
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Durations.", NativeHistogramBucketFactor: 1.1,
	}, []string{"method", "route", "status"})
	registry.MustRegister(durations)
	page := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	start, served := time.Now(), 0
	var mu sync.Mutex // guards served
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		for ; float64(served) < time.Since(start).Seconds()*1000; served++ {
			seconds := math.Pow(10, -3+3*float64(served*617%1000)/1000) // 617 and 1000 have no common factor
			durations.WithLabelValues("GET", "/a", "200").Observe(seconds)
		}
		mu.Unlock()
		page.ServeHTTP(w, r)
	})
}

// TestFleetNative reads native histograms through a real Prometheus.
func TestFleetNative(t *testing.T) {
	program := requireProgram(t, "prometheus", "apt-get install prometheus")
	t.Parallel()
	service := httptest.NewServer(exponentialShop())
	defer service.Close()
	api := startPrometheus(t, program, service.URL)
	awaitScrapes(t, api, 12)
	r := watchFor(t, 3*time.Second, Config{Prometheus: api, Match: `job="a"`})
	if r.HTTP == nil || len(r.HTTP.Routes) != 1 {
		t.Fatalf("got %+v", r.HTTP)
	}
	for what, tt := range map[string]struct{ got, want, tolerance float64 }{
		"rps": {r.HTTP.RPS.V, 1000, 0.02},
		"p50": {r.HTTP.P50.V, math.Pow(10, -1.5), 0.02},
		"p95": {r.HTTP.P95.V, math.Pow(10, -0.15), 0.02},
		"p99": {r.HTTP.P99.V, math.Pow(10, -0.03), 0.02},
		// The mean of 10^x for x from -3 to 0.
		"average":      {r.HTTP.Avg.V, (1 - 0.001) / (3 * math.Ln10), 0.02},
		"instance p95": {r.HTTP.Instances[0].P95.V, math.Pow(10, -0.15), 0.05},
	} {
		t.Logf("%s: %.6g, true %.6g", what, tt.got, tt.want)
		if math.Abs(tt.got-tt.want) > tt.tolerance*tt.want {
			t.Errorf("%s is %v, want %v", what, tt.got, tt.want)
		}
	}
	if b := r.HTTP.P95Bucket; b == nil || b.Hi/b.Lo > 1.1 {
		t.Errorf("p95 is in the bucket %+v", b)
	}
	const expr = "histogram_quantile(0.95, sum(rate(http_request_duration_seconds[10s])))"
	compare(t, api, expr, r.HTTP.P95, 0.01)
}
