package analysis

import (
	"fmt"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// BenchmarkLimits is a round with as many limiters as one node may have, half of
// them without a limit, beside a page of 200 routes that refuses something.
func BenchmarkLimits(b *testing.B) {
	http := &HTTP{Throttled: known(10)}
	for i := range 200 {
		http.Routes = append(http.Routes, Route{Method: safe.New("GET"), Route: safe.New(fmt.Sprintf("/api/v1/thing%d/{id}", i)), Throttled: known(1)})
	}
	keys := &snapshot.Keys{}
	for i := range 512 {
		l := limiter(fmt.Sprintf("user%d", i), fixedWindow, known(0), known(100))
		l.Endpoint = safe.New(fmt.Sprintf("/thing%d/{id}", i%50))
		if i%2 == 0 {
			l.Limit = unknown
		}
		keys.Limiters = append(keys.Limiters, l)
	}
	state := newLimitState(New(Options{}).opt)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := &snapshot.Keys{At: at(float64(i)), Limiters: make([]snapshot.Limiter, len(keys.Limiters))}
		copy(k.Limiters, keys.Limiters)
		for j := range k.Limiters {
			k.Limiters[j].Used, k.Limiters[j].At = known(float64((i+j)%120)), k.At
		}
		state.step(snapshot.Snapshot{At: k.At, Keys: k}, http)
	}
}
