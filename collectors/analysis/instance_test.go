package analysis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// worker is a page of one process that served ten requests a second since start.
type worker struct {
	name, instance string
	from, to       int // seconds in which it answers; to 0: without end
	fromZero       bool
}

func (w worker) reading(second int) *snapshot.HTTP {
	n := float64(10 * second)
	if w.fromZero {
		n = float64(10 * (second - w.from + 1))
	}
	p := page{at: at(float64(second)), counts: get("200", n)}
	p.hists = map[[2]string]snapshot.Histogram{{"GET", "/a"}: hist(0, n, n, n)}
	h := p.reading()
	h.Target, h.Instance, h.FromZero = safe.New(w.name), safe.New(w.instance), w.fromZero
	h.InFlight = known(3)
	return h
}

// play steps an engine over so many seconds and calls each with every report.
func play(opt Options, seconds int, workers []worker, each func(second int, r *Report)) *Engine {
	e := New(opt)
	for i := range seconds {
		s := snapshot.Snapshot{At: at(float64(i))}
		for _, w := range workers {
			if i >= w.from && (w.to == 0 || i < w.to) {
				s.AddTo(w.reading(i))
			}
		}
		each(i, e.Step(s))
	}
	return e
}

// TestInstances: at a second of the play, what there is to see of the service
// and of its instances.
func TestInstances(t *testing.T) {
	two := []worker{{name: "b"}, {name: "a"}}
	tests := map[string]struct {
		opt           Options
		workers       []worker
		second        int
		requests, rps float64
		flight        float64
		instances     string
	}{
		"one":                 {Options{}, two[:1], 20, 100, 10, 3, ""},
		"one, asked for":      {Options{ByInstance: true}, two[:1], 20, 100, 10, 3, "b up 1: 100, 1 routes; "},
		"two":                 {Options{}, two, 20, 200, 20, 6, "a up 1: 100, 0 routes; b up 1: 100, 0 routes; "},
		"two, asked for":      {Options{ByInstance: true}, two, 20, 200, 20, 6, "a up 1: 100, 1 routes; b up 1: 100, 1 routes; "},
		"processes of one":    {Options{}, []worker{{name: "a 1", instance: "a"}, {name: "a 2", instance: "a"}}, 20, 200, 20, 6, ""},
		"one fails for a bit": {Options{}, []worker{{name: "a"}, {name: "b", to: 19}}, 20, 200, 20, 6, "a up 1: 100, 0 routes; b up 1: 100, 0 routes; "},
		"one is gone": {
			Options{}, []worker{{name: "a"}, {name: "b", to: 15}}, 20, 100, 10, 3,
			"a up 1: 100, 0 routes; b down 0: unknown, 0 routes; ",
		},
		"one is forgotten": {Options{}, []worker{{name: "a"}, {name: "b", to: 15}}, 140, 100, 10, 3, ""},
		"a process vanished: what it served stays for the window": {
			Options{}, []worker{{name: "a 1", instance: "a"}, {name: "a 2", instance: "a", to: 15}}, 20, 140, 14, 3, "",
		},
		"and no longer": {
			Options{}, []worker{{name: "a 1", instance: "a"}, {name: "a 2", instance: "a", to: 15}}, 26, 100, 10, 3, "",
		},
		"another takes its place": {
			Options{}, []worker{
				{name: "a 1", instance: "a"}, {name: "a 2", instance: "a", to: 15},
				{name: "a 3", instance: "a", from: 15, fromZero: true},
			}, 20, 200, 20, 6, "",
		},
		"an instance that comes back": {
			Options{}, []worker{{name: "a"}, {name: "b", to: 15}, {name: "b", from: 30}}, 30, 100 + 160, 20, 6,
			"a up 1: 100, 0 routes; b up 1: 160, 0 routes; ",
		},
		"all fail: the last figures stay": {Options{}, []worker{{name: "a", to: 15}, {name: "b", to: 15}}, 40, 200, 20, 6, "a up 1: 100, 0 routes; b up 1: 100, 0 routes; "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var r *Report
			play(tt.opt, tt.second+1, tt.workers, func(_ int, now *Report) { r = now })
			check(t, "requests", r.HTTP.Requests, known(tt.requests))
			check(t, "measured", known(r.HTTP.Measured), known(tt.requests))
			check(t, "rps", r.HTTP.RPS, known(tt.rps))
			check(t, "in flight", r.HTTP.InFlight, known(tt.flight))
			if got := described(r.HTTP.Instances); got != tt.instances {
				t.Errorf("instances %s\nwant %s", got, tt.instances)
			}
		})
	}
}

func described(list []Instance) string {
	var s strings.Builder
	for _, i := range list {
		up, requests := "down", "unknown"
		if i.Up {
			up = "up"
		}
		if i.Requests.OK {
			requests = fmt.Sprint(i.Requests.V)
		}
		fmt.Fprintf(&s, "%s %s %d: %s, %d routes; ", i.Name, up, i.Processes, requests, len(i.Routes))
	}
	return s.String()
}

// TestNoSpikes: whatever comes and goes, no second shows more than was served.
func TestNoSpikes(t *testing.T) {
	workers := []worker{
		{name: "a"}, {name: "b", to: 15}, {name: "b", from: 40, to: 44}, {name: "b", from: 50},
		{name: "c 1", instance: "c", to: 30}, {name: "c 2", instance: "c", from: 30, fromZero: true},
		{name: "d", from: 20}, {name: "e", from: 35, to: 36}, {name: "e", from: 60},
	}
	play(Options{}, 80, workers, func(second int, r *Report) {
		if v := r.HTTP.RPS; v.V > 51 || second > 0 && v.V < 20 {
			t.Errorf("second %d: %v requests a second", second, v.V)
		}
		if p := r.HTTP.P95; second > 0 && p.V != 0.195 {
			t.Errorf("second %d: p95 %v", second, p)
		}
	})
}

// TestTotalsOverRespawns: what short-lived processes served adds up, but for
// what they served unseen.
func TestTotalsOverRespawns(t *testing.T) {
	var workers []worker
	for i := range 12 {
		workers = append(workers, worker{
			name: fmt.Sprint("a ", i), instance: "a", from: 5 * i, to: 5*i + 5, fromZero: i > 0,
		})
	}
	play(Options{Window: time.Minute, Interval: time.Second}, 60, workers, func(second int, r *Report) {
		if second == 0 {
			return // only a baseline
		}
		check(t, fmt.Sprint("requests at ", second), r.HTTP.Requests, known(float64(10*second)))
	})
}

// TestPodsChurn: a thousand targets an hour, each for a while, cost no more than
// those of two minutes.
func TestPodsChurn(t *testing.T) {
	e := New(Options{})
	for i := range 3600 {
		s := snapshot.Snapshot{At: at(float64(i))}
		s.AddTo(worker{name: "always"}.reading(i))
		s.AddTo(worker{name: fmt.Sprint("pod ", i/4)}.reading(i))
		if r := e.Step(s); i > 10 && (r.HTTP.RPS.V > 60 || len(r.HTTP.Instances) > 40) {
			t.Fatalf("second %d: %v requests a second, %d instances", i, r.HTTP.RPS.V, len(r.HTTP.Instances))
		}
	}
	if n := len(e.http.targets); n != len(e.http.order) || n > 40 {
		t.Errorf("%d targets are remembered, %d in order", n, len(e.http.order))
	}
}
