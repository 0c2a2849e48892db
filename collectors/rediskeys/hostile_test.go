package rediskeys

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// TestHostileNames: names are drawn safely, kept whole for the server, and one
// of a megabyte is counted and not kept.
func TestHostileNames(t *testing.T) {
	for _, policy := range []string{"noeviction", "allkeys-lfu"} {
		t.Run(policy, func(t *testing.T) { testHostileNames(t, policy) })
	}
}

func testHostileNames(t *testing.T, policy string) {
	srv := redistest.Start(t, "--maxmemory-policy", policy)
	names := []string{
		"\x1b[2Jboom", "a\x1b]52;c;x\x07", "bidi\u202e", "\xff\xfe", "nul\x00l", "line\r\nfeed", "zalgo" + strings.Repeat("\u0301", 50),
		"rate_limit:\x1b[2J:/orders", "rate_limit:\u202e7:\xff", "", " ", strings.Repeat("y", mostName),
	}
	for _, n := range names {
		if strings.HasPrefix(n, "rate_limit") {
			srv.Do("ZADD", n, "1e9", "1-1")
		} else {
			srv.Do("SET", n, "v")
		}
	}
	srv.Do("SET", strings.Repeat("z", 1<<20), "v")
	srv.Do("ZADD", "access_frequency", "5", "\x1b[2Jboom", "6", strings.Repeat("w", 2000))
	c := eager(t, srv.URL())
	k := until(t, c, 10*time.Second, func(k *snapshot.Keys) bool { return k.Coverage.V == 1 && len(k.Cache)+len(k.Limiters) >= 12 })
	if len(k.Cache) != 10 || len(k.Limiters) != 2 || k.Coverage != snapshot.Known(1) {
		t.Errorf("%d cache keys, %d limiters, coverage %v", len(k.Cache), len(k.Limiters), k.Coverage)
	}
	for _, n := range names {
		_, cached := cacheKeyOf(k, n)
		_, limits := limiterOf(k, n)
		if !cached && !limits {
			t.Errorf("%q is missing", n)
		}
	}
	shown := fmt.Sprintf("%v %v %v %s", k.Cache, k.Limiters, k.Groups, notesText(c))
	for _, r := range strings.ReplaceAll(shown, "\n", "") {
		if r < ' ' || r == 0x7f || r == '\u202e' || r == '\ufffd' {
			t.Fatalf("%q is drawn", r)
		}
	}
	if !strings.Contains(notesText(c), "names of more than 1024 bytes are not followed: 1 seen") {
		t.Errorf("notes %q", notesText(c))
	}
}

