package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/servertest"
)

// clients are a real and an embedded Redis, both empty.
func clients() map[string]func(*testing.T) *redis.Client {
	return map[string]func(*testing.T) *redis.Client{
		"redis": func(t *testing.T) *redis.Client { return closing(t, servertest.StartRedis(t).Client()) },
		"miniredis": func(t *testing.T) *redis.Client {
			return closing(t, redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), DialerRetries: 1}))
		},
	}
}

func closing(t *testing.T, client *redis.Client) *redis.Client {
	t.Cleanup(func() { client.Close() })
	return client
}

func TestCountsReachRedis(t *testing.T) {
	for name, start := range clients() {
		t.Run(name, func(t *testing.T) {
			client := start(t)
			c := New(client, Config{})
			for range 5 {
				_, _, err := c.Get(t.Context(), Product(42), func(context.Context) (any, error) { return 1, nil })
				if err != nil {
					t.Fatal(err)
				}
			}
			_, _, _ = c.Get(t.Context(), Product(404), func(context.Context) (any, error) { return nil, errors.New("missing") })
			// The counts come by themselves, about once a second.
			deadline := time.Now().Add(10 * time.Second)
			for client.ZScore(t.Context(), AccessKey, "product:42").Val() != 5 {
				if time.Now().After(deadline) {
					t.Fatalf("the set is %v", client.ZRangeWithScores(t.Context(), AccessKey, 0, -1))
				}
				time.Sleep(10 * time.Millisecond)
			}
			_, _, _ = c.Get(t.Context(), Product(42), func(context.Context) (any, error) { return 1, nil })
			c.Close() // writes the rest
			want := map[string]float64{"product:42": 6, "product:404": 1}
			for key, n := range want {
				if got := client.ZScore(t.Context(), AccessKey, key).Val(); got != n {
					t.Errorf("%s has %v reads, want %v", key, got, n)
				}
			}
			if ttl := client.TTL(t.Context(), AccessKey).Val(); ttl <= 0 {
				t.Errorf("the set expires in %v, want a day", ttl)
			}
		})
	}
}

