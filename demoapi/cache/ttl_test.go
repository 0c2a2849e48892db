package cache_test

import (
	"math"
	"testing"
	"time"

	"apitop/demoapi/cache"
)

func TestTTL(t *testing.T) {
	p := cache.Policy{Base: 10 * time.Minute, Min: time.Minute, Max: time.Hour, Target: 0.1, Jitter: 0.1}
	d := cache.DefaultPolicy()
	perHour := func(n float64) float64 { return n / 3600 }
	tests := map[string]struct {
		policy       cache.Policy
		rate, spread float64
		want         time.Duration
	}{
		"unknown rate":        {p, 0, 0, 10 * time.Minute},
		"negative rate":       {p, -1, 0, 10 * time.Minute},
		"target rate":         {p, 0.1, 0, 10 * time.Minute},
		"twice as hot":        {p, 0.2, 0, 20 * time.Minute},
		"half as hot":         {p, 0.05, 0, 5 * time.Minute},
		"very hot":            {p, 1000, 1, time.Hour},
		"very hot, down":      {p, 1000, -1, 54 * time.Minute},
		"infinitely hot":      {p, math.Inf(1), 1, time.Hour},
		"very cold":           {p, 1e-9, -1, time.Minute},
		"very cold, up":       {p, 1e-9, 1, 66 * time.Second},
		"jitter up":           {p, 0, 1, 11 * time.Minute},
		"jitter down":         {p, 0, -1, 9 * time.Minute},
		"jitter near the top": {p, 0.58, 1, time.Hour},
		"jitter out of range": {p, 0, 7, 11 * time.Minute},
		"no target":           {cache.Policy{Base: time.Minute, Max: time.Hour}, 5, 0, time.Minute},
		"nothing set":         {cache.Policy{}, 1, 0, time.Millisecond},

		// The default: 3600 s at a read a minute, from 300 to 86400 s.
		"read once":                   {d, 0, 0, 3600 * time.Second},
		"60 an hour":                  {d, perHour(60), 0, 3600 * time.Second},
		"59 an hour":                  {d, perHour(59), 0, 3540 * time.Second},
		"61 an hour":                  {d, perHour(61), 0, 3660 * time.Second},
		"6 an hour":                   {d, perHour(6), 0, 360 * time.Second},
		"5 an hour: the shortest":     {d, perHour(5), -1, 300 * time.Second},
		"1 an hour: not shorter":      {d, perHour(1), -1, 300 * time.Second},
		"1 an hour, up":               {d, perHour(1), 1, 330 * time.Second},
		"1296 an hour":                {d, perHour(1296), 0, 77760 * time.Second},
		"1440 an hour: the longest":   {d, perHour(1440), 1, 86400 * time.Second},
		"1441 an hour: not longer":    {d, perHour(1441), 1, 86400 * time.Second},
		"a million an hour, down":     {d, perHour(1e6), -1, 77760 * time.Second},
		"a million an hour, middling": {d, perHour(1e6), 0, 82080 * time.Second},
	}
	for name, tt := range tests {
		if got := tt.policy.TTL(tt.rate, tt.spread); (got - tt.want).Abs() > time.Microsecond {
			t.Errorf("%s: TTL(%v, %v) = %v, want %v", name, tt.rate, tt.spread, got, tt.want)
		}
	}
}

// TestTTLBounds: whatever the rate and the jitter, a life is within the bounds,
// and more reads never shorten it.
func TestTTLBounds(t *testing.T) {
	p := cache.DefaultPolicy()
	for spread := -1.0; spread <= 1; spread += 0.05 {
		last := time.Duration(0)
		for rate := 1e-6; rate < 1e6; rate *= 1.1 {
			got := p.TTL(rate, spread)
			if got < p.Min || got > p.Max || got < last {
				t.Fatalf("TTL(%v, %v) = %v after %v, want within %v and %v and not shorter", rate, spread, got, last, p.Min, p.Max)
			}
			last = got
		}
	}
}

func TestStale(t *testing.T) {
	tests := map[string]struct{ fresh, want time.Duration }{
		"nothing":              {0, 30 * time.Second},
		"the shortest":         {300 * time.Second, 30 * time.Second},
		"a little longer":      {301 * time.Second, 30100 * time.Millisecond},
		"an hour":              {time.Hour, 6 * time.Minute},
		"a day":                {24 * time.Hour, 144 * time.Minute},
		"less than the bounds": {time.Second, 30 * time.Second},
	}
	for name, tt := range tests {
		if got := cache.DefaultPolicy().Stale(tt.fresh); got != tt.want {
			t.Errorf("%s: Stale(%v) = %v, want %v", name, tt.fresh, got, tt.want)
		}
	}
}
