package rediskeys

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// BenchmarkFreqRates reads keys of a real server at known rates and prints the
// medians of what OBJECT FREQ made of them after a minute. Run it with
// -benchtime 1x.
func BenchmarkFreqRates(b *testing.B) {
	const keysEach, seconds = 15, 60
	rates := []float64{5, 20, 50, 200, 500}
	for b.Loop() {
		srv := redistest.Start(b, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { readAtRates(b, srv.Sock, rates, keysEach, stop) })
		time.Sleep(2 * time.Second)
		c := collector(b, srv.URL())
		var k *snapshot.Keys
		for range seconds {
			start := time.Now()
			r, err := c.Collect(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			k = r.(*snapshot.Keys)
			time.Sleep(time.Second - time.Since(start))
		}
		close(stop)
		wg.Wait()
		for _, rate := range rates {
			var got []float64
			for _, key := range k.Cache {
				if strings.HasPrefix(key.Key.Raw(), fmt.Sprintf("rate:%v:", rate)) && key.Rate.OK {
					got = append(got, key.Rate.V)
				}
			}
			slices.Sort(got)
			if len(got) < keysEach {
				b.Fatalf("%d keys of %v/s have a rate", len(got), rate)
			}
			b.Logf("%v reads/s: median %.1f, from %.1f to %.1f", rate, got[len(got)/2], got[0], got[len(got)-1])
			b.ReportMetric(got[len(got)/2]/rate, fmt.Sprintf("of-%v/s", rate))
		}
	}
}

// readAtRates reads n keys of each rate at random moments until it is told to
// stop: in each turn every key as often as is due since the last one.
func readAtRates(b *testing.B, sock string, rates []float64, n int, stop <-chan struct{}) {
	conn, err := net.Dial("unix", sock)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	next := make([]time.Time, len(rates)*n)
	set := func(command, key, value string) { _, _ = fmt.Fprintf(w, "%s %s%s\r\n", command, key, value) }
	for i := range next {
		set("SET", fmt.Sprintf("rate:%v:%d", rates[i/n], i), " x")
		next[i] = time.Now()
	}
	sent := len(next)
	for {
		if err := exchange(r, w, sent); err != nil {
			b.Error(err)
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		sent = 0
		for i, now := 0, time.Now(); i < len(next); i++ {
			for next[i].Before(now) {
				rate := rates[i/n]
				next[i] = next[i].Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
				set("GET", fmt.Sprintf("rate:%v:%d", rate, i), "")
				sent++
			}
		}
	}
}
