package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apitop/collectors/analysis"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// The life of a service, page by page. On route /b nothing is asked before page
// bornAt, and all counters are zero half a page before restartAt.
const (
	bornAt    = 5
	restartAt = 9
	lastPage  = 12
)

// served is how many requests a page of the service says were served, and how
// many of them within 0.1 s; the others took up to 1 s.
func served(route string, page int) (all, fast float64) {
	n := float64(page)
	rate := map[string]float64{"/a": 400, "/b": 50, "/c": 1, "/d": 100}[route]
	if page >= restartAt {
		n -= restartAt - 0.5
		switch route {
		case "/c":
			rate = 300 // it serves more at once than before in all
		case "/d":
			return rate * n, rate * n // and this one has become fast
		}
		return rate * n, 0.6 * rate * n
	}
	switch route {
	case "/b":
		all = 200 + rate*(n-bornAt)
	case "/d":
		return rate * n, n
	default:
		all = rate * n
	}
	return all, 0.6 * all
}

// eventful is one page of the service.
func eventful(page int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE page_number gauge\npage_number %d\n", page)
	start := 1_700_000_000
	if page >= restartAt {
		start += 100
	}
	fmt.Fprintf(&b, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %d\n", start)
	fmt.Fprintln(&b, "# TYPE http_requests_total counter\n# TYPE http_request_duration_seconds histogram")
	for _, route := range []string{"/a", "/b", "/c", "/d"} {
		if route == "/b" && page < bornAt {
			continue
		}
		all, fast := served(route, page)
		fmt.Fprintf(&b, "http_requests_total{method=\"GET\",route=%q,status=\"200\"} %v\n", route, all)
		for _, bucket := range []struct {
			le string
			n  float64
		}{{"0.1", fast}, {"1", all}, {"+Inf", all}} {
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{method=\"GET\",route=%q,le=%q} %v\n", route, bucket.le, bucket.n)
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_count{method=\"GET\",route=%q} %v\n", route, all)
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{method=\"GET\",route=%q} %v\n", route, 0.2*all)
	}
	return b.String()
}

// promCase is a window of pages of one route: what was served in it as far as any
// page says, and by how much Prometheus' answers differ from ours by design.
type promCase struct {
	why         string
	route       string
	first, last int
	requests    float64
	rate        float64 // rate() as a share of ours
	p50, p95    float64 // histogram_quantile() as a share of ours
}

func promCases() []promCase {
	return []promCase{
		{"nothing happens", "/a", 1, 4, 1200, 1, 1, 1},
		{"nothing happens", "/d", 1, 4, 300, 1, 1, 1},
		{
			"a series is born in the window: rate() misses its first value, 200 of 250, and makes up for half a step",
			"/b", 3, 6, 250, 75.0 / 250, 1, 1,
		},
		{"the series was there all the time", "/b", 5, 8, 150, 1, 1, 1},
		{"all counters fell: both count from zero", "/a", 7, 10, 1000, 1, 1, 1},
		{"all counters fell", "/b", 7, 10, 50 + 25 + 50, 1, 1, 1},
		{
			"a counter stood higher after the restart than before: rate() misses the restart, and 8 of 150 requests",
			"/c", 7, 10, 451, 443.0 / 451, 1, 1,
		},
		{
			"of a histogram only some buckets fell: rate() decides for each, and misses 8 of 50 fast requests",
			"/d", 7, 10, 250, 1, (0.1 * 125 / 143) / (0.1 * 125 / 151),
			(0.1 + 0.9*(237.5-143)/(250-143)) / (0.1 + 0.9*(237.5-151)/(250-151)),
		},
		{"after all of it", "/a", 9, 12, 1200, 1, 1, 1},
		{"after all of it", "/c", 9, 12, 900, 1, 1, 1},
		{"after all of it: one bucket has all", "/d", 9, 12, 300, 1, 1, 1},
	}
}

// TestPrometheusOnEvents has a real Prometheus scrape a service each second, in
// which a series is born and which restarts, and reads the same pages at the same
// times with apitop. Rates and percentiles agree to half a percent, but for what
// Prometheus leaves out by design.
func TestPrometheusOnEvents(t *testing.T) {
	program := requireProgram(t, "prometheus", "apt-get install prometheus")
	t.Parallel()
	var page atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, eventful(int(page.Add(1))))
	}))
	defer service.Close()
	api := startPrometheus(t, program, service.URL)
	times := waitForPages(t, api)
	for _, c := range promCases() {
		t.Run(fmt.Sprintf("%s %d-%d", c.route[1:], c.first, c.last), func(t *testing.T) {
			r := readPages(t, times, c)
			if !r.Requests.OK || math.Abs(r.Requests.V-c.requests) > 1e-9*c.requests {
				t.Errorf("%s: %+v requests, want %v", c.why, r.Requests, c.requests)
			}
			from, to := times[c.first], times[c.last]
			window := to.Sub(from).Milliseconds() + 1 // so that the first page is just inside
			rate := func(metric string) string { return fmt.Sprintf("rate(%s{route=%q}[%dms])", metric, c.route, window) }
			buckets := "sum by (le) (" + rate("http_request_duration_seconds_bucket") + ")"
			for what, pair := range map[string]struct {
				expr  string
				ours  analysis.Value
				share float64
			}{
				"rate": {rate("http_requests_total"), r.RPS, c.rate},
				"p50":  {"histogram_quantile(0.5, " + buckets + ")", r.P50, c.p50},
				"p95":  {"histogram_quantile(0.95, " + buckets + ")", r.P95, c.p95},
			} {
				theirs := askAt(t, api, pair.expr, to)
				t.Logf("%s: apitop %.6g, prometheus %.6g", what, pair.ours.V, theirs)
				if want := pair.ours.V * pair.share; !pair.ours.OK || math.Abs(theirs-want) > 0.005*want {
					t.Errorf("%s: prometheus says %v, %s is %+v; it should be %v of that", c.why, theirs, what, pair.ours, pair.share)
				}
			}
		})
	}
}

