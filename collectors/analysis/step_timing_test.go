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

// BenchmarkStep100Targets is a step in which 100 targets answer with 2,000
// samples each: 100 routes with two statuses and a histogram of 16 buckets.
func BenchmarkStep100Targets(b *testing.B) {
	e := New(Options{})
	targets := make([][2]*snapshot.HTTP, 100)
	for i := range targets {
		targets[i] = fleetPages(fmt.Sprintf("10.0.0.%d:8000", i))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s := snapshot.Snapshot{At: at(float64(i)), HTTP: make([]*snapshot.HTTP, len(targets))}
		for j := range targets {
			p := *targets[j][i%2]
			p.At = s.At
			s.HTTP[j] = &p
		}
		e.Step(s)
		i++
	}
}

// fleetPages are two pages of one target, with the same series.
func fleetPages(name string) (pages [2]*snapshot.HTTP) {
	bounds := []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, .75, 1, 2.5, 5, 10}
	for i := range pages {
		pages[i] = &snapshot.HTTP{Target: safe.New(name)}
	}
	for i := range 100 {
		route := fmt.Sprintf("/api/v1/things%dx/{id}", i)
		statuses := [2]*snapshot.Series{series("GET", route, "200"), series("GET", route, "500")}
		timed := series("GET", route, "")
		for n, p := range pages {
			for _, s := range statuses {
				p.Requests = append(p.Requests, snapshot.Count{Series: s, Total: float64(10 * n)})
			}
			cum := make([]float64, len(bounds)+1)
			for j := range cum {
				cum[j] = float64(n * j)
			}
			p.Durations = append(p.Durations, snapshot.Histogram{
				Series: timed, Bounds: bounds, Cumulative: cum, Count: cum[len(bounds)], Sum: float64(n),
			})
		}
	}
	return pages
}

// BenchmarkStepRawPaths is a step over 100,000 routes, all of them raw paths.
func BenchmarkStepRawPaths(b *testing.B) {
	for _, form := range []string{"/users/%d/orders", "/pages/%dx"} {
		b.Run(form[1:6], func(b *testing.B) {
			e := New(Options{})
			h := &snapshot.HTTP{Target: safe.New("api")}
			for i := range 100_000 {
				h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", fmt.Sprintf(form, i), "200"), Total: 1})
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p := *h
				p.At = at(float64(i))
				e.Step(snapshot.Snapshot{At: p.At, HTTP: []*snapshot.HTTP{&p}})
				i++
			}
		})
	}
}
