package metrics_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"

	"apitop/demoapi/metrics"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page is what a scrape gets, by family, read back as any scraper does.
type page map[string]*dto.MetricFamily

// scrape asks for the page in the format named.
func scrape(t *testing.T, m *metrics.Metrics, accept string) page {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	d := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	p := page{}
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return p
		}
		p[f.GetName()] = &f
	}
}

const (
	text     = "text/plain;version=0.0.4"
	protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// value is a series' counter or gauge, or its histogram's count.
func (p page) value(family string, labels ...string) (float64, bool) {
	for _, m := range p[family].GetMetric() {
		var pairs []string
		for _, l := range m.GetLabel() {
			pairs = append(pairs, l.GetName()+"="+l.GetValue())
		}
		if !slices.Equal(pairs, labels) {
			continue
		}
		switch {
		case m.Histogram != nil:
			return float64(m.GetHistogram().GetSampleCount()), true
		case m.Gauge != nil:
			return m.GetGauge().GetValue(), true
		}
		return m.GetCounter().GetValue(), true
	}
	return 0, false
}

// contract is every family of ours: its type and labels.
func contract() map[string]string {
	return map[string]string{
		"http_requests_total": "COUNTER method route status", "http_request_duration_seconds": "HISTOGRAM method route",
		"http_response_size_bytes": "HISTOGRAM method route", "http_requests_in_flight": "GAUGE", "db_queries_per_request": "HISTOGRAM method route",
		"cache_requests_total": "COUNTER cache layer result", "cache_loads_total": "COUNTER cache result",
		"cache_load_duration_seconds": "HISTOGRAM cache", "cache_load_waits_total": "COUNTER by cache",
		"cache_refreshes_total": "COUNTER cache reason", "cache_ttl_seconds": "HISTOGRAM cache", "cache_l1_entries": "GAUGE",
		"cache_errors_total": "COUNTER op reason", "ratelimit_decisions_total": "COUNTER decision endpoint tier",
		"ratelimit_errors_total": "COUNTER reason", "ratelimit_local_decisions_total": "COUNTER decision",
		"breaker_state": "GAUGE name", "breaker_transitions_total": "COUNTER name to",
		"queue_length": "GAUGE queue", "queue_capacity": "GAUGE queue", "queue_workers": "GAUGE queue", "queue_workers_busy": "GAUGE queue",
		"queue_jobs_total": "COUNTER queue state", "queue_wait_seconds": "HISTOGRAM queue", "queue_job_duration_seconds": "HISTOGRAM queue",
		"active_users": "GAUGE window", "user_requests_total": "COUNTER tier", "feature_uses_total": "COUNTER feature",
		"funnel_events_total": "COUNTER step", "orders_total": "COUNTER status", "order_value_cents_total": "COUNTER",
	}
}

func labels() metrics.Labels {
	return metrics.Labels{
		Caches: []string{"product", "user"}, Tiers: []string{"guest"}, Endpoints: []string{"default", "/orders"}, Reasons: []string{"timeout"},
		Breakers: []string{"cache"}, Features: map[metrics.Endpoint]string{{Method: "GET", Route: "/products/{id}"}: "view"},
	}
}

// eventful returns metrics on which everything has happened.
func eventful() *metrics.Metrics {
	m := metrics.New(labels())
	view := metrics.Endpoint{Method: "GET", Route: "/products/{id}"}
	m.RequestBegan()
	m.RequestBegan()
	m.RequestEnded(metrics.Request{
		Endpoint: view, ID: "abc-1", Status: 200, Bytes: 300, Took: 3 * time.Millisecond, Queries: 2, Subject: "42", Tier: "guest",
	})
	m.RequestBegan()
	m.RequestEnded(metrics.Request{Endpoint: view, ID: "abc-2", Status: 404, Took: time.Millisecond, Subject: "43", Tier: "guest"})
	m.RequestBegan()
	m.RequestEnded(metrics.Request{Endpoint: metrics.Endpoint{Method: "GET"}, Status: 404})
	m.CacheAsked("product", "l1", "hit")
	m.CacheAsked("product", "store", "negative")
	m.CacheLoaded("product", 2*time.Second, nil)
	m.CacheLoaded("product", time.Second, errors.New("x"))
	m.CacheLoaded("product", time.Second, fmt.Errorf("y: %w", store.ErrNotFound))
	m.CacheWaited("product", "lock")
	m.CacheRefreshed("product", "early")
	m.CacheStored("product", time.Hour)
	m.CacheFailed("set", "timeout")
	m.WatchL1(func() int { return 11 })
	m.Decided("guest", "/orders", true)
	m.Decided("guest", "/orders", false)
	m.Undecided("guest", "default", "timeout")
	m.LocalDecision(false)
	m.BreakerChanged("cache", 2)
	m.BreakerChanged("cache", 1)
	m.BreakerChanged("cache", 3) // no state
	m.JobEnded("orders", time.Second, time.Minute)
	m.WatchQueue("orders", func() queue.Stats {
		return queue.Stats{Waiting: 3, Capacity: 9, Workers: 4, Busy: 2, Accepted: 20, Rejected: 1, Completed: 14, Failed: 1}
	})
	m.OrderPlaced(1999)
	m.OrderSettled("failed")
	return m
}

// values are some of what the page says then; "-" means that there is no series.
func values() map[string]string {
	return map[string]string{
		"http_requests_total method=GET route=/products/{id} status=200": "1", "http_requests_total method=GET route= status=404": "1",
		"http_request_duration_seconds method=GET route=/products/{id}": "2", "http_response_size_bytes method=GET route=/products/{id}": "2",
		"db_queries_per_request method=GET route=": "1", "http_requests_in_flight": "1",
		"cache_requests_total cache=product layer=l1 result=hit": "1", "cache_requests_total cache=user layer=redis result=hit": "0",
		"cache_loads_total cache=product result=not_found": "1", "cache_loads_total cache=product result=error": "1",
		"cache_load_duration_seconds cache=product": "3", "cache_load_duration_seconds cache=user": "0",
		"cache_load_waits_total by=lock cache=product": "1", "cache_refreshes_total cache=product reason=early": "1",
		"cache_ttl_seconds cache=product": "1", "cache_l1_entries": "11", "cache_errors_total op=set reason=timeout": "1",
		"ratelimit_decisions_total decision=allowed endpoint=/orders tier=guest": "1",
		"ratelimit_decisions_total decision=denied endpoint=/orders tier=guest":  "1",
		"ratelimit_decisions_total decision=error endpoint=default tier=guest":   "1",
		"ratelimit_decisions_total decision=denied endpoint=default tier=guest":  "0",
		"ratelimit_errors_total reason=timeout":                                  "1", "ratelimit_local_decisions_total decision=denied": "1",
		"breaker_state name=cache": "1", "breaker_transitions_total name=cache to=open": "1", "breaker_transitions_total name=cache to=closed": "0",
		"queue_length queue=orders": "3", "queue_capacity queue=orders": "9", "queue_workers_busy queue=orders": "2",
		"queue_jobs_total queue=orders state=completed": "14", "queue_wait_seconds queue=orders": "1",
		"active_users window=5m": "2", "user_requests_total tier=guest": "2", "user_requests_total tier=": "-",
		"feature_uses_total feature=view": "1", "funnel_events_total step=view": "1",
		"orders_total status=pending": "1", "orders_total status=failed": "1", "orders_total status=confirmed": "0", "order_value_cents_total": "1999",
	}
}

func TestContract(t *testing.T) {
	p := scrape(t, eventful(), text)
	for name, want := range contract() {
		f := p[name]
		got := []string{f.GetType().String()}
		if len(f.GetMetric()) == 0 {
			t.Errorf("%s is missing", name)
			continue
		}
		for _, l := range f.GetMetric()[0].GetLabel() {
			got = append(got, l.GetName())
		}
		if strings.Join(got, " ") != want || f.GetHelp() == "" {
			t.Errorf("%s is a %q (%s), want %s", name, got, f.GetHelp(), want)
		}
	}
	for series, want := range values() {
		parts := strings.Split(series, " ")
		got := "-"
		if v, ok := p.value(parts[0], parts[1:]...); ok {
			got = fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
	for _, name := range []string{
		"go_goroutines", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total",
		"go_sched_latencies_seconds", "go_gc_heap_live_bytes", "go_cpu_classes_gc_total_cpu_seconds_total",
		"go_cpu_classes_total_cpu_seconds_total", "go_sync_mutex_wait_total_seconds_total", "go_gc_cycles_total_gc_cycles_total",
	} {
		if p[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range maps.Keys(p) {
		ours := !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_")
		if _, ok := contract()[name]; ours && !ok {
			t.Errorf("%s is not in the contract", name)
		}
	}
}

// TestNames: names, help and units follow the customs of Prometheus.
func TestNames(t *testing.T) {
	for name, f := range scrape(t, eventful(), protobuf) {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{f}).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", name, problems, err)
		}
	}
}

// TestHistograms: durations have the contract's buckets, and native ones for
// who can read them.
func TestHistograms(t *testing.T) {
	p := scrape(t, eventful(), protobuf)
	for name, buckets := range map[string][]float64{
		"http_request_duration_seconds": {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		"cache_load_duration_seconds":   {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		"db_queries_per_request":        {0, 1, 2, 5, 10, 20, 50, 100},
	} {
		h := p[name].GetMetric()[0].GetHistogram()
		var got []float64
		for _, b := range h.GetBucket() {
			got = append(got, b.GetUpperBound())
		}
		if !slices.Equal(got, buckets) {
			t.Errorf("%s has the buckets %v, want %v", name, got, buckets)
		}
		if h.Schema == nil || h.GetSchema() != 3 { // 2^(1/8) is the widest step below 1.1
			t.Errorf("%s has no native buckets of schema 3: %v", name, h)
		}
	}
}

// TestExemplars: a slow request can be found by its id, but not each request
// pays for that.
func TestExemplars(t *testing.T) {
	m := metrics.New(metrics.Labels{})
	for i := range 1000 {
		m.RequestBegan()
		m.RequestEnded(metrics.Request{Endpoint: metrics.Endpoint{Method: "GET", Route: "/a"}, ID: fmt.Sprint("id-", i), Status: 200, Took: time.Second})
	}
	exemplars := 0
	for _, b := range scrape(t, m, protobuf)["http_request_duration_seconds"].GetMetric()[0].GetHistogram().GetBucket() {
		if l := b.GetExemplar().GetLabel(); len(l) == 1 && l[0].GetName() == "request_id" && strings.HasPrefix(l[0].GetValue(), "id-") {
			exemplars++
		}
	}
	if exemplars != 1 {
		t.Errorf("%d buckets have a request's id, want the one", exemplars)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	m.Handler().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `# {request_id="id-`) {
		t.Error("no exemplar in OpenMetrics")
	}
}

// TestSeparateServers: two servers in one process do not share a number.
func TestSeparateServers(t *testing.T) {
	a, b := metrics.New(metrics.Labels{}), metrics.New(metrics.Labels{})
	a.RequestBegan()
	if got, _ := scrape(t, b, text).value("http_requests_in_flight"); got != 0 {
		t.Errorf("the other server has %v in flight", got)
	}
}
