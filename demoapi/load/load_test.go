package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOffset(t *testing.T) {
	tests := map[string]struct {
		i    uint64
		rps  float64
		want time.Duration
	}{
		"first":             {0, 50, 0},
		"second":            {1, 50, 20 * time.Millisecond},
		"a minute later":    {3000, 50, time.Minute},
		"no whole interval": {3, 3, time.Second},
		"less than one":     {1, 0.1, 10 * time.Second},
		"a day later":       {86_400_000, 1000, 24 * time.Hour},
		"beyond all time":   {math.MaxUint64, 1e-3, math.MaxInt64},
		"no rate":           {1, 0, math.MaxInt64},
		"no number":         {1, math.NaN(), math.MaxInt64},
	}
	for name, tt := range tests {
		if got := offset(tt.i, tt.rps); got != tt.want {
			t.Errorf("%s: offset(%d, %v) = %v, want %v", name, tt.i, tt.rps, got, tt.want)
		}
	}
}

func TestSurplus(t *testing.T) {
	tests := map[string]struct {
		lag  time.Duration
		rps  float64
		want uint64
	}{
		"early":     {-time.Second, 50, 0},
		"in time":   {0, 50, 0},
		"bearable":  {10 * time.Second, 50, 0},
		"too late":  {11 * time.Second, 50, 550},
		"an hour":   {time.Hour, 0.5, 1800},
		"very slow": {11 * time.Second, 0.01, 0},
	}
	for name, tt := range tests {
		if got := surplus(tt.lag, tt.rps); got != tt.want {
			t.Errorf("%s: surplus(%v, %v) = %d, want %d", name, tt.lag, tt.rps, got, tt.want)
		}
	}
}

// TestZipfShares compares with the known shares of the most wanted.
func TestZipfShares(t *testing.T) {
	tests := []struct {
		n          int
		s          float64
		top1, top9 float64 // shares of the first, and of the first ten
	}{
		{1000, 0.8, 0.065, 0.23}, {1000, 0.99, 0.129, 0.382}, {1000, 1.1, 0.179, 0.481},
		{100, 0.99, 0.189, 0.558}, {10000, 0.99, 0.098, 0.289}, {1, 0.99, 1, 1}, {10, 0, 0.1, 1},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range tests {
		z := newZipf(tt.n, tt.s)
		const draws = 200_000
		first, ten := 0, 0
		for range draws {
			k := z.draw(rng)
			if k < 0 || k >= tt.n {
				t.Fatalf("n=%d: rank %d", tt.n, k)
			}
			if k == 0 {
				first++
			}
			if k < 10 {
				ten++
			}
		}
		if a, b := float64(first)/draws, float64(ten)/draws; math.Abs(a-tt.top1) > 0.006 || math.Abs(b-tt.top9) > 0.006 {
			t.Errorf("n=%d s=%v: shares %.3f and %.3f, want %.3f and %.3f", tt.n, tt.s, a, b, tt.top1, tt.top9)
		}
	}
}

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

// run runs a generator for a while in a bubble, where time is exact.
func run(t *testing.T, span time.Duration, cfg Config) Stats {
	t.Helper()
	cfg.URL = "http://shop"
	ctx, cancel := context.WithTimeout(t.Context(), span-time.Nanosecond)
	defer cancel()
	s, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Sent != s.Completed+s.Failed()+s.Abandoned {
		t.Errorf("the totals do not add up: %+v", s)
	}
	return s
}

func TestRateIsExact(t *testing.T) {
	for rps, want := range map[float64]uint64{50: 3000, 0.5: 30, 333.3: 19998, 1000: 60000} {
		synctest.Test(t, func(t *testing.T) {
			s := run(t, time.Minute, Config{RPS: rps, Seed: 1, Transport: anything(30 * time.Millisecond)})
			if s.Sent != want || s.Late != 0 || s.Skipped != 0 || s.MaxLag != 0 || s.Elapsed != time.Minute-time.Nanosecond {
				t.Errorf("%v a second for a minute: %+v, want %d sent in time", rps, s, want)
			}
		})
	}
}

// TestSlowServer: the traffic goes on while the server stalls.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t, time.Minute, Config{RPS: 100, Seed: 1, Timeout: 5 * time.Second, Transport: anything(4 * time.Second)})
		if s.Sent != 6000 || s.Late != 0 || s.Abandoned != 400 {
			t.Errorf("%+v, want 6000 sent in time and 400 abandoned at the end", s)
		}
	})
}

