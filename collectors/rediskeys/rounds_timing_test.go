package rediskeys

import (
	"context"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
)

// BenchmarkRoundMillionKeys runs rounds on a server with a million keys, one a
// second as the dashboard does, and reports what they cost the server and us.
func BenchmarkRoundMillionKeys(b *testing.B) {
	srv := redistest.Start(b)
	srv.Do("DEBUG", "POPULATE", "1000000", "cache", "100")
	c := collector(b, srv.URL())
	ctx := context.Background()
	cpu := func() float64 { return srv.Info("used_cpu_user") + srv.Info("used_cpu_sys") }
	for range 3 {
		if _, err := c.Collect(ctx); err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	seen, before, busy, start := c.walkers[0].explorer.looked, cpu(), time.Duration(0), time.Now()
	for b.Loop() {
		round := time.Now()
		if _, err := c.Collect(ctx); err != nil {
			b.Fatal(err)
		}
		busy += time.Since(round)
		time.Sleep(time.Second - time.Since(round))
	}
	wall := time.Since(start)
	b.ReportMetric((cpu()-before)*1e3/float64(b.N), "server-cpu-ms/round")
	b.ReportMetric((cpu()-before)/wall.Seconds()*100, "server-cpu-%")
	b.ReportMetric(busy.Seconds()/wall.Seconds()*100, "busy-%")
	b.ReportMetric((c.walkers[0].explorer.looked-seen)/float64(b.N), "keys/round")
}

// BenchmarkRoundDemo runs rounds on a keyspace like the demo's, without waiting.
func BenchmarkRoundDemo(b *testing.B) {
	srv := redistest.Start(b)
	seedDemo(srv, 62)
	c := eager(b, srv.URL())
	ctx := context.Background()
	if _, err := c.Collect(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Collect(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
