package load

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// drawn is a Latency of n log-normal samples around mid: a long tail, as real
// latencies have.
func drawn(seed uint64, n int, mid time.Duration) Latency {
	rng := rand.New(rand.NewPCG(seed, 1))
	t := newTimings(precise)
	for range n {
		t.record(time.Duration(float64(mid) * math.Exp(rng.NormFloat64())))
	}
	return t.latency()
}

// runOf is a report of n requests over 10 s, of which errs failed.
func runOf(seed uint64, n, errs int, mid time.Duration) *Report {
	r := &Report{
		Schema: Schema, Mode: OpenLoop, Scenario: "demo", Seconds: 10, IntendedRPS: new(float64(n) / 10),
		Requests: uint64(n), OK: uint64(n - errs), Errors: uint64(errs),
		Response: drawn(seed, n-errs, mid), Service: drawn(seed+1000, n-errs, mid),
	}
	r.Routes = []RouteReport{{
		Method: "GET", Route: "/a", Requests: r.Requests, OK: r.OK, Errors: r.Errors, Response: r.Response, Service: r.Service,
	}, {Method: "GET", Route: "/rare", Requests: 9, OK: 9, Response: drawn(seed, 9, mid)}}
	return r
}

func TestCompare(t *testing.T) {
	const n, mid = 5000, 20 * time.Millisecond
	base := runOf(1, n, 5, mid)
	tests := map[string]struct {
		now   *Report
		gate  Gate
		worse []string // figures of the whole test
	}{
		"itself":        {base, Kept, nil},
		"the same test": {runOf(2, n, 7, mid), Kept, nil},
		"faster":        {runOf(3, n, 5, mid/2), Kept, nil},
		"slower":        {runOf(4, n, 5, mid*3), Broken, []string{"response p50", "response p95", "response p99", "service p95", "service p99"}},
		"5 % slower":    {runOf(5, n, 5, mid*105/100), Kept, nil},
		"failing":       {runOf(6, n, 200, mid), Broken, []string{"errors"}},
		"half of it fails": {
			runOf(7, n, n/2, mid), Broken,
			[]string{"errors", "rps"},
		},
		"too little":     {runOf(8, 15, 0, mid), Unmeasured, nil},
		"another rate":   {runOf(9, 2*n, 5, mid*3), Unmeasured, nil},
		"cut short":      {func() *Report { r := runOf(10, n, 5, mid*3); r.Interrupted = true; return r }(), Unmeasured, nil},
		"nothing at all": {&Report{Mode: OpenLoop, Scenario: "demo"}, Unmeasured, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Compare(base, tt.now, Tolerance{})
			if c.Gate != tt.gate {
				t.Errorf("gate %v, want %v: %+v", c.Gate, tt.gate, c.Notes)
			}
			if tt.gate == Unmeasured {
				return
			}
			var worse []string
			for _, row := range c.Rows {
				if row.Route == "" && row.Kind == Worse {
					worse = append(worse, row.Figure)
				}
				if row.Route == "/rare" && row.Kind != Unclear && row.Figure != "errors" {
					t.Errorf("%s of 9 requests is called %s", row.Figure, row.Kind)
				}
			}
			if strings.Join(worse, ",") != strings.Join(tt.worse, ",") {
				t.Errorf("worse: %v, want %v", worse, tt.worse)
			}
		})
	}
}

// TestCompareChance: of a hundred pairs of equal tests hardly one may be called
// a regression, although each pair has ten figures.
func TestCompareChance(t *testing.T) {
	broken := 0
	for i := range uint64(50) {
		a, b := runOf(2*i, 2000, 10, 20*time.Millisecond), runOf(2*i+1, 2000, 10, 20*time.Millisecond)
		if Compare(a, b, Tolerance{}).Gate == Broken {
			broken++
		}
	}
	if broken > 1 {
		t.Errorf("%d of 50 equal pairs were called a regression", broken)
	}
}

// TestTolerance: both conditions must be exceeded.
func TestTolerance(t *testing.T) {
	base, now := runOf(1, 20_000, 0, 2*time.Millisecond), runOf(2, 20_000, 0, 3*time.Millisecond)
	kind := func(tol Tolerance, figure string) Kind {
		for _, row := range Compare(base, now, tol).Rows {
			if row.Route == "" && row.Figure == figure {
				return row.Kind
			}
		}
		t.Fatalf("no %s", figure)
		return ""
	}
	if k := kind(Tolerance{}, "response p50"); k != Same {
		t.Errorf("1 ms more is %s: below the absolute bound", k)
	}
	if k := kind(Tolerance{Ratio: 0.1, Seconds: 0.0005}, "response p50"); k != Worse {
		t.Errorf("1 ms more is %s, want worse", k)
	}
	if k := kind(Tolerance{Ratio: 0.8, Seconds: 0.0005}, "response p50"); k != Same {
		t.Errorf("half as much again is %s: below the relative bound", k)
	}
}

// TestCompareLag: what the generator's own lag adds to response times is no
// regression; a wait for a place among those under way is one.
func TestCompareLag(t *testing.T) {
	base, slow := runOf(1, 5000, 0, 20*time.Millisecond), runOf(2, 5000, 0, 60*time.Millisecond)
	slow.Service, slow.Routes[0].Service = base.Service, base.Service
	slow.GeneratorLimited, slow.Lag = true, drawn(9, 5000, 40*time.Millisecond)
	if c := Compare(base, slow, Tolerance{}); c.Gate != Kept || c.Rows[0].Kind != Unclear || c.Rows[0].Reason == "" {
		t.Errorf("late sending: gate %v, %+v", c.Gate, c.Rows[0])
	}
	slow.Lag = drawn(9, 5000, time.Millisecond)
	if c := Compare(base, slow, Tolerance{}); c.Gate != Broken {
		t.Errorf("a lag of 1 ms does not explain 40 ms more: gate %v", c.Gate)
	}
	slow.Lag, slow.Late = drawn(9, 5000, 40*time.Millisecond), 500
	if c := Compare(base, slow, Tolerance{}); c.Gate != Broken || c.Rows[0].Kind != Worse {
		t.Errorf("waiting for a place: gate %v, %+v", c.Gate, c.Rows[0])
	}
}

func TestComparable(t *testing.T) {
	base := &Report{Schema: Schema, Mode: OpenLoop, Scenario: "demo"}
	tests := map[string]struct {
		base *Report
		now  *Report
		want string
	}{
		"the same":         {base, &Report{Mode: OpenLoop, Scenario: "demo"}, ""},
		"another format":   {&Report{Schema: "apitop.report/1"}, base, "schema"},
		"another scenario": {base, &Report{Mode: OpenLoop, Scenario: "url"}, "scenario"},
		"closed":           {base, &Report{Mode: ClosedLoop, Scenario: "demo"}, "closed loop"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Comparable(tt.base, tt.now)
			if tt.want == "" && err == nil {
				return
			}
			if tt.want == "" || !errors.Is(err, ErrIncomparable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