// TestTooManyInFlight: requests that must wait for a place are sent late, not
// forgotten, and make up for it when the server recovers.
func TestTooManyInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stall := served(func(r *http.Request) (*http.Response, error) {
			if at := time.Since(start); at >= 10*time.Second && at < 14*time.Second {
				time.Sleep(14*time.Second - at)
			}
			return anything(10 * time.Millisecond)(r)
		})
		s := run(t, time.Minute, Config{RPS: 50, Seed: 1, MaxInFlight: 20, Timeout: time.Hour, Transport: stall})
		if s.Sent != 3000 || s.Late < 170 || s.Late > 190 || s.MaxLag < 3*time.Second || s.MaxLag > 4*time.Second || s.Skipped != 0 {
			t.Errorf("%+v, want 3000 sent, about 175 of them late by up to 3.6s", s)
		}
	})
}

// TestSkips: what is more than ten seconds late is given up, and counted.
func TestSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stall := served(func(r *http.Request) (*http.Response, error) {
			if at := time.Since(start); at >= 10*time.Second && at < 40*time.Second {
				time.Sleep(40*time.Second - at)
			}
			return anything(time.Millisecond)(r)
		})
		s := run(t, time.Minute, Config{RPS: 10, Seed: 1, MaxInFlight: 1, Timeout: time.Hour, Transport: stall})
		if s.Sent+s.Skipped != 600 || s.Skipped < 250 || s.Skipped > 300 {
			t.Errorf("%+v, want 600 sent or skipped, about 299 skipped", s)
		}
	})
}

func TestErrorsByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := []error{syscall.ECONNREFUSED, syscall.ECONNRESET, io.EOF, os.ErrDeadlineExceeded, errors.New("odd")}
		var mu sync.Mutex
		n := 0
		transport := served(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			n++
			switch n % 7 {
			case 5:
				return respond(503, ""), nil
			case 6: // the body never comes
				resp := respond(200, "")
				resp.Body = io.NopCloser(waiting{r.Context()})
				return resp, nil
			}
			return nil, &net.OpError{Op: "read", Err: fails[n%7]}
		})
		s := run(t, time.Minute, Config{RPS: 7, Seed: 1, Transport: transport})
		want := map[string]uint64{"refused": 59, "reset": 60, "eof": 60, "timeout": 60 + 55, "other": 60}
		for kind, k := range want {
			if d := int(s.Errors[kind]) - int(k); d < -1 || d > 1 {
				t.Errorf("%d errors of the kind %s, want %d", s.Errors[kind], kind, k)
			}
		}
		if s.Status[503] != 60 || s.Completed != 60 {
			t.Errorf("statuses %v, completed %d, want 60 of 503", s.Status, s.Completed)
		}
	})
}

// waiting is a body that never comes.
type waiting struct{ ctx context.Context }

func (w waiting) Read([]byte) (int, error) { <-w.ctx.Done(); return 0, w.ctx.Err() }

// TestStatsWhileRunning reads the totals while they are written.
func TestStatsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Config{URL: "http://shop", RPS: 50, Seed: 1, Transport: anything(time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		if s := g.Stats(); s.Sent != 0 || s.Elapsed != 0 {
			t.Errorf("before the start: %+v", s)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { g.Run(ctx); close(done) }()
		for second := range 10 {
			time.Sleep(time.Second - time.Nanosecond)
			synctest.Wait()
			if got := g.Sent(); got != 50*uint64(second+1) {
				t.Errorf("after %d s: %d sent", second+1, got)
			}
			g.Stats().Status[200] = 1e9 // the caller's own copy
			time.Sleep(time.Nanosecond)
		}
		stop()
		<-done
		if s := g.Stats(); s.Status[200] > 600 || s.Elapsed != 10*time.Second {
			t.Errorf("at the end: %+v", s)
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
			run(t, 20*time.Second, Config{RPS: 50, Seed: seed, Transport: transport})
		})
		return paths
	}
	a, b, c := record(1), record(1), record(2)
	if !slices.Equal(a, b) {
		t.Error("one seed gave two different runs")
	}
	if slices.Equal(a, c) {
		t.Error("two seeds gave the same run")
	}
}

func TestConfig(t *testing.T) {
	tests := map[string]Config{
		"no URL":       {RPS: 1},
		"no scheme":    {URL: "localhost:8000", RPS: 1},
		"other scheme": {URL: "ftp://host", RPS: 1},
		"bad URL":      {URL: "http://bob:hunter2@ho st", RPS: 1},
		"no rate":      {URL: "http://host"},
		"negative":     {URL: "http://host", RPS: -1},
		"no number":    {URL: "http://host", RPS: math.NaN()},
		"too much":     {URL: "http://host", RPS: 1e9},
		"products":     {URL: "http://host", RPS: 1, Products: -1},
	}
	for name, cfg := range tests {
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
