package analysis

import (
	"fmt"
	"testing"

	"apitop/collectors/snapshot"
)

// BenchmarkStepNative is a step over routes with native histograms of 60 buckets,
// ten of which grow each time.
func BenchmarkStepNative(b *testing.B) {
	for _, routes := range []int{15, 200, 2000} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			e := New(Options{})
			h := bigPage(routes, 1)
			counts := make([]float64, 60)
			for i := range counts {
				counts[i] = float64(100 + i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				for j := range 10 {
					counts[(7*i+j*j)%len(counts)]++
				}
				n := exps(-20, counts...)
				p := &snapshot.HTTP{Target: h.Target, At: at(float64(i)), Requests: h.Requests}
				for _, d := range h.Durations {
					d.Bounds, d.Cumulative, d.Count = nil, []float64{observed(n)}, observed(n)
					d.Native = n
					p.Durations = append(p.Durations, d)
				}
				e.Step(snapshot.Snapshot{At: p.At, HTTP: []*snapshot.HTTP{p}})
				i++
			}
		})
	}
}
