package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"apitop/demoapi/cache"
	"apitop/demoapi/rdb"
)

func TestMain(m *testing.M) {
	logging.Disable() // the Redis client reports each failed dial on stderr
	if socket := os.Getenv(childSocket); socket != "" {
		if err := child(socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
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

// get asks c for item, and fails the test on an error.
func get(t *testing.T, c *cache.Cache, item cache.Item, load cache.Loader) (string, cache.Lookup) {
	t.Helper()
	raw, look, err := c.Get(t.Context(), item, load)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), look
}

// stock loads an article whose stock is the number of the load.
func stock(loads *atomic.Int64) cache.Loader {
	return func(context.Context) (any, error) { return article{ID: 42, Stock: loads.Add(1)}, nil }
}

var (
	missed    = cache.Lookup{Result: cache.Miss, Layer: cache.LayerStore}
	hitL1     = cache.Lookup{Result: cache.Hit, Layer: cache.LayerL1}
	hitRedis  = cache.Lookup{Result: cache.Hit, Layer: cache.LayerRedis}
	staleHit  = cache.Lookup{Result: cache.Stale, Layer: cache.LayerRedis}
	goneL1    = cache.Lookup{Result: cache.Negative, Layer: cache.LayerL1}
	goneRedis = cache.Lookup{Result: cache.Negative, Layer: cache.LayerRedis}
)

// TestLives follows one value: loaded, kept here and in Redis, stale, refreshed,
// gone.
func TestLives(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		policy := cache.DefaultPolicy()
		policy.Jitter = 0
		c := w.cache(cache.Config{Policy: policy})
		var loads atomic.Int64
		step := func(name, want string, look cache.Lookup) {
			t.Helper()
			raw, got := get(t, c, cache.Product(42), stock(&loads))
			if raw != `{"ID":42,"Stock":`+want+`}` || got != look {
				t.Errorf("%s: %s, %v, want %s, %v", name, raw, got, want, look)
			}
			synctest.Wait()
		}
		step("first", "1", missed)
		step("second", "1", hitL1)
		whole := policy.Base + policy.Stale(policy.Base)
		if ttl := w.TTL("product:42"); ttl != whole {
			t.Errorf("the value lives for %v in Redis, want %v", ttl, whole)
		}
		w.sleep(6 * time.Second)
		step("later than the local life", "1", hitRedis)
		step("and once more", "1", hitL1)
		w.sleep(policy.Base)
		step("stale", "1", staleHit)
		step("refreshed in the background", "2", hitL1)
		w.sleep(time.Minute)
		step("and for others", "2", hitRedis)
		w.FastForward(2 * time.Hour)
		w.sleep(6 * time.Second)
		step("long after", "3", missed)
		if loads.Load() != 3 {
			t.Errorf("%d loads, want 3", loads.Load())
		}
	})
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
	broken := errors.New("the store is down")
	for range 2 {
		raw, look, err := c.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { return nil, broken })
		if raw != nil || look != missed || !errors.Is(err, broken) {
			t.Errorf("Get = %s, %v, %v", raw, look, err)
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
	if len(server.Keys()) != 0 {
		t.Errorf("after errors Redis holds %q", server.Keys())
	}
}

// TestNegative: what does not exist is asked for once, for half a minute.
func TestNegative(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		missing := errors.New("no such product")
		cfg := cache.Config{NotFound: missing}
		c, other := w.cache(cfg), w.cache(cfg)
		loads := 0
		ask := func(name string, c *cache.Cache, want cache.Lookup) {
			t.Helper()
			raw, look, err := c.Get(t.Context(), cache.Product(9), func(context.Context) (any, error) {
				loads++
				return nil, fmt.Errorf("product 9: %w", missing)
			})
			if raw != nil || look != want || !errors.Is(err, missing) {
				t.Errorf("%s: %s, %v, %v, want %v", name, raw, look, err, want)
			}
		}
		ask("first", c, missed)
		ask("again", c, goneL1)
		ask("elsewhere", other, goneRedis)
		w.sleep(6 * time.Second)
		ask("six seconds later", c, goneRedis)
		w.sleep(25 * time.Second)
		ask("half a minute later", c, missed)
		if err := c.Delete(t.Context(), cache.Product(9)); err != nil { // as who creates it must
			t.Fatal(err)
		}
		ask("after a deletion", c, missed)
		if loads != 3 {
			t.Errorf("%d loads, want 3", loads)
		}
		careless := w.cache(cache.Config{})
		raw, look := get(t, careless, cache.Product(9), func(context.Context) (any, error) { return 1, nil })
		if raw != "1" || look != missed {
			t.Errorf("a cache that knows no NotFound: %s, %v, want a load", raw, look)
		}
	})
}

func TestDelete(t *testing.T) {
	c, server := newCache(t, patient())
	one := func(context.Context) (any, error) { return 1, nil }
	for _, item := range []cache.Item{cache.Product(1), cache.Product(2), cache.Categories()} {
		get(t, c, item, one)
	}
	if err := c.Delete(t.Context(), cache.Product(1), cache.Categories(), cache.User(9)); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context()); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	if server.Exists("product:1") || server.Exists("categories") || !server.Exists("product:2") {
		t.Errorf("after the deletion Redis holds %q", server.Keys())
	}
	if _, look := get(t, c, cache.Product(1), one); look != missed {
		t.Errorf("after the deletion: %v", look)
	}
}

func TestConcurrentMissesLoadOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		c := w.cache(cache.Config{Observer: &seen})
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
				raw, look, err := c.Get(t.Context(), cache.Product(1), load)
				if string(raw) != "7" || look != missed || err != nil {
					t.Errorf("Get = %s, %v, %v", raw, look, err)
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
		if n := seen.count("waited product singleflight"); n != 100 {
			t.Errorf("%d waits were observed, want 100", n)
		}
	})
}

// TestDeleteDuringLoad: an order lowers the stock while a reader loads the
// product, here or in another process. The reader's old value must not end up in
// the cache.
func TestDeleteDuringLoad(t *testing.T) {
	for name, same := range map[string]bool{"the same process": true, "another process": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				reader := w.cache(cache.Config{})
				writer := reader
				if !same {
					writer = w.cache(cache.Config{})
				}
				release := make(chan struct{})
				go func() {
					raw, _, err := reader.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) { <-release; return "old", nil })
					if string(raw) != `"old"` || err != nil {
						t.Errorf("the early reader got %s, %v", raw, err)
					}
				}()
				synctest.Wait()
				if err := writer.Delete(t.Context(), cache.Product(1)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				fresh := func(context.Context) (any, error) { return "new", nil }
				for _, c := range []*cache.Cache{reader, writer} {
					if raw, _ := get(t, c, cache.Product(1), fresh); raw != `"new"` {
						t.Errorf("a reader after the deletion got %s: it joined the old load", raw)
					}
				}
				close(release)
				synctest.Wait()
				for _, c := range []*cache.Cache{reader, writer} {
					if raw, look := get(t, c, cache.Product(1), fresh); raw != `"new"` || look.Result != cache.Hit {
						t.Errorf("the cache holds %s, %v, want the new value", raw, look)
					}
				}
			})
		})
	}
}
