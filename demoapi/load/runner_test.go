package load

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served answers requests in the test's own process.
type served func(*http.Request) (*http.Response, error)

func (f served) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// anything answers every request after a while, logins with a token.
func anything(after time.Duration) served {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(after):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		if r.URL.Path == "/auth/login" {
			return respond(200, `{"token":"t"}`), nil
		}
		return respond(200, `{}`), nil
	}
}

func steady(rps float64, d time.Duration) []Stage { return []Stage{{d, rps, rps}} }

// run does a run in a bubble, where time is exact, and checks what holds for all
// runs.
func run(t *testing.T, spec Spec) *Report {
	t.Helper()
	rep, _ := runContext(t.Context(), t, spec)
	return rep
}

func runContext(ctx context.Context, t *testing.T, spec Spec) (*Report, Progress) {
	t.Helper()
	if spec.Target == "" {
		spec.Target = "http://shop"
	}
	r, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Requests != rep.OK+rep.ClientErrors+rep.Errors+rep.Throttled || rep.Response.Count != rep.OK {
		t.Errorf("the report does not add up: %+v", rep)
	}
	p := r.Progress()
	if n := p.Totals; p.Phase != Done || p.InFlight != 0 || n.Sent != n.OK+n.ClientErrors+n.Errors+n.Throttled+n.Abandoned || n.Sent-n.Abandoned != n.Answered()+n.Unanswered() {
		t.Errorf("the totals do not add up: %+v", p)
	}
	return rep, p
}

func TestRateIsExact(t *testing.T) {
	for rps, want := range map[float64]uint64{50: 3000, 0.5: 30, 333.3: 19998, 1000: 60000} {
		synctest.Test(t, func(t *testing.T) {
			rep := run(t, Spec{Stages: steady(rps, time.Minute), Seed: 1, Transport: anything(30 * time.Millisecond)})
			if rep.Requests != want || rep.OK != want || rep.Late != 0 || rep.Dropped != 0 || rep.GeneratorLimited || len(rep.Verdict) != 0 {
				t.Errorf("%v a second for a minute: %+v, want %d sent in time", rps, rep, want)
			}
			if math.Abs(*rep.IntendedRPS-rps) > 1e-9 || math.Abs(rep.SentRPS-rps) > 1e-9 || rep.Seconds != 60 {
				t.Errorf("%v a second for a minute: intended %v, sent %v in %v s", rps, *rep.IntendedRPS, rep.SentRPS, rep.Seconds)
			}
			if q, _ := rep.Lag.Quantile(1); q > 2e-6 {
				t.Errorf("the scheduler lags %v s", q)
			}
		})
	}
}

// TestStages: the requests follow the rate, and the warm-up is not in the
// report.
func TestStages(t *testing.T) {
	for _, kind := range []Arrivals{Constant, Poisson} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var mu sync.Mutex
			perSecond := map[int]float64{}
			transport := served(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				perSecond[int(time.Since(start)/time.Second)]++
				mu.Unlock()
				return anything(time.Millisecond)(r)
			})
			stages := []Stage{{10 * sec, 0, 1000}, {10 * sec, 1000, 1000}, {5 * sec, 0, 0}, {10 * sec, 500, 0}}
			rep, p := runContext(t.Context(), t, Spec{Stages: stages, Arrivals: kind, Warmup: 20 * sec, Seed: 1, Transport: transport})
			for at, want := range map[int]float64{0: 50, 5: 550, 9: 950, 12: 1000, 22: 0, 25: 475, 34: 25} {
				off := 1.0
				if kind == Poisson {
					off += 4 * math.Sqrt(want)
				}
				if math.Abs(perSecond[at]-want) > off {
					t.Errorf("%v: %v requests in second %d, want %v", kind, perSecond[at], at, want)
				}
			}
			off := 4 * math.Sqrt(2500) * float64(kind)
			if math.Abs(float64(rep.Requests)-2500) > off || rep.Seconds != 15 || math.Abs(*rep.IntendedRPS-2500.0/15) > 1e-6 || p.Totals.Sent < 17_000 {
				t.Errorf("%v: %d requests in %v s at %v, want 2500 in 15 s", kind, rep.Requests, rep.Seconds, *rep.IntendedRPS)
			}
		})
	}
}

// TestSlowServer: the load goes on while the server stalls, and is abandoned
// when it is told to stop.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute-time.Nanosecond)
		defer cancel()
		rep, _ := runContext(ctx, t, Spec{Stages: []Stage{{0, 100, 100}}, Seed: 1, Transport: anything(4 * time.Second)})
		if rep.Requests != 5600 || rep.Late != 0 || rep.Abandoned != 400 || !rep.Interrupted {
			t.Errorf("%+v, want 6000 sent in time and 400 of them abandoned", rep)
		}
	})
}

