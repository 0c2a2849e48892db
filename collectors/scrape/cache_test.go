package scrape

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// routePage is a page with one counter and one histogram for each route.
func routePage(routes []int, times int) string {
	var b strings.Builder
	b.WriteString("# TYPE http_requests_total counter\n")
	for _, r := range routes {
		fmt.Fprintf(&b, "http_requests_total{route=\"/r%d\",status=\"200\"} %d\n", r, times*(r+1))
	}
	b.WriteString("# TYPE http_request_duration_seconds histogram\n")
	for _, r := range routes {
		for i, le := range []string{"0.1", "1", "+Inf"} {
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{route=\"/r%d\",le=%q} %d\n", r, le, times*(r+1)-2+i)
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{route=\"/r%d\"} %d\n", r, times)
		fmt.Fprintf(&b, "http_request_duration_seconds_count{route=\"/r%d\"} %d\n", r, times*(r+1))
	}
	return b.String()
}

// TestChurn reads pages whose series come, go and change places, with one reader.
// Each must read as with a reader that never saw another page, series must keep
// their identity, and what vanished must be forgotten.
func TestChurn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := NewReader("t", Limits{})
	known := map[string]*snapshot.Series{}
	for round := range 300 {
		var routes []int
		for _, n := range rng.Perm(40)[:1+rng.IntN(39)] {
			routes = append(routes, n+round/50*7)
		}
		page := routePage(routes, round+2)
		if rng.IntN(5) == 0 { // a scrape that breaks off in the middle
			broken := page[:len(page)/2] + "another_total 1\n" + strings.Repeat("x", 70_000)
			if _, err := r.Read(strings.NewReader(broken), ""); err == nil {
				t.Fatal("a line of 70,000 bytes was read")
			}
		}
		got := readPage(t, r, page)
		if want := readPage(t, NewReader("t", Limits{}), page); !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d: got %+v, want %+v", round, got, want)
		}
		checkTable(t, r.table)
		if n := r.table.count; n != 6*len(routes) || len(r.table.groups) != len(routes) || len(r.table.metrics) != 4 {
			t.Fatalf("round %d: %d series, %d groups and %d metrics for %d routes", round, n, len(r.table.groups), len(r.table.metrics), len(routes))
		}
		now := map[string]*snapshot.Series{}
		for _, c := range got.Requests {
			now[c.Series.ID] = c.Series
			if old := known[c.Series.ID]; old != nil && old != c.Series {
				t.Fatalf("round %d: %s is another series now", round, c.Series.ID)
			}
		}
		known = now
	}
}

// TestSharing wants one slice of bounds for all histograms of a ladder, over all
// readings, and fresh slices for everything that changes.
func TestSharing(t *testing.T) {
	r := NewReader("t", Limits{})
	a := readPage(t, r, routePage([]int{1, 2, 3}, 5))
	before := fmt.Sprintf("%+v", a.Durations)
	b := readPage(t, r, routePage([]int{1, 2, 4}, 9))
	first := &a.Durations[0].Bounds[0]
	for _, d := range append(a.Durations, b.Durations...) {
		if &d.Bounds[0] != first {
			t.Errorf("%s has bounds of its own", d.Series.ID)
		}
	}
	if after := fmt.Sprintf("%+v", a.Durations); after != before {
		t.Errorf("a reading changed after it was handed on:\n%s\n%s", before, after)
	}
}

// TestWarmAllocations wants a page read again to cost no allocation per sample.
func TestWarmAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	page := bigPage(1)
	r := NewReader("t", Limits{})
	read := func() {
		if _, err := r.Read(bytes.NewReader(page), ""); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if n := testing.AllocsPerRun(3, read); n > 20 {
		t.Errorf("%v allocations for 100,000 samples", n)
	}
}

// TestMemoryComesBack reads one huge page and then a small one: the maps must
// not stay huge.
func TestMemoryComesBack(t *testing.T) {
	r := NewReader("t", Limits{})
	readPage(t, r, string(bigPage(1)))
	if r.table.peak < 100_000 {
		t.Fatalf("peak %d after 100,000 samples", r.table.peak)
	}
	readPage(t, r, shopPage)
	if r.table.peak != 0 || r.table.count != 13 {
		t.Errorf("peak %d, %d series", r.table.peak, r.table.count)
	}
	readPage(t, r, shopPage)
	checkTable(t, r.table)
}

// TestHistory keeps the newest of several samples of one series with rising
// timestamps, and the first of two that are the same.
func TestHistory(t *testing.T) {
	tests := map[string]struct {
		page           string
		total          float64
		samples, wrong int
	}{
		"rising":     {"http_requests_total{status=\"200\"} 1 1000\nhttp_requests_total{status=\"200\"} 2 2000\n", 2, 2, 0},
		"falling":    {"http_requests_total{status=\"200\"} 2 2000\nhttp_requests_total{status=\"200\"} 1 1000\n", 2, 1, 1},
		"no stamps":  {"http_requests_total{status=\"200\"} 3\nhttp_requests_total{status=\"200\"} 5\n", 3, 1, 1},
		"not a time": {"http_requests_total{status=\"200\"} 3 abc\nhttp_requests_total{status=\"200\"} 5\n", 5, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			for range 2 {
				h := readPage(t, r, tt.page)
				if len(h.Requests) != 1 || h.Requests[0].Total != tt.total || h.Page.Samples != tt.samples || h.Page.BadLines != tt.wrong {
					t.Errorf("requests %+v, page %+v", h.Requests, h.Page)
				}
			}
		})
	}
}
