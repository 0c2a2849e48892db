package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/cache"
)

// crowd asks every cache n times at once and counts the answers.
func crowd(t *testing.T, n int, load cache.Loader, caches ...*cache.Cache) map[string]int {
	t.Helper()
	var mu sync.Mutex
	counts := map[string]int{}
	var wg sync.WaitGroup
	for i, c := range caches {
		for range n {
			wg.Go(func() {
				raw, look, err := c.Get(t.Context(), cache.Product(1), load)
				mu.Lock()
				defer mu.Unlock()
				counts[fmt.Sprintf("%d: %s %s %s %v", i, raw, look.Result, look.Layer, err)]++
			})
		}
	}
	wg.Wait()
	return counts
}

// slow loads the number of the load, which takes a time.
func slow(loads *atomic.Int64, took time.Duration) cache.Loader {
	return func(context.Context) (any, error) {
		n := loads.Add(1)
		time.Sleep(took)
		return n, nil
	}
}

// TestTwoProcessesLoadOnce: of two processes that miss a key together one loads
// it, and the other takes what that one has stored.
func TestTwoProcessesLoadOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		a, b := w.cache(cache.Config{Observer: &seen}), w.cache(cache.Config{Observer: &seen})
		var loads atomic.Int64
		got := crowd(t, 50, slow(&loads, 100*time.Millisecond), a, b)
		if loads.Load() != 1 {
			t.Errorf("%d loads, want 1: %v", loads.Load(), got)
		}
		first, second := got["0: 1 miss store <nil>"], got["1: 1 miss redis <nil>"]
		if first == 0 { // the other one was quicker
			first, second = got["1: 1 miss store <nil>"], got["0: 1 miss redis <nil>"]
		}
		if first != 50 || second != 50 {
			t.Errorf("answers: %v, want 50 from the store in one process and 50 from Redis in the other", got)
		}
		if seen.count("waited product lock") != 1 || seen.count("waited product singleflight") != 98 {
			t.Errorf("observed: %v, want 1 wait for the lock and 98 for a load", seen.events)
		}
		if w.Exists("cache:lock:{product:1}") {
			t.Error("the lock was not released")
		}
	})
}

// TestWaitIsBounded: a holder of the lock that is slow, dead or unlucky does not
// keep others from loading.
func TestWaitIsBounded(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		inBubble(t, func(t *testing.T, w *world) {
			a, b := w.cache(cache.Config{}), w.cache(cache.Config{})
			var loads atomic.Int64
			start := time.Now()
			got := crowd(t, 50, slow(&loads, 2*time.Second), a, b)
			if took := time.Since(start); loads.Load() != 2 || took > 2300*time.Millisecond {
				t.Errorf("%d loads in %v, want 2 within 2.3 s: %v", loads.Load(), took, got)
			}
		})
	})
	t.Run("dead", func(t *testing.T) {
		inBubble(t, func(t *testing.T, w *world) {
			c := w.cache(cache.Config{})
			_ = w.Set("cache:lock:{product:1}", "of a dead process")
			var loads atomic.Int64
			start := time.Now()
			crowd(t, 10, slow(&loads, 10*time.Millisecond), c)
			if took := time.Since(start); loads.Load() != 1 || took < 250*time.Millisecond || took > 300*time.Millisecond {
				t.Errorf("%d loads in %v, want 1 after a quarter of a second", loads.Load(), took)
			}
			if got, _ := w.Get("cache:lock:{product:1}"); got != "of a dead process" {
				t.Errorf("the lock is %q: it was another's", got)
			}
			// Now it is known that loads are quick.
			start = time.Now()
			_ = w.Set("cache:lock:{product:2}", "of a dead process")
			get(t, c, cache.Product(2), slow(&loads, 10*time.Millisecond))
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("after a quick load the next waits for %v, want 50 ms", took)
			}
		})
	})
	t.Run("unlucky", func(t *testing.T) {
		inBubble(t, func(t *testing.T, w *world) {
			a, b := w.cache(cache.Config{}), w.cache(cache.Config{})
			go func() {
				_, _, err := a.Get(t.Context(), cache.Product(1), func(context.Context) (any, error) {
					time.Sleep(30 * time.Millisecond)
					return nil, errors.New("broken")
				})
				if err == nil {
					t.Error("no error of the load")
				}
			}()
			synctest.Wait()
			start := time.Now()
			_, look := get(t, b, cache.Product(1), func(context.Context) (any, error) { return 1, nil })
			if took := time.Since(start); look != missed || took > 60*time.Millisecond {
				t.Errorf("%v after %v, want an own load soon after the other has failed", look, took)
			}
		})
	})
}

