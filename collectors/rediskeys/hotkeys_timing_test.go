package rediskeys

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec" //nolint:depguard // the rival is a program
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

const (
	million   = 1_000_000
	perSecond = 20_000 // reads of the traffic
	inOne     = 20     // of them in a pipeline
)

// nameOf is the key of a rank in the traffic, and the command that reads it. The
// ranks are spread over the keyspace: 80 % strings, 10 % sorted sets, 10 % hashes.
func nameOf(rank uint64) (key, command string) {
	i := (rank*7_919 + 104_729) % million
	switch {
	case i < 800_000:
		return "cache:" + strconv.FormatUint(i, 10), "GET"
	case i < 900_000:
		return "rank:" + strconv.FormatUint(i, 10), "ZCARD"
	default:
		return "profile:" + strconv.FormatUint(i, 10), "HLEN"
	}
}

func seedMillion(srv *redistest.Server) {
	srv.Do("DEBUG", "POPULATE", "800000", "cache", "200")
	for from := 800_000; from < million; from += 10_000 {
		srv.Do("EVAL", `for i = tonumber(ARGV[1]), tonumber(ARGV[1]) + 9999 do
  if i < 900000 then redis.call('ZADD', 'rank:' .. i, 1, 'a', 2, 'b') else redis.call('HSET', 'profile:' .. i, 'a', 'x', 'b', 'y') end
end`, "0", strconv.Itoa(from))
	}
}

// traffic reads keys by Zipf's law until it is told to stop, and times single
// reads beside, as a user of the server sees them.
type traffic struct {
	mu      sync.Mutex // of the two below
	counts  map[uint64]int
	victims []time.Duration
}

func (tr *traffic) run(b *testing.B, sock string, stop <-chan struct{}) {
	conn, err := net.Dial("unix", sock)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, million-1)
	tick := time.NewTicker(time.Second * inOne / perSecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		ranks := make([]uint64, inOne)
		for i := range ranks {
			ranks[i] = zipf.Uint64()
			key, command := nameOf(ranks[i])
			_, _ = fmt.Fprintf(w, "*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(command), command, len(key), key)
		}
		if err := exchange(r, w, inOne); err != nil {
			b.Error(err)
			return
		}
		tr.mu.Lock()
		for _, rank := range ranks {
			tr.counts[rank]++
		}
		tr.mu.Unlock()
	}
}

// watch times one GET at a time.
func (tr *traffic) watch(b *testing.B, sock string, stop <-chan struct{}) {
	conn, err := net.Dial("unix", sock)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	for {
		select {
		case <-stop:
			return
		case <-time.After(2 * time.Millisecond):
		}
		start := time.Now()
		_, _ = w.WriteString("*2\r\n$3\r\nGET\r\n$10\r\ncache:4711\r\n")
		if err := exchange(r, w, 1); err != nil {
			b.Error(err)
			return
		}
		tr.mu.Lock()
		tr.victims = append(tr.victims, time.Since(start))
		tr.mu.Unlock()
	}
}

