package analysis

import (
	"testing"

	"apitop/collectors/snapshot"
)

// TestOtherFamilies reads a page that comes to be read by other families: their
// totals are a baseline and no burst of requests, and the change is marked.
func TestOtherFamilies(t *testing.T) {
	e := New(Options{})
	step := func(second, mapping int, route string, n float64) *Report {
		h := page{counts: map[[3]string]float64{{"GET", route, "200"}: n}, at: at(float64(second))}.reading()
		h.Page.Mapping = mapping
		return e.Step(snapshot.Snapshot{Seq: uint64(second), At: h.At, HTTP: []*snapshot.HTTP{h}})
	}
	step(0, 0, "/metrics", 10)
	step(1, 0, "/metrics", 11)
	r := step(2, 1, "/a", 90_000)
	check(t, "requests when the families change", r.HTTP.Requests, known(1))
	if len(r.Events) != 1 || r.Events[0].Kind != "reset" {
		t.Errorf("events = %+v, want one mark", r.Events)
	}
	r = step(3, 1, "/a", 90_007)
	check(t, "requests after it", r.HTTP.Requests, known(8))
}
