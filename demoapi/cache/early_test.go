package cache

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestEarly(t *testing.T) {
	ms := time.Millisecond
	tests := map[string]struct {
		gap, delta time.Duration
		u          float64
		want       bool
	}{
		"far away":                      {time.Hour, 400 * ms, 0.01, false},
		"far away, the luckiest of all": {time.Hour, 400 * ms, math.SmallestNonzeroFloat64, false},
		"a load time before, unlucky":   {400 * ms, 400 * ms, 0.37, false},
		"a load time before, lucky":     {400 * ms, 400 * ms, 0.36, true},
		"five load times, 0.6 %":        {2000 * ms, 400 * ms, 0.006, true},
		"five load times, 0.7 %":        {2000 * ms, 400 * ms, 0.007, false},
		"just now":                      {0, 400 * ms, 1, true},
		"past":                          {-ms, 400 * ms, 1, true},
		"a load that took no time":      {ms, 0, 0.001, false},
		"no time and no gap":            {0, 0, 1, true},
		"the least lucky":               {1, 400 * ms, 1, false},
	}
	for name, tt := range tests {
		if got := early(tt.gap, tt.delta, tt.u); got != tt.want {
			t.Errorf("%s: early(%v, %v, %v) = %v", name, tt.gap, tt.delta, tt.u, got)
		}
	}
}

// TestEarlyOdds compares the share of early refreshes with the paper's
// probability exp(-gap/(beta*delta)), within four standard deviations.
func TestEarlyOdds(t *testing.T) {
	const draws = 200_000
	random := rand.New(rand.NewPCG(1, 2))
	delta := 400 * time.Millisecond
	for _, gap := range []time.Duration{2 * time.Second, time.Second, 400 * time.Millisecond, 100 * time.Millisecond, 0} {
		n := 0
		for range draws {
			if early(gap, delta, 1-random.Float64()) {
				n++
			}
		}
		want := math.Exp(-gap.Seconds() / (earlyBeta * delta.Seconds()))
		got := float64(n) / draws
		if tolerance := 4 * math.Sqrt(want*(1-want)/draws); math.Abs(got-want) > tolerance {
			t.Errorf("%v before the end: %.4f refresh, want %.4f ± %.4f", gap, got, want, tolerance)
		}
	}
}

func TestLocalLifeOf(t *testing.T) {
	tests := map[string]struct{ gap, delta, want time.Duration }{
		"long fresh":       {time.Hour, time.Millisecond, 5 * time.Second},
		"five seconds":     {5 * time.Second, 0, 5 * time.Second},
		"nearly stale":     {time.Second, 10 * time.Millisecond, 940 * time.Millisecond},
		"the last moments": {50 * time.Millisecond, 10 * time.Millisecond, -10 * time.Millisecond},
		"stale":            {-time.Second, 0, -time.Second},
	}
	for name, tt := range tests {
		if got := localLifeOf(tt.gap, tt.delta); got != tt.want {
			t.Errorf("%s: localLifeOf(%v, %v) = %v, want %v", name, tt.gap, tt.delta, got, tt.want)
		}
	}
}

func TestWaits(t *testing.T) {
	ms := time.Millisecond
	for n, want := range []time.Duration{2 * ms, 4 * ms, 8 * ms, 16 * ms, 25 * ms, 25 * ms} {
		if got := pollPause(n); got != want {
			t.Errorf("pollPause(%d) = %v, want %v", n, got, want)
		}
	}
	if got := pollPause(1 << 40); got != 25*ms {
		t.Errorf("pollPause of a huge number is %v", got)
	}
	bounds := map[time.Duration]time.Duration{0: 250 * ms, 1: 50 * ms, 25 * ms: 50 * ms, 100 * ms: 200 * ms, 500 * ms: time.Second, time.Hour: time.Second}
	for usual, want := range bounds {
		if got := waitBound(usual); got != want {
			t.Errorf("waitBound(%v) = %v, want %v", usual, got, want)
		}
	}
	u := usuals{times: map[string]time.Duration{}}
	if got := u.of("product"); got != 0 {
		t.Errorf("before any load the usual time is %v", got)
	}
	u.loaded("product", 80*ms)
	u.loaded("product", 160*ms)
	u.loaded("search", 0)
	if got := u.of("product"); got != 90*ms {
		t.Errorf("after 80 and 160 ms the usual time is %v, want 90 ms", got)
	}
	if got := u.of("search"); got <= 0 {
		t.Errorf("after a load that took no time the usual one is %v, which means unknown", got)
	}
}
