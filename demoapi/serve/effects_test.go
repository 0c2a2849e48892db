package serve

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"apitop/demoapi/faults"
)

// turn switches a fault.
func (sh *shop) turn(t *testing.T, name string, on bool) {
	t.Helper()
	if err := SwitchFault(t.Context(), sh.base, name, on); err != nil {
		t.Fatal(err)
	}
	list, err := Faults(t.Context(), sh.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if f.On != (f.Name == name && on) {
			t.Errorf("%s is on: %v", f.Name, f.On)
		}
	}
}

// effect is how a fault shows. measure makes what traffic it needs and gives a
// figure, over and over: off it has to be at most calm, on at least bad.
type effect struct {
	measure   func(t *testing.T, sh *shop) float64
	calm, bad float64
}

// rise is an effect by how much a figure grows in half a second.
func rise(figure func(t *testing.T, sh *shop) float64, calm, bad float64) effect {
	return effect{func(t *testing.T, sh *shop) float64 {
		t.Helper()
		before := figure(t, sh)
		time.Sleep(500 * time.Millisecond)
		return figure(t, sh) - before
	}, calm, bad}
}

// metric is a figure of the metrics page.
func metric(name string, labels ...string) func(*testing.T, *shop) float64 {
	return func(t *testing.T, sh *shop) float64 {
		t.Helper()
		return sh.metric(t, name, labels...)
	}
}

// above is a figure less what it was at first: for what has no zero of its own.
func above(figure func(*testing.T, *shop) float64) func(*testing.T, *shop) float64 {
	first, known := 0.0, false
	return func(t *testing.T, sh *shop) float64 {
		t.Helper()
		now := figure(t, sh)
		if !known {
			first, known = now, true
		}
		return now - first
	}
}

// perCall is the growth of a histogram's sum by its count over a few calls.
func perCall(name, route string, calls func(t *testing.T, sh *shop)) func(*testing.T, *shop) float64 {
	label := `route="` + route + `"`
	return func(t *testing.T, sh *shop) float64 {
		t.Helper()
		sum, n := sh.metric(t, name+"_sum", label), sh.metric(t, name+"_count", label)
		calls(t, sh)
		return (sh.metric(t, name+"_sum", label) - sum) / (sh.metric(t, name+"_count", label) - n)
	}
}

func databaseEffects() map[string]effect {
	return map[string]effect{
		"n-plus-one": {perCall("db_queries_per_request", "/products", func(t *testing.T, sh *shop) {
			for i := range 3 {
				sh.get(t, fmt.Sprintf("/products?limit=20&after=%d", 100*i))
			}
		}), 2, 20},
		"drop-index": {func(t *testing.T, sh *shop) float64 {
			before := sh.sql(t, "select coalesce(seq_tup_read, 0)::float8 from pg_stat_user_tables where relname = 'products'")
			for i := range 3 {
				sh.get(t, fmt.Sprintf("/products?category=%d", 1+i))
				sh.ask(t, "POST", "/products/search", `{"query":"steel lamp"}`)
			}
			time.Sleep(1100 * time.Millisecond) // servers tell their figures once a second
			sh.get(t, "/products?category=9")
			return sh.sql(t, "select coalesce(seq_tup_read, 0)::float8 from pg_stat_user_tables where relname = 'products'") - before
		}, 0, 50_000},
		"slow-query": {perCall("http_request_duration_seconds", "/products/search", func(t *testing.T, sh *shop) {
			sh.ask(t, "POST", "/products/search", `{"query":"steel lamp"}`)
		}), 0.29, 0.3},
		"pool-exhaustion": {func(t *testing.T, sh *shop) float64 {
			waited := metric("db_pool_acquire_wait_seconds_total")
			before := waited(t, sh)
			for range 10 { // over two of its pulses
				sh.get(t, "/products/7")
				time.Sleep(100 * time.Millisecond)
			}
			return waited(t, sh) - before
		}, 0.05, 0.1},
		"lock-table": {func(t *testing.T, sh *shop) float64 {
			return sh.sql(t, `select count(*)::float8 from pg_locks
				where mode = 'AccessExclusiveLock' and granted and relation = 'apitop_demo.products'::regclass`)
		}, 0, 1},
		"idle-in-transaction": {func(t *testing.T, sh *shop) float64 {
			return sh.sql(t, "select count(*)::float8 from pg_stat_activity where state = 'idle in transaction'")
		}, 0, 1},
	}
}

func cacheEffects() map[string]effect {
	productLoads := metric("cache_loads_total", `cache="product"`)
	return map[string]effect{
		"cache-flush": {func(t *testing.T, sh *shop) float64 {
			sh.get(t, "/products/7")
			before := productLoads(t, sh)
			for range 3 {
				time.Sleep(750 * time.Millisecond)
				sh.get(t, "/products/7")
			}
			return productLoads(t, sh) - before
		}, 0, 1},
		"stampede": rise(productLoads, 0, 10),
		"eviction": rise(func(t *testing.T, sh *shop) float64 { return sh.info(t, "evicted_keys") }, 0, 1),
		"hot-key":  rise(metric("cache_requests_total", `cache="product"`, `layer="redis"`, `result="hit"`), 0, 30),
	}
}