// TestFullSet: only the most read keys stay, and a newcomer that is read often
// gets in although each flush brings few reads.
func TestFullSet(t *testing.T) {
	for name, start := range clients() {
		t.Run(name, func(t *testing.T) {
			client, a, now := start(t), newAccesses(), time.Now()
			flush := func() {
				t.Helper()
				if err := a.flush(t.Context(), client, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			for i := range accessTop + 300 {
				for range 10 + i/100 { // 10..22 reads
					a.of(fmt.Sprint("k", i), now).read()
				}
			}
			flush()
			if n := client.ZCard(t.Context(), AccessKey).Val(); n != accessTop {
				t.Fatalf("%d keys, want %d", n, accessTop)
			}
			if err := client.ZScore(t.Context(), AccessKey, "k0").Err(); !errors.Is(err, redis.Nil) {
				t.Errorf("the least read key is there: %v", err)
			}
			lowest := client.ZRangeWithScores(t.Context(), AccessKey, 0, 0).Val()[0].Score
			flushes := 0
			for ; flushes < 100 && client.ZScore(t.Context(), AccessKey, "new").Err() != nil; flushes++ {
				a.of("new", now).read()
				flush()
			}
			if n := len(a.take(now)); n > 0 {
				t.Errorf("%d keys would be sent that were refused, want none", n)
			}
			if got := client.ZScore(t.Context(), AccessKey, "new").Val(); got != lowest+1 || flushes != int(lowest)+1 {
				t.Errorf("the newcomer has %v reads after %d flushes, want all %v", got, flushes, lowest+1)
			}
		})
	}
}

// TestEmptyAgain: when the set is gone, what was refused gets in.
func TestEmptyAgain(t *testing.T) {
	for name, start := range clients() {
		t.Run(name, func(t *testing.T) {
			client, a, now := start(t), newAccesses(), time.Now()
			for i := range accessTop {
				a.of(fmt.Sprint("k", i), now).read()
				a.of(fmt.Sprint("k", i), now).read()
			}
			for _, step := range []float64{0, 0} { // refused, and not sent
				if err := a.flush(t.Context(), client, now); err != nil {
					t.Fatal(err)
				}
				a.of("few", now).read()
				if got := client.ZScore(t.Context(), AccessKey, "few").Val(); got != step {
					t.Errorf("in a full set: %v reads", got)
				}
			}
			client.Del(t.Context(), AccessKey)
			for range 2 { // the first shows that there is room
				a.of("k1", now).read()
				if err := a.flush(t.Context(), client, now); err != nil {
					t.Fatal(err)
				}
			}
			if got := client.ZScore(t.Context(), AccessKey, "few").Val(); got != 2 {
				t.Errorf("in an empty set: %v reads, want both", got)
			}
		})
	}
}

func TestReadsSurviveFailure(t *testing.T) {
	server := miniredis.RunT(t)
	client := closing(t, redis.NewClient(&redis.Options{Addr: server.Addr(), DialerRetries: 1, MaxRetries: -1}))
	a := newAccesses()
	for range 3 {
		a.of("k", time.Now()).read()
	}
	server.SetError("LOADING")
	if err := a.flush(t.Context(), client, time.Now()); err == nil {
		t.Fatal("no error")
	}
	server.SetError("")
	a.of("k", time.Now()).read()
	if err := a.flush(t.Context(), client, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := client.ZScore(t.Context(), AccessKey, "k").Val(); got != 4 {
		t.Errorf("%v reads, want 4", got)
	}
}

// TestRate drives keys at known rates, on a clock of the test's own.
func TestRate(t *testing.T) {
	tests := map[string]struct {
		every, span time.Duration
		want        float64
	}{
		"young and hot":     {100 * time.Millisecond, 2 * time.Minute, 10},
		"old and hot":       {100 * time.Millisecond, time.Hour, 10},
		"once a minute":     {time.Minute, time.Hour, 1.0 / 60},
		"once a minute, 5x": {time.Minute, 5 * time.Minute, 1.0 / 60},
	}
	for name, tt := range tests {
		a, start := newAccesses(), time.Now()
		now := start
		for ; now.Sub(start) < tt.span; now = now.Add(tt.every) {
			a.of("k", now).read()
			a.take(now) // as once a second
		}
		if got := a.rate("k", now); math.Abs(got-tt.want) > 0.2*tt.want {
			t.Errorf("%s: rate %v, want %v", name, got, tt.want)
		}
		if got := a.rate("k", now.Add(10*heatHalfLife)); got > tt.want/500 {
			t.Errorf("%s: ten half-lives later the rate is still %v", name, got)
		}
	}
	a, now := newAccesses(), time.Now()
	if got := a.rate("k", now); got != 0 {
		t.Errorf("the rate of a key never read is %v", got)
	}
	a.of("k", now).read()
	if got := a.rate("k", now); got != 0 {
		t.Errorf("the rate of a key read once is %v, want unknown", got)
	}
}

func TestPrune(t *testing.T) {
	a, now := newAccesses(), time.Now()
	for i := range trackedKeys + 500 {
		a.of(fmt.Sprint("k", i), now).read()
	}
	a.of("hot", now).read()
	a.of("hot", now).read()
	a.prune(now)
	if keys := a.tracked(); len(keys) != trackedKeys || keys["hot"] == nil {
		t.Errorf("%d keys are left, want %d, the hot one among them", len(keys), trackedKeys)
	}
	a.prune(now.Add(4 * heatHalfLife))
	if keys := a.tracked(); len(keys) != 1 {
		t.Errorf("%d keys are left after four half-lives, want the hot one", len(keys))
	}
}

// TestFlood: between two prunes the memory is bounded too, and who is turned
// away may still count.
func TestFlood(t *testing.T) {
	a, now := newAccesses(), time.Now()
	for i := range 3 * mostKeys {
		a.of(fmt.Sprint("k", i), now).read()
	}
	if n := len(a.tracked()); n > mostKeys {
		t.Errorf("%d keys after a flood, want at most %d", n, mostKeys)
	}
}

// TestReadsInParallel: no read is lost while others are flushed and pruned.
func TestReadsInParallel(t *testing.T) {
	a, now := newAccesses(), time.Now()
	const readers, reads = 8, 5000
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for range reads {
				a.of("k", now).read()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var sum int64
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		for _, c := range a.take(now) {
			sum += c.reads
		}
		a.prune(now)
	}
	for _, c := range a.take(now) {
		sum += c.reads
	}
	if sum != readers*reads {
		t.Errorf("%d reads arrived, want %d", sum, readers*reads)
	}
}

// tracked returns all counters.
func (a *accesses) tracked() map[string]*access {
	all := map[string]*access{}
	for i := range a.shards {
		maps.Copy(all, a.shards[i].keys)
	}
	return all
}

// TestNothingToCount: an idle cache sends no commands, and Close ends it.
func TestNothingToCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := redis.NewClient(&redis.Options{
			Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") },
		})
		defer client.Close()
		calls := 0
		client.AddHook(counting{&calls})
		c := New(client, Config{})
		time.Sleep(time.Minute)
		c.Close()
		if calls != 0 {
			t.Errorf("%d commands in an idle minute", calls)
		}
	})
}

// counting counts commands and fails them.
type counting struct{ n *int }

func (c counting) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (c counting) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { *c.n++; return errors.New("refused") }
}
