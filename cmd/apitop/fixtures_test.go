package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apitop/collectors/analysis"
)

// Recorded metrics pages of real libraries under known traffic, with the right
// readings: some are here, more lie beside the checkout.
const (
	recorded     = "testdata"
	moreRecorded = "../../../shared/fixtures/prom"
)

// expectation is one entry of expected.json: what happened between two pages.
type expectation struct {
	Files  []string        `json:"files"`
	Native json.RawMessage `json:"native"` // readings of native buckets; Delta is by the classic ones then
	Delta  *struct {
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

// TestOnceOnSavedPages runs "apitop once --format json A B" on recorded pages.
func TestOnceOnSavedPages(t *testing.T) {
	for name, tt := range map[string]struct {
		dir  string
		want int // pairs at least
	}{"here": {recorded, 5}, "beside": {moreRecorded, 15}} {
		t.Run(name, func(t *testing.T) {
			tested := 0
			for _, e := range expectations(t, tt.dir) {
				if e.Delta == nil || len(e.Files) != 2 {
					continue
				}
				tested++
				if e.Native != nil {
					e.Delta = sameHere(t, e.Files[0]).Delta
				}
				t.Run(filepath.Base(e.Files[0]), func(t *testing.T) { checkSaved(t, tt.dir, e) })
			}
			if tested < tt.want {
				t.Errorf("only %d pairs were found, want %d", tested, tt.want)
			}
		})
	}
}

func expectations(t *testing.T, dir string) []expectation {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if errors.Is(err, os.ErrNotExist) && dir != recorded {
		t.Skip("the recorded pages are not beside this checkout (../shared/fixtures/prom)")
	}
	var doc struct {
		Entries []expectation `json:"entries"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &doc)); err != nil {
		t.Fatal(err)
	}
	return doc.Entries
}

// sameHere is the entry of a page that is here too, where what happened between
// two pages is read from native buckets: by Prometheus' own functions
// (FloatHistogram.Sub and Add, HistogramQuantile of v0.316.0).
func sameHere(t *testing.T, file string) expectation {
	t.Helper()
	for _, e := range expectations(t, recorded) {
		if e.Files[0] == filepath.Base(file) {
			return e
		}
	}
	t.Fatalf("%s has native buckets, but what is between it and the next page is not known", file)
	return expectation{}
}

func checkSaved(t *testing.T, dir string, e expectation) {
	t.Helper()
	out, errs, code := execute(t, "once", "--format", "json", filepath.Join(dir, e.Files[0]), filepath.Join(dir, e.Files[1]))
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
	buckets := []string{"p50_bucket_seconds", "p95_bucket_seconds", "p99_bucket_seconds"}
	for _, name := range buckets {
		delete(http, name)
		for _, list := range []string{"routes", "templates"} {
			rows, _ := http[list].([]any) // there are no templates where nothing merges
			for _, r := range rows {
				delete(r.(map[string]any), name)
			}
		}
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
