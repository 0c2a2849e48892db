package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/cache"
)

func answer(v any) cache.Loader { return func(context.Context) (any, error) { return v, nil } }

// TestOtherProcessesForget: what one process deletes is gone from the memory of
// all, and they keep what has been loaded since.
func TestOtherProcessesForget(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a, b := w.cache(cache.Config{}), w.cache(cache.Config{})
		for _, c := range []*cache.Cache{a, b, b} {
			get(t, c, cache.Product(1), answer("old"))
			get(t, c, cache.Product(2), answer("other"))
		}
		if err := a.Delete(t.Context(), cache.Product(1)); err != nil {
			t.Fatal(err)
		}
		if raw, look := get(t, a, cache.Product(1), answer("new")); raw != `"new"` || look != missed {
			t.Errorf("here: %s, %v", raw, look)
		}
		synctest.Wait()
		if _, look := get(t, a, cache.Product(1), nil); look != hitL1 {
			t.Errorf("here again: %v: the own message threw the new value out", look)
		}
		if raw, look := get(t, b, cache.Product(1), answer("newer")); raw != `"new"` || look != hitRedis {
			t.Errorf("elsewhere: %s, %v", raw, look)
		}
		if _, look := get(t, b, cache.Product(2), nil); look != hitL1 {
			t.Errorf("another key: %v", look)
		}
	})
}

// TestLostMessages: when messages may have been lost, all that is in memory may
// be old.
func TestLostMessages(t *testing.T) {
	tests := map[string]func(*world){
		"connection closed": func(w *world) { w.each(func(c *conn) { c.Close() }) },
		"strange message":   func(w *world) { w.Publish(cache.Channel, "garbage") },
		"everything gone":   func(w *world) { w.Publish(cache.Channel, `{"from":"x"}`) },
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				c := w.cache(cache.Config{})
				get(t, c, cache.Product(1), answer(1))
				harm(w)
				w.sleep(time.Second) // it joins again
				if _, look := get(t, c, cache.Product(1), nil); look != hitRedis {
					t.Errorf("afterwards: %v, want a question to Redis", look)
				}
				forgets(t, w, c)
			})
		})
	}
}

// TestSilentSubscription: a connection that died without a word is noticed.
func TestSilentSubscription(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		c := w.cache(cache.Config{Observer: &seen})
		w.each(func(c *conn) { c.mute.Store(true) })
		w.sleep(9900 * time.Millisecond)
		if n := seen.count("failed subscribe timeout"); n != 0 {
			t.Errorf("given up %d times within ten seconds of silence", n)
		}
		w.sleep(time.Second)
		if n := seen.count("failed subscribe timeout"); n != 1 {
			t.Errorf("after ten seconds of silence: %v, want it given up once", seen.events)
		}
		forgets(t, w, c)
	})
}

// forgets fails the test unless c hears of deletions elsewhere.
func forgets(t *testing.T, w *world, c *cache.Cache) {
	t.Helper()
	get(t, c, cache.Product(9), answer(1))
	if _, look := get(t, c, cache.Product(9), nil); look != hitL1 {
		t.Errorf("before a deletion elsewhere: %v", look)
	}
	if err := w.cache(cache.Config{}).Delete(t.Context(), cache.Product(9)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if _, look := get(t, c, cache.Product(9), answer(2)); look != missed {
		t.Errorf("after a deletion elsewhere: %v", look)
	}
}

// TestIdleConnectionStays: silence is no failure.
func TestIdleConnectionStays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		c := w.cache(cache.Config{Observer: &seen})
		w.sleep(10 * time.Minute)
		if len(seen.events) != 0 {
			t.Errorf("in ten idle minutes: %v", seen.events)
		}
		forgets(t, w, c)
	})
}
