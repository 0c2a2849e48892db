package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/analysis"
)

// fixtures is where recorded metrics pages with their right readings lie, beside
// the checkout.
const fixtures = "../../../shared/fixtures/prom"

// expectation is one entry of expected.json: what happened between two pages.
type expectation struct {
	Files []string `json:"files"`
	Delta *struct {
		Total float64  `json:"total"`
		Err   float64  `json:"err_ratio_5xx"`
		P50   *float64 `json:"p50_ms"`
		P95   *float64 `json:"p95_ms"`
		P99   *float64 `json:"p99_ms"`
		N     int      `json:"n_routes"`
		Route map[string]struct {
			N   float64  `json:"n"`
			P95 *float64 `json:"p95_ms"`
		} `json:"routes"`
	} `json:"delta"`
}

// dialects are the pairs of recorded pages whose readings "once" must get right.
var dialects = []string{
	"py-fastapi-instrumentator.", "py-fastapi-instrumentator-ungrouped.", "go-otelhttp.", "go-otelhttp-nosuffix.",
	"node-otel-stable.", "go-promhttp.", "go-fiber.", "node-express.",
}

// TestOnceOnSavedPages runs "apitop once --format json A B" on recorded pages of
// real libraries.
func TestOnceOnSavedPages(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the recorded pages are not beside this checkout (../shared/fixtures/prom)")
	}
	var doc struct {
		Entries []expectation `json:"entries"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &doc)); err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, e := range doc.Entries {
		name := filepath.Base(e.Files[0])
		if e.Delta == nil || !slices.ContainsFunc(dialects, func(d string) bool { return strings.HasPrefix(name, d) }) {
			continue
		}
		tested++
		t.Run(name, func(t *testing.T) { checkSaved(t, e) })
	}
	if tested < len(dialects) {
		t.Errorf("only %d of %d pairs were found", tested, len(dialects))
	}
}

func checkSaved(t *testing.T, e expectation) {
	t.Helper()
	out, errs, code := execute(t, "once", "--format", "json", filepath.Join(fixtures, e.Files[0]), filepath.Join(fixtures, e.Files[1]))
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var r analysis.Report
	if err := json.Unmarshal(reportWithoutBuckets(t, out), &r); err != nil {
		t.Fatal(err)
	}
	if r.HTTP.Requests.V != e.Delta.Total {
		t.Errorf("requests = %v, want %v", r.HTTP.Requests.V, e.Delta.Total)
	}
	if math.Abs(r.HTTP.ErrorRatio.V-e.Delta.Err) > 1e-6 {
		t.Errorf("error ratio = %v, want %v", r.HTTP.ErrorRatio.V, e.Delta.Err)
	}
	near(t, "p50", r.HTTP.P50, e.Delta.P50)
	near(t, "p95", r.HTTP.P95, e.Delta.P95)
	near(t, "p99", r.HTTP.P99, e.Delta.P99)
	if len(r.HTTP.Routes) != e.Delta.N {
		t.Errorf("%d routes, want %d", len(r.HTTP.Routes), e.Delta.N)
	}
	for _, route := range r.HTTP.Routes {
		name := strings.TrimSpace(route.Method.String() + " " + route.Route.String())
		want, ok := e.Delta.Route[name]
		if !ok || route.Requests.V != want.N {
			t.Errorf("%s: %v requests, want %v", name, route.Requests.V, want.N)
		}
		near(t, name+" p95", route.P95, want.P95)
	}
	if r.HTTP.RPS.OK || r.WindowSeconds.OK {
		t.Errorf("saved pages have no time, but rps = %v", r.HTTP.RPS)
	}
}

// reportWithoutBuckets drops the members that Report does not read back.
func reportWithoutBuckets(t *testing.T, raw []byte) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	http := doc["http"].(map[string]any)
	delete(http, "p95_bucket_seconds")
	for _, r := range http["routes"].([]any) {
		delete(r.(map[string]any), "p95_bucket_seconds")
	}
	delete(doc, "sources")
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// near compares seconds with expected milliseconds, which are rounded to four
// places, to one in a thousand.
func near(t *testing.T, what string, got analysis.Value, wantMS *float64) {
	t.Helper()
	switch {
	case wantMS == nil && got.OK:
		t.Errorf("%s = %v, want none", what, got.V)
	case wantMS != nil && (!got.OK || math.Abs(got.V*1000-*wantMS) > *wantMS/1000+5.1e-5):
		t.Errorf("%s = %+v, want %v ms", what, got, *wantMS)
	}
}
