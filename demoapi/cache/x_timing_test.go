package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/servertest"
)

// BenchmarkCache is what a lookup costs by who answers it, on a real Redis.
func BenchmarkCache(b *testing.B) {
	c := onServer(b, servertest.StartRedis(b))
	value := map[string]any{"id": 42, "name": "Ash Desk 42", "price_cents": 15997}
	load := func(context.Context) (any, error) { return value, nil }
	get := func(b *testing.B, item cache.Item) {
		if _, _, err := c.Get(context.Background(), item, load); err != nil {
			b.Error(err)
		}
	}
	item := cache.Product(42)
	hit := func(b *testing.B) {
		get(b, item)
		b.ReportAllocs()
		for b.Loop() {
			get(b, item)
		}
	}
	parallel := func(b *testing.B) {
		get(b, item)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get(b, item)
			}
		})
	}
	b.Run("l1", hit)
	b.Run("l1, parallel", parallel)
	c.UseL1(false)
	b.Run("redis", hit)
	b.Run("redis, parallel", parallel)
	c.UseL1(true)
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

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{100, 5000} {
		raw := cache.Sample(size)
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := cache.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
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
	for n := 0; b.Loop(); n++ {
		for i := range 100 {
			count.Read(fmt.Sprint("product:", i))
		}
		if err := count.Second(b.Context(), n, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
