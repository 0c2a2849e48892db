package cache_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

func TestBypass(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{})
		var loads atomic.Int64
		want := func(name string, item cache.Item, look cache.Lookup) {
			t.Helper()
			if _, got := get(t, c, item, slow(&loads, 0)); got != look {
				t.Errorf("%s: %v, want %v", name, got, look)
			}
		}
		want("before", cache.Product(1), missed)
		want("before", cache.Categories(), missed)
		c.Bypass("product", "search")
		c.Bypass("product", "search")
		for range 3 {
			want("bypassed", cache.Product(1), missed)
		}
		want("not bypassed", cache.Categories(), hitL1)
		c.Bypass("search") // replaces
		want("not bypassed any more", cache.Product(1), hitL1)
		want("bypassed now", cache.Search([]string{"oak"}, 5), missed)
		if w.Exists(cache.Search([]string{"oak"}, 5).Key) {
			t.Error("a bypassed value was kept")
		}
		c.Bypass()
		want("all normal", cache.Search([]string{"oak"}, 5), missed)
		want("all normal", cache.Search([]string{"oak"}, 5), hitL1)
		if loads.Load() != 7 {
			t.Errorf("%d loads, want 7", loads.Load())
		}
	})
}

func TestUseL1(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{})
		get(t, c, cache.Product(1), answer(1))
		if n := c.L1Entries(); n != 1 {
			t.Errorf("%d local values, want 1", n)
		}
		for range 2 {
			c.UseL1(false)
			if _, look := get(t, c, cache.Product(1), nil); look != hitRedis || c.L1Entries() != 0 {
				t.Errorf("off: %v with %d local values", look, c.L1Entries())
			}
		}
		c.UseL1(true)
		for _, want := range []cache.Lookup{hitRedis, hitL1} {
			if _, look := get(t, c, cache.Product(1), nil); look != want {
				t.Errorf("on again: %v, want %v", look, want)
			}
		}
	})
}

// TestFlush: all values of ours go, here, in Redis and elsewhere; nothing else.
func TestFlush(t *testing.T) {
	server := servertest.StartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	others := []string{"rate_limit:42:/orders", "rate_gcra:42:default", "rate_limit_meta:42", cache.AccessKey, "apitop:demo", "products", "categories:x", "session:9"}
	for _, key := range others {
		if err := client.Set(t.Context(), key, "theirs", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	a, b := onServer(t, server), onServer(t, server)
	items := []cache.Item{cache.Categories(), cache.Products(0, 0, 20), cache.Search([]string{"oak"}, 5), cache.User(7)}
	for id := range int64(2500) {
		items = append(items, cache.Product(id))
	}
	for _, item := range items {
		get(t, a, item, answer(1))
	}
	get(t, b, cache.Product(1), nil)
	n, err := a.Flush(t.Context())
	if err != nil || n != int64(len(items)) {
		t.Errorf("Flush = %d, %v, want %d", n, err, len(items))
	}
	if n, err := a.Flush(t.Context()); n != 0 || err != nil {
		t.Errorf("a second Flush = %d, %v", n, err)
	}
	left, err := client.Keys(t.Context(), "*").Result()
	slices.Sort(left)
	slices.Sort(others)
	if err != nil || !slices.Equal(left, others) {
		t.Errorf("left are %q, %v, want what is not ours: %q", left, err, others)
	}
	if a.L1Entries() != 0 {
		t.Errorf("%d values are left in memory", a.L1Entries())
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if b.L1Entries() == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("another process still has values in memory")
		}
	}
}

// onServer is a cache on a real server, patient with a busy machine, that
// listens already.
func onServer(t testing.TB, server *servertest.Redis) *cache.Cache {
	t.Helper()
	return onServerWith(t, server, patient())
}

func onServerWith(t testing.TB, server *servertest.Redis, cfg cache.Config) *cache.Cache {
	t.Helper()
	client, err := rdb.Open("unix://" + server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	before := client.PubSubNumSub(t.Context(), cache.Channel).Val()[cache.Channel]
	c := cache.New(client, cfg)
	t.Cleanup(func() { c.Close(); client.Close() })
	for deadline := time.Now().Add(10 * time.Second); client.PubSubNumSub(t.Context(), cache.Channel).Val()[cache.Channel] == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the cache does not listen")
		}
	}
	return c
}