// readPages reads the pages of a case at the times at which Prometheus read them.
func readPages(t *testing.T, times map[int]time.Time, c promCase) *analysis.Route {
	t.Helper()
	reader := scrape.NewReader("service", scrape.Limits{})
	engine := analysis.New(analysis.Options{Window: time.Minute})
	var report *analysis.Report
	for n := c.first; n <= c.last; n++ {
		h, err := reader.Read(strings.NewReader(eventful(n)), "text/plain; version=0.0.4")
		if err != nil {
			t.Fatal(err)
		}
		h.At = times[n]
		report = engine.Step(snapshot.Snapshot{At: h.At, HTTP: []*snapshot.HTTP{h}})
	}
	for i := range report.HTTP.Routes {
		if r := &report.HTTP.Routes[i]; r.Route.Raw() == c.route {
			return r
		}
	}
	t.Fatalf("no route %s in %+v", c.route, report.HTTP.Routes)
	return nil
}

// waitForPages waits until Prometheus has all pages and says when it read each.
func waitForPages(t *testing.T, api string) map[int]time.Time {
	t.Helper()
	times := map[int]time.Time{}
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		for _, series := range query(t, api, "page_number[5m]", time.Now()) {
			for _, v := range series.Values {
				times[int(number(t, v[1]))] = time.UnixMilli(int64(math.Round(v[0].(float64) * 1000)))
			}
		}
		if times[lastPage].IsZero() {
			continue
		}
		for n := 1; n <= lastPage; n++ {
			if times[n].IsZero() {
				t.Fatalf("prometheus did not take page %d", n)
			}
		}
		return times
	}
	t.Fatalf("prometheus has pages %v only", times)
	return nil
}

// askAt is the one value of expr at a time, by Prometheus.
func askAt(t *testing.T, api, expr string, at time.Time) float64 {
	t.Helper()
	result := query(t, api, expr, at)
	if len(result) != 1 {
		t.Fatalf("%s: %+v", expr, result)
	}
	return number(t, result[0].Value[1])
}

type promSeries struct {
	Value  [2]any   // of an instant vector
	Values [][2]any // of a range vector
}

func query(t *testing.T, api, expr string, at time.Time) []promSeries {
	t.Helper()
	form := url.Values{"query": {expr}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}
	resp, err := http.Get(api + "/api/v1/query?" + form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct {
		Error string
		Data  struct{ Result []promSeries }
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil || doc.Error != "" {
		t.Fatalf("%s: %v, %s", expr, err, doc.Error)
	}
	return doc.Data.Result
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(v.(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
