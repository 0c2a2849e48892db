package load

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// target is a simulated one: up to capacity it answers in 10 ms, beyond in
// 500 ms. Each rate in spoilt breaks once.
type target struct {
	capacity float64
	spoilt   map[float64]bool
	answered float64 // share of the rate; 0: all
	runs     []Spec
}

func (g *target) run(_ context.Context, s Spec) (*Report, error) {
	g.runs = append(g.runs, s)
	rps, seconds := s.Stages[0].To, s.Stages[0].Duration.Seconds()
	took := 10 * time.Millisecond
	if rps > g.capacity || g.spoilt[rps] {
		took = 500 * time.Millisecond
	}
	delete(g.spoilt, rps)
	n := rps * seconds
	if g.answered > 0 {
		n *= g.answered
	}
	return &Report{Seconds: seconds, SentRPS: rps, Requests: uint64(n + 0.5), OK: uint64(n + 0.5), Response: evenly(int(min(n, 5000)), took)}, nil
}

func TestFindMax(t *testing.T) {
	tests := map[string]struct {
		target       target
		start, limit float64
		least, most  float64 // of the result; 0: none
		steps        int     // at most
		why          string
	}{
		"above the start":    {target{capacity: 1234}, 100, 0, 1234 / 1.05, 1234, 16, "within 5 %"},
		"below the start":    {target{capacity: 77}, 1000, 0, 77 / 1.05, 77, 24, "within 5 %"},
		"exactly the start":  {target{capacity: 200}, 200, 0, 200, 200, 14, "within 5 %"},
		"more than allowed":  {target{capacity: 9999}, 100, 500, 500, 500, 4, "highest rate allowed"},
		"nothing works":      {target{capacity: 0}, 50, 0, 0, 0, 14, "could not judge"},
		"one bad moment":     {target{capacity: 400, spoilt: map[float64]bool{100: true, 200: true}}, 100, 400, 400, 400, 5, "highest rate"},
		"answers are missed": {target{capacity: 1e6, answered: 0.9}, 50, 0, 0, 0, 14, "not even"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				f := FindMax{SLOs: DefaultSLOs(), Start: tt.start, Limit: tt.limit, Run: tt.target.run, On: func(Step) { told++ }}
				found, err := f.Search(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got := 0.0
				if found.RPS != nil {
					got = *found.RPS
				}
				if got < tt.least || got > tt.most || !strings.Contains(found.Why, tt.why) {
					t.Errorf("%v/s (%s), want %v to %v (%s)", got, found.Why, tt.least, tt.most, tt.why)
				}
				if (found.Best != nil) != (got > 0) || got > 0 && found.Best.SentRPS != got {
					t.Errorf("best is %+v", found.Best)
				}
				if len(found.Steps) > tt.steps || told != len(found.Steps) {
					t.Errorf("%d steps, %d told, want at most %d", len(found.Steps), told, tt.steps)
				}
			})
		})
	}
}

// TestFindMaxStep: a step is long enough for its percentiles, and a percentile
// that stays out of reach ends the search.
func TestFindMaxStep(t *testing.T) {
	tests := map[string]struct {
		expr string
		rps  float64
		want time.Duration
	}{
		"enough":       {"p95<1s", 100, 10 * time.Second},
		"longer":       {"p99<1s", 100, 12 * time.Second},
		"never enough": {"p99.99<1s", 100, time.Minute},
		"no quantile":  {"errors<1%", 1, 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSLO(tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			f := FindMax{SLOs: []SLO{s}}.withDefaults()
			if got := f.stepLength(tt.rps); got.Round(time.Millisecond) != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, _ := ParseSLO("p99.99<1s")
		g := target{capacity: 1e6}
		found, err := FindMax{SLOs: []SLO{s}, Start: 100, Run: g.run}.Search(t.Context())
		if err != nil || found.RPS != nil || !strings.Contains(found.Why, "could not judge p99.99<1s") {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestFindMaxStops: the end of the context ends the search, with what was found.
func TestFindMaxStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := target{capacity: 1e6}
		f := FindMax{SLOs: DefaultSLOs(), Start: 10, Run: g.run, On: func(s Step) {
			if s.RPS >= 40 {
				cancel()
			}
		}}
		found, err := f.Search(ctx)
		if !errors.Is(err, context.Canceled) || found == nil || found.RPS == nil || *found.RPS != 40 {
			t.Errorf("%+v, %v", found, err)
		}
	})
	failing := errors.New("refused")
	f := FindMax{SLOs: DefaultSLOs(), Start: 10, Run: func(context.Context, Spec) (*Report, error) { return nil, failing }}
	if _, err := f.Search(t.Context()); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
}

func TestFindMaxCheck(t *testing.T) {
	run := (&target{}).run
	rps, _ := ParseSLO("rps>10")
	tests := map[string]struct {
		f    FindMax
		want string
	}{
		"nothing to measure": {FindMax{SLOs: DefaultSLOs(), Start: 10}, "a way to measure"},
		"no objective":       {FindMax{Run: run, Start: 10}, "objective"},
		"only the rate":      {FindMax{Run: run, Start: 10, SLOs: []SLO{rps}}, "else than rps"},
		"no start":           {FindMax{Run: run, SLOs: DefaultSLOs()}, "starts at"},
		"no number":          {FindMax{Run: run, SLOs: DefaultSLOs(), Start: math.NaN()}, "starts at"},
		"limit below":        {FindMax{Run: run, SLOs: DefaultSLOs(), Start: 10, Limit: 5}, "highest rate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.f.Search(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