// kept is a cache with a value that a minute and a half from now is stale.
func kept(t *testing.T, w *world, seen *observed) (*cache.Cache, cache.Config) {
	cfg := cache.Config{Observer: seen, Policy: cache.Policy{Base: time.Minute, Min: time.Minute, Max: time.Minute, Target: 1}}
	c := w.cache(cfg)
	get(t, c, cache.Product(1), func(context.Context) (any, error) { return "old", nil })
	return c, cfg
}

// TestStaleIsRefreshedOnce: while a stale value is refreshed all get it at once.
func TestStaleIsRefreshedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		a, cfg := kept(t, w, &seen)
		b := w.cache(cfg)
		w.sleep(65 * time.Second)
		var loads atomic.Int64
		start := time.Now()
		got := crowd(t, 50, slow(&loads, 3*time.Second), a, b)
		if got[`0: "old" stale redis <nil>`] != 50 || got[`1: "old" stale redis <nil>`] != 50 || time.Since(start) != 0 {
			t.Errorf("after %v: %v, want the old value at once", time.Since(start), got)
		}
		w.sleep(4 * time.Second)
		if raw, _ := get(t, b, cache.Product(1), slow(&loads, 0)); raw != "1" || loads.Load() != 1 {
			t.Errorf("after the refresh: %s, %d loads, want 1 and 1", raw, loads.Load())
		}
		if n := seen.count("refreshed product stale"); n != 1 {
			t.Errorf("%d refreshes were observed, want 1", n)
		}
	})
}

// TestStaleWhileTheStoreIsDown: a refresh that fails costs no reader anything,
// and is not tried with each read.
func TestStaleWhileTheStoreIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c, _ := kept(t, w, &observed{})
		w.sleep(61 * time.Second)
		tries := 0
		for range 1000 { // for 10 s
			raw, look := get(t, c, cache.Product(1), func(context.Context) (any, error) { tries++; return nil, errors.New("down") })
			if raw != `"old"` || look != staleHit {
				t.Fatalf("%s, %v, want the stale value", raw, look)
			}
			w.sleep(10 * time.Millisecond)
		}
		if tries < 10 || tries > 21 {
			t.Errorf("%d tries in 10 s, want about two a second", tries)
		}
	})
}

// TestEarlyRefresh: shortly before the end of its life a value whose load takes
// long is loaded anew, while readers still get the old one.
func TestEarlyRefresh(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen observed
		c := w.cache(cache.Config{Observer: &seen})
		now := time.Now()
		stamp := func(after time.Duration) string { return now.Add(after).UTC().Format(time.RFC3339Nano) }
		_ = w.Set("product:1", fmt.Sprintf(`{"v":1,"created":%q,"load_ms":600000,"fresh_until":%q,"value":"old"}`, stamp(0), stamp(time.Second)))
		tries := 0
		for ; seen.count("refreshed product early") == 0 && tries < 100; tries++ { // the odds are 600 to 1
			raw, look := get(t, c, cache.Product(1), func(context.Context) (any, error) { return "new", nil })
			if raw != `"old"` || look != hitRedis {
				t.Fatalf("%s, %v, want the old value from Redis: its last moments are not for the local layer", raw, look)
			}
			synctest.Wait()
		}
		if tries == 100 {
			t.Fatal("no early refresh")
		}
		if raw, look := get(t, c, cache.Product(1), nil); raw != `"new"` || look != hitL1 {
			t.Errorf("then: %s, %v", raw, look)
		}
	})
}

// TestUnprotected: with Protect(false) every reader loads, and on it is as
// before.
func TestUnprotected(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a, cfg := kept(t, w, &observed{})
		b := w.cache(cfg)
		for range 2 { // twice is as good as once
			a.Protect(false)
			b.Protect(false)
		}
		var loads atomic.Int64
		if _, look := get(t, a, cache.Product(1), slow(&loads, 0)); look != hitRedis || a.L1Entries() != 0 {
			t.Errorf("%v with %d local values, want a hit of Redis and none", look, a.L1Entries())
		}
		w.sleep(65 * time.Second)
		crowd(t, 50, slow(&loads, time.Second), a, b) // stale: nobody is served that
		if loads.Load() != 100 {
			t.Errorf("%d loads, want 100", loads.Load())
		}
		a.Protect(true)
		b.Protect(true)
		w.sleep(65 * time.Second)
		if got := crowd(t, 50, slow(&loads, time.Second), a, b); loads.Load() > 101 {
			t.Errorf("%d loads more with protection, want one at most: %v", loads.Load()-100, got)
		}
	})
}

