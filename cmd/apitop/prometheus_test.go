package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/scrape"
)

// requireProgram gives the path of a program that a test needs, or skips; where
// APITOP_REQUIRE_SERVERS is set it fails instead.
func requireProgram(t *testing.T, name, how string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("APITOP_REQUIRE_SERVERS") != "" {
		t.Fatalf("%s is required here: %s", name, how)
	}
	t.Skipf("needs %s: %s", name, how)
	return ""
}

// steady is a service whose figures are a function of the time: 40 requests a
// second on one route and 15 on another, with durations that never change.
func steady(start time.Time) http.HandlerFunc {
	bounds := []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf"}
	share := []float64{0.1, 0.3, 0.55, 0.7, 0.86, 0.97, 0.985, 0.999, 1}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		seconds := time.Since(start).Seconds()
		fmt.Fprintln(w, "# TYPE http_requests_total counter\n# TYPE http_request_duration_seconds histogram")
		for route, rps := range map[string]float64{"/a": 4000, "/b": 1500} {
			n := math.Floor(seconds * rps)
			fmt.Fprintf(w, "http_requests_total{method=\"GET\",route=%q,status=\"200\"} %.0f\n", route, n)
			for i, b := range bounds {
				fmt.Fprintf(w, "http_request_duration_seconds_bucket{method=\"GET\",route=%q,le=%q} %.0f\n", route, b, math.Floor(n*share[i]))
			}
			fmt.Fprintf(w, "http_request_duration_seconds_count{method=\"GET\",route=%q} %.0f\n", route, n)
			fmt.Fprintf(w, "http_request_duration_seconds_sum{method=\"GET\",route=%q} %f\n", route, n*0.06)
		}
	}
}

// TestAgainstPrometheus scrapes one service with a real Prometheus and with
// apitop, each second, and compares rates and percentiles.
func TestAgainstPrometheus(t *testing.T) {
	program := requireProgram(t, "prometheus", "apt-get install prometheus")
	t.Parallel()
	service := httptest.NewServer(steady(time.Now().Add(-time.Minute)))
	defer service.Close()
	api := startPrometheus(t, program, service.URL)

	collector, err := scrape.New(scrape.Config{URL: service.URL + "/metrics"})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{jobs: []collectors.Job{{Collector: collector}}}
	r, err := measure(t.Context(), w, analysis.Options{Window: 12 * time.Second, Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, api, "sum(rate(http_requests_total[5s]))", r.HTTP.RPS, 0.01)
	for q, got := range map[string]analysis.Value{"0.5": r.HTTP.P50, "0.95": r.HTTP.P95, "0.99": r.HTTP.P99} {
		compare(t, api, "histogram_quantile("+q+", sum by (le) (rate(http_request_duration_seconds_bucket[5s])))", got, 0.005)
	}
	for i := range r.HTTP.Routes {
		route := &r.HTTP.Routes[i]
		compare(t, api, fmt.Sprintf("sum(rate(http_requests_total{route=%q}[5s]))", route.Route.Raw()), route.RPS, 0.01)
	}
}

// startPrometheus runs a Prometheus of our own that scrapes target each second,
// and gives the address of its API.
func startPrometheus(t *testing.T, program, target string) string {
	t.Helper()
	return startPrometheusIn(t, program, target, t.TempDir())
}

// startPrometheusIn is startPrometheus in a folder, where data may be already.
func startPrometheusIn(t *testing.T, program, target, dir string) string {
	t.Helper()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: a\n  static_configs:\n  - targets: [%q]\n", strings.TrimPrefix(target, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--enable-feature=native-histograms")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	base := "http://" + addr
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(base + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return base
			}
		}
	}
	t.Fatal("prometheus does not get ready")
	return ""
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// compare asks Prometheus for expr and fails when got is off by more than the
// tolerated share.
func compare(t *testing.T, api, expr string, got analysis.Value, tolerance float64) {
	t.Helper()
	resp, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil || len(doc.Data.Result) != 1 {
		t.Fatalf("%s: %v, %+v", expr, err, doc)
	}
	want, err := strconv.ParseFloat(doc.Data.Result[0].Value[1].(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: apitop %.6g, prometheus %.6g", expr, got.V, want)
	if !got.OK || math.Abs(got.V-want) > tolerance*want {
		t.Errorf("%s = %+v, prometheus says %v", expr, got, want)
	}
}
