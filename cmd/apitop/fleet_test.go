package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apitop/collectors/analysis"
)

// shop writes what a service has counted after so many seconds: its rates and
// durations never change. stamp is written behind each value.
func shop(w io.Writer, seconds float64, labels, stamp string) {
	bounds := []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf"}
	shares := []float64{0.1, 0.3, 0.55, 0.7, 0.86, 0.97, 0.985, 0.999, 1}
	for _, r := range []struct {
		labels string
		rps    float64
	}{{`method="GET",route="/a"`, 4000}, {`method="POST",route="/b"`, 1500}} {
		n := math.Floor(seconds * r.rps)
		failed := math.Floor(n * 0.05)
		fmt.Fprintf(w, "http_requests_total{%s,status=\"200\"%s} %.0f%s\n", r.labels, labels, n-failed, stamp)
		fmt.Fprintf(w, "http_requests_total{%s,status=\"500\"%s} %.0f%s\n", r.labels, labels, failed, stamp)
		for i, b := range bounds {
			fmt.Fprintf(w, "http_request_duration_seconds_bucket{%s,le=%q%s} %.0f%s\n", r.labels, b, labels, math.Floor(n*shares[i]), stamp)
		}
		fmt.Fprintf(w, "http_request_duration_seconds_count{%s%s} %.0f%s\n", r.labels, labels, n, stamp)
		fmt.Fprintf(w, "http_request_duration_seconds_sum{%s%s} %f%s\n", r.labels, labels, n*0.06, stamp)
	}
}

// backfill writes an hour of what a Prometheus would have scraped of the target
// into dir, up to now.
func backfill(t *testing.T, dir, target string, start time.Time) {
	t.Helper()
	program := requireProgram(t, "promtool", "apt-get install prometheus")
	var b strings.Builder
	b.WriteString("# TYPE http_requests counter\n# TYPE http_request_duration_seconds histogram\n")
	labels := fmt.Sprintf(",instance=%q,job=\"a\"", target)
	for at := time.Now().Add(-time.Hour); at.Before(time.Now()); at = at.Add(5 * time.Second) {
		shop(&b, at.Sub(start).Seconds(), labels, fmt.Sprintf(" %.3f", float64(at.UnixMilli())/1000))
	}
	b.WriteString("# EOF\n")
	page := filepath.Join(dir, "past.om")
	if err := os.WriteFile(page, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "tsdb", "create-blocks-from", "openmetrics", page, filepath.Join(dir, "data")).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
}

// TestFleetAgainstDirect watches one service directly and through a real
// Prometheus that has an hour of it, and compares all figures.
func TestFleetAgainstDirect(t *testing.T) {
	program := requireProgram(t, "prometheus", "apt-get install prometheus")
	t.Parallel()
	start := time.Now().Add(-2 * time.Hour)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# TYPE http_requests_total counter\n# TYPE http_request_duration_seconds histogram\n")
		shop(w, time.Since(start).Seconds(), "", "")
		fmt.Fprint(w, "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 7\n")
	}))
	defer service.Close()
	dir := t.TempDir()
	backfill(t, dir, strings.TrimPrefix(service.URL, "http://"), start)
	api := startPrometheusIn(t, program, service.URL, dir)

	direct := watchFor(t, 12*time.Second, Config{Metrics: []string{service.URL + "/metrics"}})
	awaitScrapes(t, api, 12)
	fleet := watchFor(t, 4*time.Second, Config{Prometheus: api, Match: `job="a"`, past: time.Hour})
	if direct == nil || fleet == nil || direct.HTTP == nil || fleet.HTTP == nil {
		t.Fatalf("direct %+v, by Prometheus %+v", direct, fleet)
	}
	sameFigures(t, direct.HTTP, fleet.HTTP)
	if i := fleet.HTTP.Instances; len(i) != 1 || !i[0].Up || !i[0].P95.OK || math.Abs(i[0].RPS.V-5500) > 110 {
		t.Errorf("instances %+v", i)
	}
	fullHour(t, fleet.History)
}

// awaitScrapes waits until a Prometheus has scraped each second for so long: it
// begins up to 5 s after it says that it is ready.
func awaitScrapes(t *testing.T, api string, n int) {
	t.Helper()
	expr := url.QueryEscape(fmt.Sprintf("count_over_time(up[%ds]) >= %d", n+2, n))
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		resp, err := http.Get(api + "/api/v1/query?query=" + expr)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || strings.Contains(string(body), `"value"`) {
			return
		}
	}
	t.Fatal("prometheus does not scrape")
}

// watchFor gives what a dashboard would show after so long.
func watchFor(t *testing.T, length time.Duration, c Config) *analysis.Report {
	t.Helper()
	c.NoHost, c.Interval = true, time.Second
	w, err := c.open()
	if err != nil {
		t.Error(err)
		return nil
	}
	r, err := measure(t.Context(), w, analysis.Options{Window: length, Interval: time.Second})
	if err := errors.Join(err, w.Close(), reportState(r)); err != nil {
		t.Errorf("%v: %+v", err, r.Sources)
	}
	return r
}

