package analysis

import (
	"fmt"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// BenchmarkStep is a step over routes with a counter for each of three statuses
// and a histogram of 13 buckets, as the demo API has 15 of.
func BenchmarkStep(b *testing.B) {
	for _, routes := range []int{15, 200} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			e := New(Options{})
			pages := [2]*snapshot.HTTP{bigPage(routes, 1), bigPage(routes, 2)}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p := *pages[i%2]
				p.At = at(float64(i))
				e.Step(snapshot.Snapshot{At: p.At, HTTP: []*snapshot.HTTP{&p}})
				i++
			}
		})
	}
}

func bigPage(routes int, n float64) *snapshot.HTTP {
	h := &snapshot.HTTP{Target: safe.New("api")}
	bounds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	for i := range routes {
		route := fmt.Sprintf("/r%d", i)
		for _, status := range []string{"200", "404", "500"} {
			h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", route, status), Total: n})
		}
		cum := make([]float64, len(bounds)+1)
		for j := range cum {
			cum[j] = n * float64(j)
		}
		h.Durations = append(h.Durations, snapshot.Histogram{Series: series("GET", route, ""), Bounds: bounds, Cumulative: cum, Count: cum[len(bounds)]})
	}
	return h
}

// BenchmarkStepServices is a step over a hundred instances that say all that a
// page may say beside its requests.
func BenchmarkStepServices(b *testing.B) {
	e := New(Options{})
	service := snapshot.Service{
		Runtime: snapshot.Runtime{Language: "go", Tasks: known(5), GCs: known(5), GCSeconds: known(0.1)},
		Pools:   []snapshot.Pool{{Kind: "pgxpool", InUse: known(1), Max: known(4), Waits: known(3), WaitSeconds: known(1)}},
		Queues:  []snapshot.Queue{{Name: safe.New("orders"), Length: known(1), Done: known(4)}},
		Caches:  []snapshot.CacheUse{{Name: safe.New("c"), Hits: known(1), Misses: known(4)}},
	}
	for i := range 200 {
		name := fmt.Sprintf("counter_%d_total", i)
		service.Counters = append(service.Counters, snapshot.Counter{ID: name, Name: safe.New(name), Total: float64(i)})
	}
	pages := make([]*snapshot.HTTP, 100)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for j := range pages {
			pages[j] = &snapshot.HTTP{Target: safe.New(fmt.Sprintf("instance-%d", j)), At: at(float64(i)), Service: service}
		}
		e.Step(snapshot.Snapshot{At: at(float64(i)), HTTP: pages})
		i++
	}
}