// TestRefreshElsewhere: a stale value that another process refreshes, or has
// refreshed, is not loaded here.
func TestRefreshElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a, cfg := kept(t, w, &observed{})
		b := w.cache(cfg)
		w.sleep(65 * time.Second)
		var loads atomic.Int64
		get(t, a, cache.Product(1), slow(&loads, 3*time.Second))
		synctest.Wait() // a is at it
		for range 3 {
			if _, look := get(t, b, cache.Product(1), slow(&loads, 0)); look != staleHit {
				t.Errorf("meanwhile: %v", look)
			}
			w.sleep(1100 * time.Millisecond)
		}
		if raw, look := get(t, b, cache.Product(1), slow(&loads, 0)); raw != "1" || look != hitRedis || loads.Load() != 1 {
			t.Errorf("afterwards: %s, %v, %d loads", raw, look, loads.Load())
		}
	})
}

// TestStaleWithoutRedis: when Redis goes away between the look-up and the
// refresh, the stale value was served all the same, and nothing is loaded that
// could not be kept.
func TestStaleWithoutRedis(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c, _ := kept(t, w, &observed{})
		w.sleep(65 * time.Second)
		w.left.Store(1)
		var loads atomic.Int64
		if _, look := get(t, c, cache.Product(1), slow(&loads, 0)); look != staleHit {
			t.Errorf("%v", look)
		}
		w.sleep(time.Second)
		w.down.Store(false)
		if loads.Load() != 0 {
			t.Errorf("%d loads", loads.Load())
		}
	})
}

// TestStrangeValue: what is no envelope of ours is replaced.
func TestStrangeValue(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a, b := w.cache(cache.Config{}), w.cache(cache.Config{})
		_ = w.Set("product:1", `{"id":1}`)
		if raw, look := get(t, a, cache.Product(1), answer("ours")); raw != `"ours"` || look != missed {
			t.Errorf("%s, %v", raw, look)
		}
		if raw, look := get(t, b, cache.Product(1), nil); raw != `"ours"` || look != hitRedis {
			t.Errorf("then: %s, %v", raw, look)
		}
		w.Del("product:1")
		if _, err := w.Lpush("product:1", "a list"); err != nil {
			t.Fatal(err)
		}
		c := w.cache(cache.Config{})
		if raw, look := get(t, c, cache.Product(1), answer("ours")); raw != `"ours"` || look != missed {
			t.Errorf("under a key of another type: %s, %v", raw, look)
		}
	})
}

// TestHotKey: 200 readers a second of one key in four processes, whose load takes
// 0.4 s and lives for ten. After the start nobody ever waits, and the store is
// asked little more than once a life.
func TestHotKey(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		life := 10 * time.Second
		cfg := cache.Config{Policy: cache.Policy{Base: life, Min: life, Max: life, Target: 1, Jitter: 0}}
		caches := []*cache.Cache{w.cache(cfg), w.cache(cfg), w.cache(cfg), w.cache(cfg)}
		var loads, late, stale atomic.Int64
		load := slow(&loads, 400*time.Millisecond)
		crowd(t, 1, load, caches...)
		const seconds = 100
		var wg sync.WaitGroup
		for i := range 200 * seconds {
			wg.Go(func() {
				start := time.Now()
				_, look, err := caches[i%len(caches)].Get(t.Context(), cache.Product(1), load)
				if err != nil || time.Since(start) > 0 {
					late.Add(1)
				}
				if look.Result == cache.Stale {
					stale.Add(1)
				}
			})
			time.Sleep(5 * time.Millisecond)
			if i%200 == 0 {
				w.FastForward(time.Second)
			}
		}
		wg.Wait()
		lives := float64(seconds) / life.Seconds()
		t.Logf("%.2f loads a life, %d of %d reads stale, %d late", float64(loads.Load())/lives, stale.Load(), 200*seconds, late.Load())
		if late.Load() > 0 || float64(loads.Load()) > 2*lives {
			t.Errorf("%d loads in %v lives, %d reads waited", loads.Load(), lives, late.Load())
		}
	})
}