// sameFigures compares two tables to 2 %.
func sameFigures(t *testing.T, direct, fleet *analysis.HTTP) {
	t.Helper()
	compare := func(what string, got, want analysis.Value) {
		t.Helper()
		t.Logf("%s: by Prometheus %.6g, direct %.6g", what, got.V, want.V)
		if got.OK != want.OK || math.Abs(got.V-want.V) > 0.02*want.V {
			t.Errorf("%s: by Prometheus %+v, direct %+v", what, got, want)
		}
	}
	compare("rps", fleet.RPS, direct.RPS)
	compare("errors", fleet.ErrorRatio, direct.ErrorRatio)
	compare("in flight", fleet.InFlight, direct.InFlight)
	compare("average", fleet.Avg, direct.Avg)
	compare("p50", fleet.P50, direct.P50)
	compare("p95", fleet.P95, direct.P95)
	compare("p99", fleet.P99, direct.P99)
	if len(direct.Routes) != 2 || len(fleet.Routes) != 2 {
		t.Fatalf("routes %+v and %+v", direct.Routes, fleet.Routes)
	}
	for i := range direct.Routes {
		d, f := &direct.Routes[i], &fleet.Routes[i]
		if d.Method != f.Method || d.Route != f.Route {
			t.Fatalf("route %d is %s %s and %s %s", i, d.Method, d.Route, f.Method, f.Route)
		}
		name := d.Route.String()
		compare(name+" rps", f.RPS, d.RPS)
		compare(name+" errors", f.ErrorRatio, d.ErrorRatio)
		compare(name+" p95", f.P95, d.P95)
		compare(name+" share", f.TimeShare, d.TimeShare)
	}
}

// fullHour checks that an hour lies before the first reading, without a hole.
func fullHour(t *testing.T, history []analysis.Point) {
	t.Helper()
	if len(history) < 3590 {
		t.Fatalf("%d points", len(history))
	}
	off, gaps := 0, 0
	for _, p := range history {
		switch {
		case !p.RPS.OK || !p.P95.OK || !p.P50.OK || !p.P99.OK || !p.ErrorRatio.OK:
			gaps++
		case math.Abs(p.RPS.V-5500) > 110 || math.Abs(p.ErrorRatio.V-0.05) > 0.001:
			off++
		}
	}
	t.Logf("%d points over %v, %d without figures, %d off", len(history), history[len(history)-1].At.Sub(history[0].At), gaps, off)
	// Where the written past ends and scraping begins, a rate has too few samples.
	if gaps > 30 || off > 40 {
		t.Errorf("%d points without figures, %d off, of %d", gaps, off, len(history))
	}
}

// TestFleetSettings: where the server comes from, and what cannot be.
func TestFleetSettings(t *testing.T) {
	file := configFile(t, `prometheus: {url: "http://file:9090", match: 'job="file"', headers: {X-Scope-OrgID: a}}`)
	both := configFile(t, `{prometheus: "http://file:9090", metrics: ["http://file:1"]}`)
	env := map[string]string{"PROMETHEUS_URL": "http://env:9090"}
	tests := map[string]struct {
		env        map[string]string
		args       []string
		url, match string
		refused    string // begins with
	}{
		"flags":             {nil, []string{"--prometheus", "p:9090", "--match", "job=a"}, "p:9090", "job=a", ""},
		"environment":       {env, []string{"--match", "job=a"}, "http://env:9090", "job=a", ""},
		"file":              {nil, []string{"--config", file}, "http://file:9090", "", ""},
		"file, other match": {nil, []string{"--config", file, "--match", "job=a"}, "http://file:9090", "job=a", ""},
		"environment, file": {env, []string{"--config", file}, "http://env:9090", "", ""},
		"pages in the env":  {map[string]string{"PROMETHEUS_URL": "p", "APITOP_METRICS": "m"}, nil, "", "", ""},
		"other flag":        {env, []string{"--redis", "redis://r"}, "", "", ""},
		"both":              {nil, []string{"--prometheus", "p:9090", "m:1"}, "", "", "--prometheus: give metrics pages or"},
		"both in the file":  {nil, []string{"--config", both}, "", "", both + ":1:"},
		"match without it":  {nil, []string{"--match", "job=a"}, "", "", "--match: "},
		"match of pages":    {nil, []string{"--match", "job=a", "m:1"}, "", "", "--match: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := completed(t, tt.env, tt.args...)
			if tt.refused != "" {
				if _, ok := errors.AsType[usageError](err); !ok || !strings.HasPrefix(err.Error(), tt.refused) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || c.Prometheus != tt.url || c.Match != tt.match {
				t.Errorf("got %q %q, %v", c.Prometheus, c.Match, err)
			}
		})
	}
}

// TestFleetRefuses: an error says which flag or line it is about, and no secret.
func TestFleetRefuses(t *testing.T) {
	file := configFile(t, `prometheus: {url: "http://u:secret@:9090/", match: x}`)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"flag":  {[]string{"--prometheus", "ftp://u:secret@p", "--match", "job=a"}, "--prometheus: the address of the Prometheus server cannot be used"},
		"match": {[]string{"--prometheus", "p:1", "--match", "up"}, "--prometheus: --match cannot be used"},
		"file":  {[]string{"--config", file}, file + ":1:"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := completed(t, nil, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			w, err := c.open()
			if err == nil || w != nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
	c := Config{Prometheus: "p:1", Match: `{job="a"}`}
	if got := title(&c); got != `job="a"` {
		t.Errorf("the title is %s", got)
	}
}
