package cache_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/cache"
)

// TestWarm: a few at a time, whatever fails.
func TestWarm(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		missing := errors.New("no such product")
		c := w.cache(cache.Config{NotFound: missing})
		var now, most atomic.Int64
		load := func(context.Context) (any, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return 1, nil
		}
		var items []cache.WarmItem
		for id := range int64(20) {
			items = append(items, cache.WarmItem{Item: cache.Product(id), Load: load})
		}
		items = append(items,
			cache.WarmItem{Item: cache.Product(100), Load: func(context.Context) (any, error) { return nil, missing }},
			cache.WarmItem{Item: cache.Categories(), Load: func(context.Context) (any, error) { return nil, errors.New("broken") }})
		start := time.Now()
		n, err := c.Warm(t.Context(), items)
		if n != 21 || err == nil || !strings.Contains(err.Error(), "broken") || strings.Contains(err.Error(), "no such") {
			t.Errorf("Warm = %d, %v, want 21 of 22", n, err)
		}
		if took := time.Since(start); most.Load() != 4 || took != 5*time.Second {
			t.Errorf("up to %d loads at a time, %v in all, want 4 and 5 s", most.Load(), took)
		}
		if _, look := get(t, c, cache.Product(7), nil); look != hitL1 {
			t.Errorf("a warmed item: %v", look)
		}
		if n, err := c.Warm(t.Context(), items[:20]); n != 20 || err != nil {
			t.Errorf("a second Warm = %d, %v", n, err)
		}
		w.sleep(2 * time.Second)
		if reads, err := w.ZScore(cache.AccessKey, "product:7"); err != nil || reads != 1 {
			t.Errorf("%v reads are counted, %v, want the one of a reader", reads, err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if n, err := c.Warm(gone, items); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of the context Warm = %d, %v", n, err)
		}
		if n, err := c.Warm(t.Context(), nil); n != 0 || err != nil {
			t.Errorf("Warm of nothing = %d, %v", n, err)
		}
		synctest.Wait()
	})
}

func TestHottest(t *testing.T) {
	c, server := newCache(t, patient())
	ask := func(n int, want ...string) {
		t.Helper()
		got, err := c.Hottest(t.Context(), n)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Hottest(%d) = %q, %v, want %q", n, got, err, want)
		}
	}
	ask(5)
	for key, reads := range map[string]float64{"product:1": 5, "categories": 9, "product:2": 7, "search:limit=20&q=oak": 1} {
		if _, err := server.ZAdd(cache.AccessKey, reads, key); err != nil {
			t.Fatal(err)
		}
	}
	ask(3, "categories", "product:2", "product:1")
	ask(100, "categories", "product:2", "product:1", "search:limit=20&q=oak")
	ask(0)
	ask(-1)
	server.SetError("LOADING")
	if keys, err := c.Hottest(t.Context(), 3); err == nil {
		t.Errorf("without an answer: %q", keys)
	}
	server.SetError("")
}
