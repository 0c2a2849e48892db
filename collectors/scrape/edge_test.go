package scrape

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"apitop/collectors/snapshot"
)

// TestEdge reads the hand-made pages, one defect or oddity each.
func TestEdge(t *testing.T) {
	for _, e := range loadAnswers(t).Edge {
		t.Run(filepath.Base(e.File), func(t *testing.T) {
			r := NewReader("t", Limits{})
			h, err := r.ReadFile(filepath.Join(fixtureDir, e.File))
			if e.Error == "not_metrics" {
				f, ok := errors.AsType[*snapshot.Failure](err)
				if h != nil || !ok || f.Kind != snapshot.Unsupported {
					t.Fatalf("got %v, %v, want a failure that says it is not metrics", h, err)
				}
				return
			}
			if e.Good > 0 && err != nil || h == nil {
				t.Fatal(err)
			}
			got := [2]int{h.Page.Samples, h.Page.BadLines}
			if !slices.Contains(append(e.AlsoOK, [2]int{e.Good, e.Bad}), got) {
				t.Errorf("samples and bad lines %v, want %d %d or one of %v: %v", got, e.Good, e.Bad, e.AlsoOK, h.Page.FirstBad)
			}
			if h.Page.BadLines > 0 && (len(r.Notes()) == 0 || len(h.Page.FirstBad) == 0 || h.Page.FirstBad[0].Line == 0) {
				t.Errorf("%d bad lines, but first %v and notes %v", h.Page.BadLines, h.Page.FirstBad, r.Notes())
			}
			checkEdgeReading(t, r, e)
		})
	}
}

// checkEdgeReading compares quantiles of the one histogram of the page, which is
// about no requests: the mapping is given by hand.
func checkEdgeReading(t *testing.T, r *Reader, e edgeCase) {
	t.Helper()
	r.mapping = mapping{duration: "h", scale: 1}
	r.plan = r.table.bind(r.mapping, nil)
	h, _ := r.plan.reading()
	all, _ := tallyOf(nil, h)
	for name, want := range e.Reading {
		q := map[string]float64{"p50_s": 0.5, "p95_s": 0.95}[name]
		if got := all.quantile(q) / 1000; math.Abs(got-want) > 1e-3*want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for _, d := range h.Durations {
		if d.Sum < 0 || slices.Min(d.Cumulative) < 0 {
			t.Errorf("negative histogram %+v", d)
		}
	}
}
