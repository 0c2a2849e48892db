package cache_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"apitop/demoapi/cache"
	"apitop/demoapi/rdb"
)

func TestMain(m *testing.M) {
	logging.Disable() // the Redis client reports each failed dial on stderr
	// The client's probe of a dead server ends a second after Close by itself.
	probe := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
	goleak.VerifyTestMain(m, probe)
}

type article struct {
	ID    int64
	Stock int64
}

// patient keeps a busy machine from looking like a broken Redis.
func patient() cache.Config {
	return cache.Config{Redis: rdb.Options{Timeout: 10 * time.Second}}
}

func newCache(t *testing.T, cfg cache.Config) (*cache.Cache, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	client, err := rdb.Open("redis://" + server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c := cache.New(client, cfg)
	t.Cleanup(func() { c.Close(); client.Close() })
	return c, server
}

func TestGet(t *testing.T) {
	c, server := newCache(t, patient())
	loads := 0
	get := func() (string, cache.Result) {
		raw, result, err := c.Get(t.Context(), cache.Product(42), func(context.Context) (any, error) {
			loads++
			return article{ID: 42, Stock: int64(loads)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw), result
	}
	const first = `{"ID":42,"Stock":1}`
	if raw, result := get(); raw != first || result != cache.Miss {
		t.Errorf("first Get = %s, %s", raw, result)
	}
	if raw, result := get(); raw != first || result != cache.Hit {
		t.Errorf("second Get = %s, %s", raw, result)
	}
	if got, err := server.Get("product:42"); err != nil || got != first {
		t.Errorf("Redis holds %q, %v", got, err)
	}
	base := cache.DefaultPolicy().Base
	if ttl := server.TTL("product:42"); ttl < base*9/10 || ttl > base*11/10 {
		t.Errorf("the value lives for %v, want %v give or take a tenth", ttl, base)
	}
	server.FastForward(base * 11 / 10)
	if raw, result := get(); raw != `{"ID":42,"Stock":2}` || result != cache.Miss {
		t.Errorf("Get after the expiry = %s, %s", raw, result)
	}
}

func TestJitterSpreads(t *testing.T) {
	c, server := newCache(t, patient())
	lives := map[time.Duration]bool{}
	for id := range int64(20) {
		if _, _, err := c.Get(t.Context(), cache.Product(id), func(context.Context) (any, error) { return id, nil }); err != nil {
			t.Fatal(err)
		}
		lives[server.TTL(cache.Product(id).Key)] = true
	}
	if len(lives) < 15 {
		t.Errorf("20 values have only %d different lives", len(lives))
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	c, server := newCache(t, patient())
	missing := errors.New("no such product")
	for range 2 {
		raw, result, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { return nil, missing })
		if raw != nil || result != cache.Miss || !errors.Is(err, missing) {
			t.Errorf("Get = %s, %s, %v", raw, result, err)
		}
	}
	_, _, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("a panicking load gives %v, want an error that says so", err)
	}
	_, _, err = c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { return func() {}, nil })
	if err == nil {
		t.Error("a value that is no JSON gives no error")
	}
	if server.Exists("product:1") {
		t.Error("an error was stored")
	}
}

func TestDelete(t *testing.T) {
	c, server := newCache(t, patient())
	one := func(context.Context) (any, error) { return 1, nil }
	for _, item := range []cache.Item{cache.Product(1), cache.Product(2), cache.Categories()} {
		if _, _, err := c.Get(t.Context(), item, one); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), cache.Product(1), cache.Categories(), cache.User(9)); err != nil {
		t.Fatal(err)
	}
	if server.Exists("product:1") || server.Exists("categories") || !server.Exists("product:2") {
		t.Errorf("after the deletion Redis holds %q", server.Keys())
	}
}

// memory answers a client's commands without a network, so that a test can wait
// until everyone is blocked.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	down   bool // every command hangs until its deadline
}

func (m *memory) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *memory) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return io.EOF }
}

func (m *memory) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.down {
			<-ctx.Done()
			cmd.SetErr(ctx.Err())
			return ctx.Err()
		}
		switch cmd := cmd.(type) {
		case *redis.StringCmd: // GET
			v, ok := m.values[cmd.Args()[1].(string)]
			if !ok {
				cmd.SetErr(redis.Nil)
				return redis.Nil
			}
			cmd.SetVal(v)
		case *redis.StatusCmd: // SET
			m.values[cmd.Args()[1].(string)] = string(cmd.Args()[2].([]byte))
		case *redis.IntCmd: // DEL
			for _, key := range cmd.Args()[1:] {
				delete(m.values, key.(string))
			}
		}
		return nil
	}
}