func TestFlushWithoutRedis(t *testing.T) {
	var seen observed
	cfg := patient()
	cfg.Observer = &seen
	c, server := newCache(t, cfg)
	get(t, c, cache.Product(1), answer(1))
	server.SetError("LOADING")
	if n, err := c.Flush(t.Context()); err == nil || n != 0 || seen.count("failed flush reply") != 1 {
		t.Errorf("Flush = %d, %v, observed %v", n, err, seen.events)
	}
	server.SetError("")
	if c.L1Entries() != 0 {
		t.Error("the memory was not emptied")
	}
}

// TestOwedDeletion: an order while Redis is away. When it comes back with the
// old stock, that is not served here, and soon nowhere.
func TestOwedDeletion(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{})
		get(t, c, cache.Product(1), answer("old"))
		other := w.cache(cache.Config{})
		w.down.Store(true)
		if err := c.Delete(t.Context(), cache.Product(1)); rdb.Reason(err) != "timeout" {
			t.Fatalf("Delete without Redis: %v", err)
		}
		w.down.Store(false)
		if raw, look := get(t, c, cache.Product(1), answer("new")); raw != `"new"` || look != missed {
			t.Errorf("%s, %v, want the new value although Redis has the old one", raw, look)
		}
		if raw, _ := w.Get("product:1"); raw == "" {
			t.Fatal("Redis lost the old value: the test shows nothing")
		}
		w.sleep(1100 * time.Millisecond)
		if w.Exists("product:1") {
			t.Error("the deletion was not repeated")
		}
		if raw, _ := get(t, other, cache.Product(1), answer("new")); raw != `"new"` {
			t.Errorf("another process: %s", raw)
		}
		synctest.Wait()
		w.sleep(6 * time.Second)
		if _, look := get(t, c, cache.Product(1), nil); look != hitRedis {
			t.Errorf("in the end: %v, want Redis to be believed again", look)
		}
	})
}

// TestOwedAtTheEnd: a process that ends repeats failed deletions before.
func TestOwedAtTheEnd(t *testing.T) {
	c, server := newCache(t, patient())
	get(t, c, cache.Product(1), answer("old"))
	server.SetError("LOADING")
	if err := c.Delete(t.Context(), cache.Product(1)); err == nil {
		t.Fatal("no error")
	}
	server.SetError("")
	c.Close()
	if server.Exists("product:1") {
		t.Error("the old value is still there")
	}
}

// TestOwedEverything: after an outage with more deletions than are remembered
// singly, nothing in Redis is believed until all of it is gone.
func TestOwedEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.cache(cache.Config{})
		get(t, c, cache.Categories(), answer("old"))
		w.down.Store(true)
		many := make([]cache.Item, 0, 10_001)
		for id := range int64(10_001) {
			many = append(many, cache.Product(id))
		}
		if err := c.Delete(t.Context(), many...); err == nil {
			t.Fatal("no error")
		}
		c.UseL1(false)
		w.down.Store(false)
		if raw, look := get(t, c, cache.Categories(), answer("new")); raw != `"new"` || look != missed {
			t.Errorf("%s, %v, want a load", raw, look)
		}
		w.sleep(1100 * time.Millisecond)
		for _, want := range []cache.Lookup{missed, hitRedis} {
			if _, look := get(t, c, cache.Categories(), answer("new")); look != want {
				t.Errorf("afterwards: %v, want %v", look, want)
			}
		}
	})
}
