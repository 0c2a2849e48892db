package metrics_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"apitop/demoapi/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape returns the samples of a page: series -> value.
func scrape(t *testing.T, m *metrics.Metrics) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d", w.Code)
	}
	page, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			samples[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return samples
}

// contract is what the page says after TestContract's events.
func contract() map[string]string {
	return map[string]string{
		`http_requests_total{method="GET",route="/products/{id}",status="200"}`: "1",
		`http_requests_in_flight`: "1",
		`http_request_duration_seconds_bucket{method="GET",route="/products/{id}",le="0.0025"}`: "0",
		`http_request_duration_seconds_bucket{method="GET",route="/products/{id}",le="0.005"}`:  "1",
		`http_request_duration_seconds_bucket{method="GET",route="/products/{id}",le="10"}`:     "1",
		`http_request_duration_seconds_bucket{method="GET",route="/products/{id}",le="+Inf"}`:   "1",
		`http_request_duration_seconds_sum{method="GET",route="/products/{id}"}`:                "0.003",
		`http_request_duration_seconds_count{method="GET",route="/products/{id}"}`:              "1",
		`cache_requests_total{cache="product",result="hit"}`:                                    "1",
		`cache_requests_total{cache="product",result="miss"}`:                                   "1",
		`cache_requests_total{cache="user",result="hit"}`:                                       "0",
		`cache_loads_total{cache="product",result="ok"}`:                                        "1",
		`cache_loads_total{cache="product",result="error"}`:                                     "1",
		`cache_load_seconds_total{cache="product"}`:                                             "3",
		`cache_errors_total{op="get",reason="timeout"}`:                                         "1",
		`ratelimit_decisions_total{decision="allowed",endpoint="/orders",tier="guest"}`:         "1",
		`ratelimit_decisions_total{decision="denied",endpoint="/orders",tier="guest"}`:          "1",
		`ratelimit_decisions_total{decision="error",endpoint="default",tier="guest"}`:           "1",
		`ratelimit_decisions_total{decision="denied",endpoint="default",tier="guest"}`:          "0",
		`ratelimit_errors_total{reason="timeout"}`:                                              "1",
	}
}

func TestContract(t *testing.T) {
	m := metrics.New(metrics.Labels{
		Caches: []string{"product", "user"}, Tiers: []string{"guest"}, Endpoints: []string{"default", "/orders"}, Reasons: []string{"timeout"},
	})
	m.RequestBegan()
	m.RequestBegan()
	m.RequestEnded("GET", "/products/{id}", 200, 3*time.Millisecond)
	m.CacheAsked("product", "hit")
	m.CacheAsked("product", "miss")
	m.CacheLoaded("product", 2*time.Second, nil)
	m.CacheLoaded("product", time.Second, errors.New("x"))
	m.CacheFailed("get", "timeout")
	m.Decided("guest", "/orders", true)
	m.Decided("guest", "/orders", false)
	m.Undecided("guest", "default", "timeout")
	got := scrape(t, m)
	for series, value := range contract() {
		if got[series] != value {
			t.Errorf("%s = %q, want %s", series, got[series], value)
		}
	}
	for _, series := range []string{
		"go_goroutines", "process_start_time_seconds", "process_resident_memory_bytes", "go_sched_latencies_seconds_count",
		"go_gc_heap_live_bytes", "go_cpu_classes_gc_total_cpu_seconds_total", "go_sync_mutex_wait_total_seconds_total",
	} {
		if got[series] == "" {
			t.Errorf("%s is missing", series)
		}
	}
	buckets := 0
	for series := range got {
		if strings.HasPrefix(series, "http_request_duration_seconds_bucket") {
			buckets++
		}
	}
	if buckets != 14 {
		t.Errorf("%d buckets, want the contract's 13 and +Inf", buckets)
	}
}

func TestPools(t *testing.T) {
	m := metrics.New(metrics.Labels{})
	// A pool that never connects, for its configured size.
	db, err := pgxpool.New(t.Context(), "host=/nowhere user=x dbname=x pool_max_conns=7")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m.WatchDB(db.Stat)
	m.WatchRedis(func() *redis.PoolStats { return &redis.PoolStats{TotalConns: 5, IdleConns: 3, Hits: 9, Timeouts: 1} })
	got := scrape(t, m)
	want := map[string]string{
		"db_pool_max_connections": "7", "db_pool_acquired_connections": "0", "db_pool_acquires_total": "0",
		"redis_pool_connections": "5", "redis_pool_idle_connections": "3", "redis_pool_hits_total": "9", "redis_pool_timeouts_total": "1",
	}
	for series, value := range want {
		if got[series] != value {
			t.Errorf("%s = %q, want %s", series, got[series], value)
		}
	}
}

// TestSeparateServers: two servers in one process do not share a number.
func TestSeparateServers(t *testing.T) {
	a, b := metrics.New(metrics.Labels{}), metrics.New(metrics.Labels{})
	a.RequestBegan()
	if got := scrape(t, b)["http_requests_in_flight"]; got != "0" {
		t.Errorf("the other server has %s in flight", got)
	}
}