// inBubble runs test with a cache on memory in a synctest bubble.
func inBubble(t *testing.T, cfg cache.Config, test func(*testing.T, *cache.Cache, *memory)) {
	synctest.Test(t, func(t *testing.T) {
		client := redis.NewClient(&redis.Options{Addr: "memory:0"})
		defer client.Close()
		m := &memory{values: map[string]string{}}
		client.AddHook(m)
		c := cache.New(client, cfg)
		defer c.Close()
		test(t, c, m)
	})
}

func TestConcurrentMissesLoadOnce(t *testing.T) {
	inBubble(t, cache.Config{}, func(t *testing.T, c *cache.Cache, _ *memory) {
		var loads atomic.Int64
		release := make(chan struct{})
		load := func(ctx context.Context) (any, error) {
			loads.Add(1)
			<-release
			return 7, ctx.Err()
		}
		// The first to come goes away; the others still get their answer.
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, _, err := c.Get(ctx, cache.Product(1), load); left <- err }()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				raw, result, err := c.Get(t.Context(), cache.Product(1), load)
				if string(raw) != "7" || result != cache.Miss || err != nil {
					t.Errorf("Get = %s, %s, %v", raw, result, err)
				}
			})
		}
		synctest.Wait() // all wait for the load
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left got %v", err)
		}
		close(release)
		wg.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads, want 1", loads.Load())
		}
	})
}

// TestDeleteDuringLoad: an order lowers the stock while a reader loads the
// product. The reader's old value must not end up in the cache.
func TestDeleteDuringLoad(t *testing.T) {
	inBubble(t, cache.Config{}, func(t *testing.T, c *cache.Cache, m *memory) {
		release := make(chan struct{})
		go func() {
			raw, _, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { <-release; return "old", nil })
			if string(raw) != `"old"` || err != nil {
				t.Errorf("the early reader got %s, %v", raw, err)
			}
		}()
		synctest.Wait()
		if err := c.Delete(t.Context(), cache.Product(1)); err != nil {
			t.Fatal(err)
		}
		raw, _, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { return "new", nil })
		if string(raw) != `"new"` || err != nil {
			t.Errorf("a reader after the deletion got %s, %v: it joined the old load", raw, err)
		}
		close(release)
		synctest.Wait()
		if got := m.values["product:1"]; got != `"new"` {
			t.Errorf("the cache holds %s, want the new value", got)
		}
	})
}

func TestRedisHangs(t *testing.T) {
	var seen observed
	inBubble(t, cache.Config{Observer: &seen}, func(t *testing.T, c *cache.Cache, m *memory) {
		m.down = true
		for i := range 8 {
			start := time.Now()
			raw, result, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { return 1, nil })
			if string(raw) != "1" || result != cache.Miss || err != nil {
				t.Fatalf("Get %d = %s, %s, %v", i, raw, result, err)
			}
			want := 15 * time.Millisecond
			if i >= 5 { // the breaker has opened
				want = 0
			}
			if took := time.Since(start); took != want {
				t.Errorf("Get %d took %v, want %v", i, took, want)
			}
		}
		if err := c.Delete(t.Context(), cache.Product(1)); rdb.Reason(err) != "breaker_open" {
			t.Errorf("Delete: %v, want breaker_open", err)
		}
	})
	want := map[string]int{"get timeout": 5, "get breaker_open": 3, "delete breaker_open": 1}
	for what, n := range want {
		if seen.failed[what] != n {
			t.Errorf("%q was observed %d times, want %d: %v", what, seen.failed[what], n, seen.failed)
		}
	}
	if seen.loaded["product"] != 8 {
		t.Errorf("%d loads were observed, want 8", seen.loaded["product"])
	}
}

func TestLoadTimeout(t *testing.T) {
	inBubble(t, cache.Config{LoadTimeout: 3 * time.Second}, func(t *testing.T, c *cache.Cache, _ *memory) {
		start := time.Now()
		_, _, err := c.Get(t.Context(), cache.Product(1), func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() })
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("a hanging load ends with %v after %v", err, took)
		}
	})
}

// observed counts what a cache reports.
type observed struct {
	mu     sync.Mutex
	failed map[string]int
	loaded map[string]int
}

func (o *observed) CacheFailed(op, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = map[string]int{}
	}
	o.failed[op+" "+reason]++
}

func (o *observed) CacheLoaded(name string, _ time.Duration, _ error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.loaded == nil {
		o.loaded = map[string]int{}
	}
	o.loaded[name]++
}