func callerEffects() map[string]effect {
	denied := metric("ratelimit_decisions_total", `decision="denied"`, `tier="guest"`, `endpoint="/auth/login"`)
	return map[string]effect{
		"abusive-user": rise(metric("ratelimit_decisions_total", `tier="basic"`, `endpoint="default"`), 0, 10),
		"retry-storm":  rise(denied, 0, 5),
		"error-burst": {func(t *testing.T, sh *shop) (failed float64) {
			for range 20 {
				if sh.get(t, "/products/3") == http.StatusInternalServerError {
					failed++
				}
			}
			return failed
		}, 0, 6},
		"queue-stall": {metric("queue_length"), 0, 3},
	}
}

func processEffects() map[string]effect {
	return map[string]effect{
		"cpu-burn": rise(metric("process_cpu_seconds_total"), 0.05, 0.1),
		"memory-leak": {above(func(t *testing.T, sh *shop) float64 {
			runtime.GC() // the API's process is this one
			return sh.metric(t, "go_memstats_heap_alloc_bytes")
		}), 2 << 20, 4 << 20},
		"goroutine-leak": {above(metric("go_goroutines")), 40, 60},
		"gc-pressure":    rise(metric("go_cpu_classes_gc_total_cpu_seconds_total"), 0.02, 0.05),
		"fd-leak":        {above(metric("process_open_fds")), 12, 20},
	}
}

func serverEffects() map[string]effect {
	return map[string]effect{
		"redis-down": {func(t *testing.T, sh *shop) float64 {
			for range 10 { // never asked for before, so in no cache
				if status := sh.get(t, fmt.Sprintf("/products/%d", 10_000+sh.guests.Load())); status != http.StatusOK {
					t.Errorf("a product without Redis: %d", status)
				}
			}
			return sh.metric(t, "breaker_state", `name="cache"`)
		}, 0, 2},
		"postgres-down": {func(t *testing.T, sh *shop) float64 { return float64(sh.get(t, "/health")) }, 200, 503},
		"slow-redis": {func(t *testing.T, sh *shop) (slow float64) {
			entries, err := sh.rdb.SlowLogGet(t.Context(), 100).Result()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if strings.EqualFold(e.Args[0], "eval") && time.Since(e.Time) < 3*time.Second {
					slow++
				}
			}
			return slow
		}, 0, 5},
	}
}

// TestFaultEffects switches each fault on and off on a real API with real
// servers: its effect shows, and ends.
func TestFaultEffects(t *testing.T) {
	sh := openShop(t)
	left := map[string]bool{}
	for _, name := range faults.Names() {
		left[name] = true
	}
	for _, group := range []map[string]effect{databaseEffects(), cacheEffects(), callerEffects(), processEffects(), serverEffects()} {
		for name, e := range group {
			t.Run(name, func(t *testing.T) { checkEffect(t, sh, name, e) })
			delete(left, name)
		}
	}
	if len(left) > 0 {
		t.Errorf("not looked at: %v", left)
	}
	t.Run("all together", func(t *testing.T) { checkTogether(t, sh) })
}

// checkTogether switches everything on together, and then off: all is well again.
// In the end it leaves everything on: so the API is closed.
func checkTogether(t *testing.T, sh *shop) {
	t.Helper()
	all := map[string]bool{}
	set := func(on bool) []faults.State {
		for _, name := range faults.Names() {
			all[name] = on
		}
		began := time.Now()
		list, err := askFaults(t.Context(), sh.base, http.MethodPost, all)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("all on %v after %v", on, time.Since(began).Round(time.Millisecond))
		for _, f := range list {
			if f.On != on {
				t.Errorf("%s is on: %v", f.Name, f.On)
			}
		}
		return list
	}
	set(true)
	time.Sleep(time.Second)
	set(false)
	for _, path := range []string{"/health", "/products?category=3", "/products/4", "/categories"} {
		within(t, 20*time.Second, path+" is well", func() bool { return sh.get(t, path) == http.StatusOK })
	}
	if n := sh.sql(t, "select count(*)::float8 from pg_stat_activity where state = 'idle in transaction'"); n != 0 {
		t.Errorf("%v sessions are idle in transaction", n)
	}
	set(true)
}

func checkEffect(t *testing.T, sh *shop, name string, e effect) {
	t.Helper()
	calm := func() bool { return e.measure(t, sh) <= e.calm }
	within(t, 20*time.Second, "calm at first", calm)
	sh.turn(t, name, true)
	began := time.Now()
	last := 0.0
	within(t, 20*time.Second, "the effect", func() bool {
		last = e.measure(t, sh)
		return last >= e.bad
	})
	shown := time.Since(began)
	sh.turn(t, name, false)
	within(t, 20*time.Second, "calm again", calm)
	t.Logf("%v after %v, calm %v later", last, shown.Round(time.Millisecond), (time.Since(began) - shown).Round(time.Millisecond))
}
