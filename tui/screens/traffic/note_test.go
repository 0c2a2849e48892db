package traffic

import (
	"math"
	"testing"

	"apitop/collectors/analysis"
)

// TestFitting: of more buckets than lines the lowest are put together, so that
// no request is missing and the slow ones are seen.
func TestFitting(t *testing.T) {
	var list []analysis.BucketCount
	for i := range 5 {
		list = append(list, analysis.BucketCount{Bucket: analysis.Bucket{Lo: float64(i), Hi: float64(i + 1)}, N: 10})
	}
	for h, want := range map[int]analysis.BucketCount{
		0: list[0], 1: {Bucket: analysis.Bucket{Hi: 5}, N: 50}, 3: {Bucket: analysis.Bucket{Hi: 3}, N: 30}, 5: list[0], 9: list[0],
	} {
		got := fitting(list, h)
		if got[0] != want || h > 0 && len(got) != min(h, 5) {
			t.Errorf("in %d lines: %+v", h, got)
		}
	}
}

// TestNote: what is said of the percentiles of a route.
func TestNote(t *testing.T) {
	fine, wide, open := &analysis.Bucket{Lo: 0.1, Hi: 0.25}, &analysis.Bucket{Lo: 0.25, Hi: 0.5}, &analysis.Bucket{Lo: 10, Hi: math.Inf(1)}
	tests := map[string]struct {
		r    analysis.Route
		w    int
		want string
	}{
		"nothing":       {analysis.Route{}, 80, "no request was measured in the window"},
		"few":           {analysis.Route{Measured: 19, P95Bucket: fine}, 80, "only 19 requests measured: too few for p95 and p99"},
		"more":          {analysis.Route{Measured: 20, P95Bucket: fine, P99Bucket: wide}, 80, "p95 fell in 100ms-250ms; 20 requests measured: too few for p99"},
		"enough":        {analysis.Route{Measured: 100, P95Bucket: fine, P99Bucket: wide}, 80, "p95 fell in 100ms-250ms, p99 in 250ms-500ms; 100 requests measured"},
		"narrow":        {analysis.Route{Measured: 100, P95Bucket: fine, P99Bucket: wide}, 50, "p95 fell in 100ms-250ms, p99 in 250ms-500ms"},
		"a summary":     {analysis.Route{Measured: 100}, 80, "100 requests measured without buckets: no percentiles"},
		"nothing alike": {analysis.Route{Measured: 100, BoundsCut: true}, 80, "100 requests measured by histograms without a common bound: no percentiles"},
		"some alike": {
			analysis.Route{Measured: 100, BoundsCut: true, P95Bucket: fine, P99Bucket: fine}, 80,
			"buckets differ: only common bounds; p95 fell in 100ms-250ms, p99 in 100ms-250ms",
		},
		"a mean beyond": {
			analysis.Route{Measured: 100, AvgBeyond: true, P95Bucket: open, P99Bucket: open}, 80,
			"the average lies above the last bucket; p95 fell in >10s, p99 in >10s",
		},
		"all at once, of few": {
			analysis.Route{Measured: 19, AvgBeyond: true, BoundsCut: true, P95Bucket: open}, 140,
			"the average lies above the last bucket; buckets differ: only common bounds; only 19 requests measured: too few for p95 and p99",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := note(&tt.r, tt.w); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