// exchange sends what is buffered and skips n replies: numbers and texts.
func exchange(r *bufio.Reader, w *bufio.Writer, n int) error {
	if err := w.Flush(); err != nil {
		return err
	}
	for range n {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line[0] == '$' {
			size, err := strconv.Atoi(strings.TrimSpace(line[1:]))
			if err != nil {
				return err
			}
			if size >= 0 {
				if _, err := r.Discard(size + 2); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take gives what was seen since the last take: the true top 16 and the median
// of the single reads.
func (tr *traffic) take() (top []string, median time.Duration) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	ranks := make([]uint64, 0, len(tr.counts))
	for rank := range tr.counts {
		ranks = append(ranks, rank)
	}
	slices.SortFunc(ranks, func(a, b uint64) int { return tr.counts[b] - tr.counts[a] })
	for _, rank := range ranks[:16] {
		key, _ := nameOf(rank)
		top = append(top, key)
	}
	slices.Sort(tr.victims)
	median = tr.victims[len(tr.victims)/2]
	tr.counts, tr.victims = map[uint64]int{}, nil
	return top, median
}

// watchFor collects once a second, and says what was found in the end.
func watchFor(b *testing.B, c *Collector, seconds int) (k *snapshot.Keys) {
	b.Helper()
	for range seconds {
		start := time.Now()
		r, err := c.Collect(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		k = r.(*snapshot.Keys)
		time.Sleep(time.Second - time.Since(start))
	}
	return k
}

// found is how many of top are among the first n of the keys, hottest first.
func found(k *snapshot.Keys, top []string, n int) (hits int) {
	slices.SortStableFunc(k.Cache, func(a, b snapshot.CacheKey) int {
		switch {
		case a.Rate.V > b.Rate.V:
			return -1
		case a.Rate.V < b.Rate.V:
			return 1
		}
		return 0
	})
	for _, key := range k.Cache[:min(n, len(k.Cache))] {
		if slices.Contains(top, key.Key.Raw()) {
			hits++
		}
	}
	return hits
}

// BenchmarkHotKeysMillion watches a server with a million keys and Zipf traffic
// of 20,000 reads a second: what is found of the true top 16 after a minute and
// after two, what that costs the server and those who use it, beside
// redis-cli --hotkeys. Run it with -benchtime 1x.
func BenchmarkHotKeysMillion(b *testing.B) {
	srv := redistest.Start(b, "--maxmemory", "2gb", "--maxmemory-policy", "allkeys-lfu")
	seedMillion(srv)
	cpu := func() float64 { return srv.Info("used_cpu_user") + srv.Info("used_cpu_sys") }
	tr := &traffic{counts: map[uint64]int{}}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { tr.run(b, srv.Sock, stop) })
	wg.Go(func() { tr.watch(b, srv.Sock, stop) })
	defer wg.Wait()
	defer close(stop)
	time.Sleep(10 * time.Second)
	tr.take()
	for b.Loop() {
		was := cpu()
		time.Sleep(20 * time.Second)
		alone := (cpu() - was) / 20
		_, calm := tr.take()

		c := collector(b, srv.URL())
		was = cpu()
		k := watchFor(b, c, 60)
		with := (cpu() - was) / 60
		top, busy := tr.take()
		budget := c.walkers[0].gate.budget
		b.Logf("after 60 s: %d of 16 on the first 16 places, %d followed; coverage %.2f", found(k, top, 16), found(k, top, mostCacheKeys), k.Coverage.V)
		b.Logf("server: %.2f %% of a core without, %.2f %% with apitop: %+.2f; %v a command", alone*100, with*100, (with-alone)*100, budget.each)
		b.Logf("one GET: median %v without, %v with apitop: %+.0f %%", calm, busy, (busy.Seconds()/calm.Seconds()-1)*100)
		b.ReportMetric(float64(found(k, top, 16)), "of-16-after-60s")
		b.ReportMetric((with-alone)*100, "server-cpu-%")
		b.ReportMetric((busy.Seconds()/calm.Seconds()-1)*100, "get-p50-%")

		k = watchFor(b, c, 60)
		top, _ = tr.take()
		b.Logf("after 120 s: %d of 16, %d followed", found(k, top, 16), found(k, top, mostCacheKeys))
		b.ReportMetric(float64(found(k, top, 16)), "of-16-after-120s")
		rival(b, srv, cpu, alone)
	}
}

// rival runs redis-cli --hotkeys beside the same traffic.
func rival(b *testing.B, srv *redistest.Server, cpu func() float64, alone float64) {
	b.Helper()
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		b.Log("redis-cli is not installed")
		return
	}
	was, start := cpu(), time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := exec.CommandContext(ctx, cli, "-s", srv.Sock, "--hotkeys").Run(); err != nil { //nolint:gosec // found in the path
		b.Logf("redis-cli --hotkeys: %v", err)
		return
	}
	took := time.Since(start).Seconds()
	b.Logf("redis-cli --hotkeys: %.1f s, %.2f s of the server's time", took, cpu()-was-alone*took)
}