// stall answers nothing from one time to another.
func stall(from, to time.Duration) served {
	start := time.Now()
	return func(r *http.Request) (*http.Response, error) {
		if at := time.Since(start); at >= from && at < to {
			time.Sleep(to - at)
		}
		return anything(10 * time.Millisecond)(r)
	}
}

// TestTooManyInFlight: requests that must wait for a place are sent late, not
// forgotten, and their wait is in the response time; or they are dropped.
func TestTooManyInFlight(t *testing.T) {
	for _, drop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			rep := run(t, Spec{
				Stages: steady(50, time.Minute), Seed: 1, MaxInFlight: 20, Drop: drop, Timeout: time.Hour,
				Transport: stall(10*sec, 14*sec),
			})
			longest, _ := rep.Response.Quantile(1)
			service, _ := rep.Service.Quantile(0.9)
			if drop {
				if rep.Requests+rep.Dropped != 3000 || rep.Dropped < 175 || rep.Dropped > 185 || rep.Late != 0 || !rep.GeneratorLimited {
					t.Errorf("%+v, want about 180 dropped", rep)
				}
				return
			}
			if rep.Requests != 3000 || rep.Late < 175 || rep.Late > 200 || rep.Dropped != 0 || math.Abs(longest-4) > 0.1 || math.Abs(service-0.01) > 1e-4 {
				t.Errorf("%+v, want 3000 sent, about 180 of them late by up to 3.6s", rep)
			}
		})
	}
}

// TestIdleWorkers: the places that a stall took are given free, and taken again.
func TestIdleWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Spec{Target: "http://shop", Stages: steady(1, 60*sec), Seed: 1, MaxInFlight: 8, Timeout: time.Hour, Transport: stall(10*sec, 20*sec)})
		if err != nil {
			t.Fatal(err)
		}
		done, start := make(chan *Report), time.Now()
		go func() { rep, _ := r.Run(t.Context()); done <- rep }()
		for _, step := range []struct {
			after       time.Duration
			least, most int64
		}{{9 * sec, 1, 2}, {19 * sec, 8, 8}, {50 * sec, 1, 6}} {
			time.Sleep(step.after - time.Since(start))
			if n := r.places.Load(); n < step.least || n > step.most {
				t.Errorf("after %v: %d places are taken, want %d to %d", step.after, n, step.least, step.most)
			}
		}
		if rep := <-done; rep.Requests != 60 || rep.Dropped != 0 || r.places.Load() != 0 {
			t.Errorf("%+v", rep)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// Gaps longer than a worker stays.
		rep := run(t, Spec{Stages: steady(0.1, 100*sec), Seed: 1, MaxInFlight: 1, Transport: anything(time.Millisecond)})
		if rep.Requests != 10 || rep.Late != 0 {
			t.Errorf("%+v", rep)
		}
	})
}

// TestFarBehind: what is more than ten seconds late is given up, and counted.
func TestFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep := run(t, Spec{Stages: steady(10, time.Minute), Seed: 1, MaxInFlight: 1, Timeout: time.Hour, Transport: stall(10*sec, 40*sec)})
		if rep.Requests+rep.Dropped != 600 || rep.Dropped < 195 || rep.Dropped > 205 {
			t.Errorf("%+v, want 600 sent or dropped, about 200 dropped", rep)
		}
	})
}

// TestSetRate: the rate changes at once, pauses, and goes on; the end stays.
func TestSetRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Spec{Target: "http://shop", Stages: steady(50, 40*sec), Seed: 1, Transport: anything(time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Progress(); p.Phase != Ready || p.Totals.Sent != 0 || p.Elapsed != 0 || p.Planned != 40*sec {
			t.Errorf("before the start: %+v", p)
		}
		done := make(chan *Report)
		go func() { rep, _ := r.Run(t.Context()); done <- rep }()
		time.Sleep(10 * sec)
		for _, step := range []struct{ rps, sentBefore float64 }{{200, 500}, {0, 2500}, {10, 2500}} {
			synctest.Wait()
			p := r.Progress()
			if math.Abs(float64(p.Totals.Sent)-step.sentBefore) > 2 || p.Phase != Measure {
				t.Errorf("before the change to %v: %+v", step.rps, p)
			}
			p.Totals.Status[200] = 1e9 // the caller's own copy
			if !r.SetRate(1e3) || !r.SetRate(step.rps) || r.SetRate(-1) || r.SetRate(math.NaN()) {
				t.Error("wrong rates must be refused, good ones accepted")
			}
			time.Sleep(5 * sec)
			synctest.Wait()
			if p := r.Progress(); p.IntendedRPS != step.rps || math.Abs(p.SentRPS-step.rps) > 1 {
				t.Errorf("after the change to %v: %+v", step.rps, p)
			}
			time.Sleep(5 * sec)
		}
		rep := <-done
		if rep.Seconds != 40 || math.Abs(float64(rep.Requests)-2600) > 3 || math.Abs(*rep.IntendedRPS-65) > 0.1 || rep.Status["200"] != rep.Requests {
			t.Errorf("%+v, want 2600 in 40 s", rep)
		}
		if _, err := r.Run(t.Context()); err == nil {
			t.Error("a second run must be refused")
		}
	})
}

