package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// BenchmarkSeed fills an empty database with the demo's usual amount of data.
func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, err := store.OpenPostgres(b.Context(), servertest.StartPostgres(b), store.PostgresOptions{Timeout: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(s.Close)
		if err := s.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := s.Seed(b.Context(), store.DefaultSeed()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPostgres(b *testing.B) {
	s, err := store.OpenPostgres(b.Context(), servertest.StartPostgres(b), store.PostgresOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if err := s.Seed(b.Context(), store.DefaultSeed()); err != nil {
		b.Fatal(err)
	}
	storetest.Benchmark(b, s)
}

func BenchmarkMemory(b *testing.B) {
	s, err := store.NewMemory(store.DefaultSeed())
	if err != nil {
		b.Fatal(err)
	}
	storetest.Benchmark(b, s)
}

// BenchmarkCount times what CountQueries adds to each statement.
func BenchmarkCount(b *testing.B) {
	// As deep as a request's context usually is.
	ctx := b.Context()
	for i := range 5 {
		ctx = context.WithValue(ctx, depth(i), i)
	}
	var n atomic.Int64
	for name, ctx := range map[string]context.Context{"not asked for": ctx, "counted": store.CountQueries(ctx, &n)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				store.Trace(ctx)
			}
		})
	}
}

type depth int
