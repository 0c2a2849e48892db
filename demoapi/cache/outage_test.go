package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/rdb"
)

func TestRedisHangs(t *testing.T) {
	var seen observed
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{Observer: &seen})
		c.UseL1(false)
		w.down.Store(true)
		for i := range 8 {
			start := time.Now()
			raw, look := get(t, c, cache.Product(1), func(context.Context) (any, error) { return 1, nil })
			if raw != "1" || look != missed {
				t.Fatalf("Get %d = %s, %v", i, raw, look)
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
		w.down.Store(false) // or the last counts would be waited for
	})
	want := map[string]int{"failed get timeout": 5, "failed get breaker_open": 3, "failed delete breaker_open": 1, "loaded product <nil>": 8}
	for what, n := range want {
		if seen.count(what) != n {
			t.Errorf("%q was observed %d times, want %d: %v", what, seen.count(what), n, seen.events)
		}
	}
}

// TestOneWaitForRedis: wherever in a lookup Redis stops answering, that is waited
// for once.
func TestOneWaitForRedis(t *testing.T) {
	for answers := range int64(5) {
		inBubble(t, func(t *testing.T, w *world) {
			c := w.cache(cache.Config{})
			get(t, c, cache.Product(7), answer(7)) // the scripts are known
			w.left.Store(answers)
			w.down.Store(answers == 0)
			start := time.Now()
			raw, look := get(t, c, cache.Product(1), answer(1))
			want := 15 * time.Millisecond
			if answers >= 3 { // get, begin, finish
				want = 0
			}
			if took := time.Since(start); raw != "1" || look != missed || took != want {
				t.Errorf("after %d answers: %s, %v, %v, want %v", answers, raw, look, took, want)
			}
			w.down.Store(false)
		})
	}
}

func TestLoadTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{LoadTimeout: 3 * time.Second})
		start := time.Now()
		_, _, err := c.Get(t.Context(), cache.Product(1), func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() })
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("a hanging load ends with %v after %v", err, took)
		}
		// One that is deaf to its deadline answers, but nothing shows any more that
		// it began before a deletion.
		deaf := func(context.Context) (any, error) { time.Sleep(4 * time.Second); return 1, nil }
		for range 2 {
			if raw, look := get(t, c, cache.Product(2), deaf); raw != "1" || look != missed {
				t.Errorf("a deaf load: %s, %v", raw, look)
			}
		}
	})
}

// observed counts what a cache reports.
type observed struct {
	mu     sync.Mutex
	events map[string]int
}

func (o *observed) add(parts ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.events == nil {
		o.events = map[string]int{}
	}
	o.events[strings.Join(parts, " ")]++
}

func (o *observed) count(event string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.events[event]
}

func (o *observed) CacheFailed(op, reason string) { o.add("failed", op, reason) }
func (o *observed) CacheLoaded(name string, _ time.Duration, err error) {
	o.add("loaded", name, fmt.Sprint(err))
}
func (o *observed) CacheWaited(name, by string)        { o.add("waited", name, by) }
func (o *observed) CacheRefreshed(name, reason string) { o.add("refreshed", name, reason) }
func (o *observed) CacheStored(name string, ttl time.Duration) {
	if ttl > 0 {
		o.add("kept", name)
	}
}
