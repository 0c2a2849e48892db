package traffic

import (
	"math"
	"testing"

	"apitop/collectors/analysis"
)

// TestNote: what is said of the percentiles of a route.
func TestNote(t *testing.T) {
	fine, open := &analysis.Bucket{Lo: 0.1, Hi: 0.25}, &analysis.Bucket{Lo: 10, Hi: math.Inf(1)}
	tests := map[string]struct {
		r    analysis.Route
		want string
	}{
		"nothing":       {analysis.Route{}, "no request was measured in the window"},
		"few":           {analysis.Route{Measured: 19, P95Bucket: fine}, "only 19 requests measured: too few for p95 and p99"},
		"more":          {analysis.Route{Measured: 20, P95Bucket: fine}, "p95 fell in the bucket 100ms-250ms; 20 requests measured: too few for p99"},
		"enough":        {analysis.Route{Measured: 100, P95Bucket: fine}, "p95 fell in the bucket 100ms-250ms; 100 requests measured"},
		"a summary":     {analysis.Route{Measured: 100}, "100 requests measured without buckets: no percentiles"},
		"nothing alike": {analysis.Route{Measured: 100, BoundsCut: true}, "100 requests measured by histograms without a common bound: no percentiles"},
		"some alike": {
			analysis.Route{Measured: 100, BoundsCut: true, P95Bucket: fine},
			"p95 fell in the bucket 100ms-250ms, by the bounds that all histograms share; 100 requests measured",
		},
		"a mean beyond": {
			analysis.Route{Measured: 100, AvgBeyond: true, P95Bucket: open},
			"p95 fell in the bucket >10s, and the average lies beyond the last one; 100 requests measured",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := note(&tt.r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
