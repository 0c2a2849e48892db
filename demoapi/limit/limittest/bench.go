package limittest

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"apitop/demoapi/limit"
)

// Benchmark times decisions with a quota over all classes: allowed ones, denied
// ones, and those of many subjects from 64 callers at once.
func Benchmark(b *testing.B, l limit.Limiter) {
	ask := func(b *testing.B, r limit.Request) {
		if _, err := l.Allow(context.Background(), r); err != nil {
			b.Error(err)
		}
	}
	b.Run("allowed", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r := both(100, 1000)
			r.Subject = "bench-" + strconv.Itoa(i/90) // never reaches the limit
			ask(b, r)
		}
	})
	b.Run("denied", func(b *testing.B) {
		b.ReportAllocs()
		r := both(1, 10)
		ask(b, r)
		for b.Loop() {
			ask(b, r)
		}
	})
	b.Run("callers=64", func(b *testing.B) {
		b.ReportAllocs()
		var left, next atomic.Int64
		left.Store(int64(b.N))
		done := make(chan struct{})
		for range 64 {
			go func() {
				defer func() { done <- struct{}{} }()
				r := both(1_000_000, 10_000_000)
				r.Subject = "parallel-" + strconv.FormatInt(next.Add(1), 10)
				for left.Add(-1) >= 0 {
					ask(b, r)
				}
			}()
		}
		for range 64 {
			<-done
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	})
}

// both is a request with a quota of its class and one over all, per hour.
func both(class, all int) limit.Request {
	r := request(class, time.Hour)
	r.Overall = limit.Quota{Limit: all, Window: time.Hour}
	return r
}
