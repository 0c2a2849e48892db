package store_test

import (
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
