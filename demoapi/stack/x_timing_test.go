package stack

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// BenchmarkStart is a whole stack, from nothing to answering and away again.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := Start(b.Context(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if s.PostgresDSN() == "" {
			b.Skip("needs postgres: apt install postgresql")
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmbedded is the simulated Redis: a read through the shim, and one
// step of its clock, of which there are ten a second.
func BenchmarkEmbedded(b *testing.B) {
	e, err := startEmbedded("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	c := redis.NewClient(&redis.Options{Addr: e.addr})
	defer func() { _ = c.Close() }()
	for i := range 5000 {
		if err := e.m.Set("product:"+strconv.Itoa(i), "{}"); err != nil {
			b.Fatal(err)
		}
		e.m.SetTTL("product:"+strconv.Itoa(i), time.Hour)
	}
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if err := c.Get(b.Context(), "product:42").Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("step/5000 keys", func(b *testing.B) {
		for b.Loop() {
			e.pass(time.Millisecond)
			e.m.FastForward(time.Millisecond)
		}
	})
}