// TestProgress: the last second's percentiles are of that second.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		transport := served(func(r *http.Request) (*http.Response, error) {
			return anything((1 + time.Since(start)/time.Second) * time.Millisecond)(r)
		})
		r, err := New(Spec{Target: "http://shop", Stages: steady(1000, 5*sec), Seed: 1, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); _, _ = r.Run(t.Context()) }()
		for second := range 4 {
			time.Sleep(time.Second)
			synctest.Wait()
			p := r.Progress()
			if p.Response.P50 == nil || math.Abs(*p.Response.P50*1000-float64(second+1)) > 0.1 || p.SentRPS < 998 || p.Lag.P99 == nil {
				t.Errorf("second %d: %+v, want a p50 of %d ms", second, p, second+1)
			}
			if len(p.Routes) != 1 || p.Routes[0].Requests < uint64(second+1)*990 {
				t.Errorf("second %d: routes %+v", second, p.Routes)
			}
		}
		<-done
	})
}

func TestInterruptedInWarmup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*sec)
		defer cancel()
		rep, p := runContext(ctx, t, Spec{Stages: steady(10, 20*sec), Warmup: 10 * sec, Transport: anything(0)})
		if rep.Requests != 0 || rep.Seconds != 0 || rep.IntendedRPS != nil || !rep.Interrupted || p.Totals.Sent < 29 {
			t.Errorf("%+v", rep)
		}
	})
}

func TestSameSeedSameRequests(t *testing.T) {
	record := func(seed uint64) (paths []string) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			transport := served(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				paths = append(paths, fmt.Sprint(r.Method, r.URL, r.Header.Get("X-Client-Id")))
				mu.Unlock()
				return anything(time.Millisecond)(r)
			})
			run(t, Spec{Stages: steady(50, 20*sec), Scenario: DemoTraffic(), LoginInLoad: true, Seed: seed, Transport: transport})
		})
		return paths
	}
	a, b, c := record(1), record(1), record(2)
	if len(a) != 1000 || !slices.Equal(a, b) {
		t.Error("one seed gave two different runs")
	}
	if slices.Equal(a, c) {
		t.Error("two seeds gave the same run")
	}
}

func TestBadSpecs(t *testing.T) {
	good := func(change func(*Spec)) Spec {
		s := Spec{Target: "http://host", Stages: steady(1, sec)}
		change(&s)
		return s
	}
	tests := map[string]func(*Spec){
		"no URL":           func(s *Spec) { s.Target = "" },
		"no scheme":        func(s *Spec) { s.Target = "localhost:8000" },
		"other scheme":     func(s *Spec) { s.Target = "ftp://bob:hunter2@host" },
		"bad URL":          func(s *Spec) { s.Target = "http://bob:hunter2@ho st" },
		"no stage":         func(s *Spec) { s.Stages = nil },
		"two kinds":        func(s *Spec) { s.Closed = Closed{1, 1} },
		"no users":         func(s *Spec) { s.Stages, s.Closed = nil, Closed{0, 10} },
		"no requests":      func(s *Spec) { s.Stages, s.Closed = nil, Closed{10, 0} },
		"negative":         func(s *Spec) { s.Stages = steady(-1, sec) },
		"no number":        func(s *Spec) { s.Stages = steady(math.NaN(), sec) },
		"too much":         func(s *Spec) { s.Stages = steady(1e9, sec) },
		"no rate":          func(s *Spec) { s.Stages = steady(0, sec) },
		"no time":          func(s *Spec) { s.Stages = []Stage{{0, 1, 1}, {sec, 1, 1}} },
		"negative time":    func(s *Spec) { s.Stages = steady(1, -sec) },
		"only a warm-up":   func(s *Spec) { s.Warmup = sec },
		"negative warm-up": func(s *Spec) { s.Warmup = -1 },
		"keys":             func(s *Spec) { s.Keys = Keys{Exponent: 1} },
		"exponent":         func(s *Spec) { s.Keys = Keys{Exponent: math.Inf(1), Count: 5} },
		"share":            func(s *Spec) { s.Tiers = []TierShare{{Tier: "a"}} },
		"tier twice":       func(s *Spec) { s.Tiers = []TierShare{{"a", 1, 1}, {"a", 1, 1}} },
		"crowd":            func(s *Spec) { s.Tiers = []TierShare{{"a", 1, 1 << 40}} },
		"arrivals":         func(s *Spec) { s.Arrivals = 7 },
		"empty scenario":   func(s *Spec) { s.Scenario = &Scenario{} },
	}
	for name, change := range tests {
		if _, err := New(good(change)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := New(good(func(*Spec) {})); err != nil {
		t.Error(err)
	}
}
