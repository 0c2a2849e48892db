package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/servertest"
)

func BenchmarkCache(b *testing.B) {
	client := servertest.StartRedis(b).Client()
	c := cache.New(client, patient())
	b.Cleanup(func() { c.Close(); client.Close() })
	value := map[string]any{"id": 42, "name": "Ash Desk 42", "price_cents": 15997}
	load := func(context.Context) (any, error) { return value, nil }
	get := func(b *testing.B, item cache.Item) {
		if _, _, err := c.Get(context.Background(), item, load); err != nil {
			b.Error(err)
		}
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get(b, cache.Product(42))
		}
	})
	b.Run("hit, parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get(b, cache.Product(42))
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			get(b, cache.Product(int64(1000+i)))
		}
	})
}

func BenchmarkTTL(b *testing.B) {
	p := cache.DefaultPolicy()
	for b.Loop() {
		p.TTL(3, 0.5)
	}
}

func BenchmarkSearchKey(b *testing.B) {
	words := []string{"oak", "desk"}
	for b.Loop() {
		cache.Search(words, 20)
	}
}

// BenchmarkCounting is what the counting of reads costs a second, with as many
// keys as it tracks at most.
func BenchmarkCounting(b *testing.B) {
	client := servertest.StartRedis(b).Client()
	b.Cleanup(func() { client.Close() })
	count := cache.NewCounting(client)
	for i := range 10_000 {
		count.Read(fmt.Sprint("product:", i))
	}
	for b.Loop() {
		for i := range 100 {
			count.Read(fmt.Sprint("product:", i))
		}
		if err := count.Second(b.Context(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