// TestBigKeyspace: a hundred thousand keys are walked in pages, the biggest are
// kept, memory stays bounded.
func TestBigKeyspace(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("DEBUG", "POPULATE", "100000", "cache", "100")
	srv.Do("EVAL", `
for i = 1, 300 do redis.call('SET', 'big:' .. i, string.rep('x', 5000 + i)) end
for i = 1, 2000 do redis.call('ZADD', 'rate_limit:' .. i .. ':default', 2e9, '1-1'); redis.call('HSET', 'rate_limit_meta:' .. i, 'window', '3600', 'limit:default', i) end
for i = 1, 500 do redis.call('RPUSH', 'list:' .. i, 'x') end
redis.call('SETRANGE', 'huge', 104857599, 'x')`, "0")
	c := eager(t, srv.URL())
	first := collect(t, c)
	if first.Coverage.V <= 0 || first.Coverage.V > 0.5 {
		t.Errorf("coverage after one round: %v", first.Coverage)
	}
	k := until(t, c, 60*time.Second, func(k *snapshot.Keys) bool { return k.Coverage.V == 1 })
	slices.SortFunc(k.Cache, func(a, b snapshot.CacheKey) int { return cmp.Compare(b.Bytes.V, a.Bytes.V) })
	if len(k.Cache) != mostCacheKeys || k.Cache[0].Key.Raw() != "huge" || k.Cache[0].Bytes.V < 100e6 {
		t.Errorf("%d cache keys, the biggest %s %v", len(k.Cache), k.Cache[0].Key, k.Cache[0].Bytes)
	}
	big := 0
	for _, key := range k.Cache {
		if strings.HasPrefix(key.Key.Raw(), "big:") {
			big++
		}
	}
	if big < mostBig-1 {
		t.Errorf("%d of the %d next biggest keys", big, mostBig-1)
	}
	if len(k.Limiters) != mostLimiters || k.Limiters[0].Key.Raw() != "rate_limit:1:default" || k.Limiters[0].Limit.V > 2 {
		t.Errorf("%d limiters, first %s", len(k.Limiters), k.Limiters[0].Key)
	}
	for _, l := range k.Limiters {
		if l.Limit.V > 600 {
			t.Errorf("%s is followed with a limit of %v: others are nearer to theirs", l.Key, l.Limit.V)
			break
		}
	}
	if n := len(c.walkers[0].cache.dull.keys); n > mostDull {
		t.Errorf("%d dull keys", n)
	}
	if !strings.Contains(notesText(c), "more than 512 limiter keys") {
		t.Errorf("notes %q", notesText(c))
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 16<<20 {
		t.Errorf("%d MB of heap after a walk over 100,000 keys", m.HeapAlloc>>20)
	}
}

// TestMiniredis: SCAN gives everything at once there, and some commands do not
// exist.
func TestMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	for i := range 600 {
		_ = m.Set(fmt.Sprintf("product:%d", i), "x")
		_, _ = m.ZAdd("access_frequency", float64(i), fmt.Sprintf("product:%d", i))
	}
	now := float64(time.Now().Unix())
	for i := range 30 {
		_, _ = m.ZAdd("rate_limit:7:/orders", now-float64(i), fmt.Sprintf("%d-1", i))
	}
	m.HSet("rate_limit_meta:7", "tier", "guest", "window", "3600", "limit:/orders", "30", "denied:/orders", "2")
	c := eager(t, "redis://"+m.Addr())
	k := until(t, c, 10*time.Second, func(k *snapshot.Keys) bool { return len(k.Cache) == mostCacheKeys && len(k.Limiters) == 1 })
	if len(k.Cache) != mostCacheKeys || k.Cache[0].Key.Raw() != "product:599" || k.Cache[0].Reads.V != 599 || k.Coverage.V != 1 {
		t.Errorf("%d cache keys, first %+v, coverage %v", len(k.Cache), k.Cache[0], k.Coverage)
	}
	l, ok := limiterOf(k, "rate_limit:7:/orders")
	if !ok || l.Used.V != 30 || l.Limit.V != 30 || l.DeniedTotal.V != 2 || l.ResetsSeconds.V < 3560 || l.ResetsSeconds.V > 3580 {
		t.Errorf("limiter %+v", l)
	}
	if notes := notesText(c); notes != "" {
		t.Errorf("notes %q", notes)
	}
}

// TestCoverage: a key counts when it was looked at, not when it is known by name,
// and all of them only at the end of a pass.
func TestCoverage(t *testing.T) {
	c := ofFake(&fake{answer: func([]string) any { return int64(5) }}, Config{})
	w := c.walkers[0]
	w.visit(redisconn.Page{Cursor: "0", Keys: []string{"a", "b", "c"}})
	if got := w.explorer.coverage(3); got != snapshot.Known(0) {
		t.Errorf("of a page that was not looked at yet: %v", got)
	}
	tests := map[string]struct {
		explorer explorer
		size     float64
		want     snapshot.Value
	}{
		"a part":                {explorer{looked: 3}, 4, snapshot.Known(0.75)},
		"some keys came twice":  {explorer{looked: 9}, 4, snapshot.Known(0.75)},
		"all of them":           {explorer{looked: 4, whole: true}, 4, snapshot.Known(1)},
		"the next pass":         {explorer{looked: 1, whole: true}, 4, snapshot.Known(1)},
		"the size is not known": {explorer{looked: 1}, 0, snapshot.Value{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.explorer.coverage(tt.size); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
