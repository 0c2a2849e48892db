package scrape

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/collectors"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

func TestMain(m *testing.M) {
	if port := os.Getenv(workerPort); port != "" {
		work(port) // this is a process of a server under test
	}
	goleak.VerifyTestMain(m)
}

// alone makes c look for no further processes.
func alone(c *Collector) {
	c.crew.known, c.crew.watch = c.crew.enough(), time.Now().Add(time.Hour)
}

var (
	_ collectors.Collector = (*Collector)(nil)
	_ collectors.Noter     = (*Collector)(nil)
)

const shopPage = `# TYPE http_requests_total counter
http_requests_total{method="GET",route="/a",status="200"} 7
http_requests_total{method="GET",route="/a",status="500"} 1
http_requests_total{method="GET",route="",status="404"} 2
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{method="GET",route="/a",le="0.1"} 6
http_request_duration_seconds_bucket{method="GET",route="/a",le="+Inf"} 8
http_request_duration_seconds_sum{method="GET",route="/a"} 1.5
http_request_duration_seconds_count{method="GET",route="/a"} 8
# TYPE http_requests_in_flight gauge
http_requests_in_flight 3
# TYPE ratelimit_decisions_total counter
ratelimit_decisions_total{decision="denied",endpoint="/orders",tier="guest"} 4
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e+09
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 2.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1e+06
# TYPE process_open_fds gauge
process_open_fds 11
`

// collect runs one scrape of url and returns the reading.
func collect(t *testing.T, cfg Config) (*Collector, *snapshot.HTTP, error) {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := c.Collect(ctx)
	if r == nil {
		return c, nil, err
	}
	return c, r.(*snapshot.HTTP), err
}

func TestCollect(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got == nil {
			got = r
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, shopPage)
		z.Close()
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	before := time.Now()
	c, h, err := collect(t, Config{
		URL:     "http://bob:S3cr3tPW@" + host,
		Timeout: 3 * time.Second,
		Web:     web.Settings{Headers: map[string]safe.Secret[string]{"X-Tenant": safe.Hide("shop")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if name := c.Source().Name.String(); name != "metrics "+host || c.Source().Kind != snapshot.KindMetrics {
		t.Errorf("source %+v", c.Source())
	}
	if user, password, _ := got.BasicAuth(); user != "bob" || password != "S3cr3tPW" || got.URL.Path != "/metrics" {
		t.Errorf("request for %s by %s:%s", got.URL, user, password)
	}
	timeout, _ := strconv.ParseFloat(got.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if timeout < 2 || timeout > 3 ||
		!strings.Contains(got.Header.Get("Accept"), "delimited;q=0.9,text/plain;version=0.0.4;q=0.8,*/*;q=0.1") ||
		got.Header.Get("X-Tenant") != "shop" || got.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("headers %v", got.Header)
	}
	if h.At.Before(before) || h.Target.String() != host || h.Page.Format != "text" || h.Page.Bytes != int64(len(shopPage)) {
		t.Errorf("page %+v at %v", h.Page, h.At)
	}
	checkShop(t, h)
	if len(c.Notes()) != 0 {
		t.Errorf("notes %v", c.Notes())
	}
}

// checkShop checks every field that shopPage fills.
func checkShop(t *testing.T, h *snapshot.HTTP) {
	t.Helper()
	if h.Page.Samples != 13 || h.Page.Dialect != "demoapi" || h.Page.Counter.String() != requests || h.Page.Duration.String() != duration {
		t.Errorf("page %+v", h.Page)
	}
	want := `7 GET "/a" 200, 1 GET "/a" 500, 2 GET "" 404`
	var counts []string
	for _, c := range h.Requests {
		counts = append(counts, fmt.Sprintf("%v %s %q %s", c.Total, c.Series.Method, c.Series.Route.String(), c.Series.Status))
	}
	if got := strings.Join(counts, ", "); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
	if len(h.Durations) != 1 {
		t.Fatalf("durations %+v", h.Durations)
	}
	d := h.Durations[0]
	if got := fmt.Sprint(d.Series.Method, d.Series.Route, d.Bounds, d.Cumulative, d.Count, d.Sum); got != "GET /a [0.1] [6 8] 8 1.5" {
		t.Errorf("duration %s", got)
	}
	if d.Series.ID != `http_request_duration_seconds_count{method="GET",route="/a"}` {
		t.Errorf("ID %s", d.Series.ID)
	}
	values := []snapshot.Value{h.InFlight, h.StartTime, h.Process.CPUSeconds, h.Process.RSSBytes, h.Process.OpenFDs}
	if got := fmt.Sprint(values); got != "[{3 true} {1.7e+09 true} {2.5 true} {1e+06 true} {11 true}]" {
		t.Errorf("process %s", got)
	}
}

// TestKeepAlive scrapes twice over one connection and hands out readings that
// do not change any more, with the same series.
func TestKeepAlive(t *testing.T) {
	dials := map[string]bool{}
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dials[r.RemoteAddr] = true
		n++
		fmt.Fprintf(w, "http_requests_total{route=\"/a\",status=\"200\"} %d\n", n)
	}))
	defer server.Close()
	c, err := New(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	alone(c)
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := r.(*snapshot.HTTP)
	r, err = c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second := r.(*snapshot.HTTP)
	if len(dials) != 1 {
		t.Errorf("%d connections for two scrapes", len(dials))
	}
	if first.Requests[0].Total != 1 || second.Requests[0].Total != 2 || first.Requests[0].Series != second.Requests[0].Series {
		t.Errorf("first %+v, second %+v", first.Requests, second.Requests)
	}
}
