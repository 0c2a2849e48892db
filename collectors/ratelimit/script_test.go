package ratelimit

import (
	"math"
	"testing"
)

// TestScript: the arguments of scripts, in the order in which the libraries give
// them; of keys that two layouts claim, their number decides.
func TestScript(t *testing.T) {
	nan := math.NaN()
	tests := map[string]struct {
		key, layout, series string
		args                []float64
		want                Quota
	}{
		"redis_rate":         {key: "rate:7", layout: "redis_rate", args: []float64{20, 10, 60, 1}, want: Quota{Limit: 10, Window: 60, Burst: 20}},
		"traefik":            {key: "rate:7", layout: "traefik", args: []float64{2e-6, 20, 11, 1.7e15, 5e5}, want: Quota{Limit: 2, Window: 1, Burst: 20}},
		"traefik, slow":      {key: "rate:7", layout: "traefik", args: []float64{1.0 / 60e6, 3, 11, 1.7e15, 5e5}, want: Quota{Limit: 1, Window: 59.999, Burst: 3}},
		"spring":             {key: "request_rate_limiter.{orders.bob}", layout: "spring-gateway", args: []float64{10, 20, nan, 1}, want: Quota{Limit: 10, Window: 1, Burst: 20}},
		"spring, older":      {key: "request_rate_limiter.{bob}.tokens", layout: "spring-gateway", args: []float64{10, 20, 1.7e9, 1}, want: Quota{Limit: 10, Window: 1, Burst: 20}},
		"fastapi":            {key: "fastapi-limiter:203.0.113.9:/orders:0:0", layout: "fastapi-limiter", args: []float64{5, 1500}, want: Quota{Limit: 5, Window: 1.5}},
		"upstash, fixed":     {key: "@upstash/ratelimit:bob:29000000", layout: "upstash", series: "@upstash/ratelimit:bob:#", args: []float64{5, 60e3, 1}, want: Quota{Limit: 5, Window: 60}},
		"upstash, sliding":   {key: "@upstash/ratelimit:bob:29000000", layout: "upstash", series: "@upstash/ratelimit:bob:#", args: []float64{5, 1.7e12, 60e3, 1}, want: Quota{Limit: 5, Window: 60}},
		"upstash, bucket":    {key: "@upstash/ratelimit:bob", layout: "upstash", args: []float64{50, 10e3, 5, 1.7e12, 1}, want: Quota{Limit: 5, Window: 10, Burst: 50}},
		"laravel":            {key: "throttle:bob", layout: "laravel-throttle", args: []float64{1.7e9 + 0.25, 1.7e9, 60, 30}, want: Quota{Limit: 30, Window: 60}},
		"another script":     {key: "throttle:bob", args: []float64{4, 3000, 60, 30}},
		"no number":          {key: "rate:7", args: []float64{nan, 10, 60, 1}},
		"nothing":            {key: "rate:7", args: []float64{20, 0, 60, 1}},
		"below zero":         {key: "rate:7", args: []float64{20, 10, -60, 1}},
		"far too much":       {key: "rate:7", args: []float64{20, 1e300, 60, 1}},
		"another number":     {key: "rate:7", args: []float64{20, 10}},
		"nobody's arguments": {key: "limiter:7", args: []float64{20, 10, 60, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ref, ok := Match(Layouts(), tt.key)
			if !ok {
				t.Fatal("no limiter")
			}
			got, ok := ref.Script(tt.args)
			if ok != (tt.layout != "") || got.Layout != tt.layout {
				t.Fatalf("%+v, %v", got, ok)
			}
			if !ok {
				return
			}
			series := tt.series
			if series == "" {
				series = tt.key
			}
			if got.Series != series || !near(got.Quota.Limit, tt.want.Limit) || !near(got.Quota.Window, tt.want.Window) || got.Quota.Burst != tt.want.Burst {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 0.002*math.Abs(b) }
