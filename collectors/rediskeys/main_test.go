package rediskeys

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a connection that is closed with the test.
func open(t testing.TB, url string) *redisconn.Server {
	t.Helper()
	target, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func collector(t testing.TB, url string) *Collector {
	t.Helper()
	return New(open(t, url), Config{})
}

// eager is a collector with time for many rounds in a row, so that tests need
// not wait for its budget.
func eager(t testing.TB, url string) *Collector {
	t.Helper()
	return New(open(t, url), Config{Duty: 1})
}

// fakeNode is a node that a fake answers for.
type fakeNode struct{ gate *redisconn.Gate }

func (fakeNode) Name() safe.Text         { return safe.New("x") }
func (n fakeNode) Gate() *redisconn.Gate { return n.gate }

// ofFake is a collector on one node that f answers for.
func ofFake(f *fake, cfg Config) *Collector {
	n := fakeNode{redisconn.NewGate(f)}
	c := newCollector(n.Name(), cfg, func(context.Context) ([]node, error) { return []node{n}, nil })
	c.follow([]node{n})
	return c
}

// collect runs one round; the long deadline is for a busy test machine.
func collect(t testing.TB, c *Collector) *snapshot.Keys {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := c.Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Keys)
}

// until collects until ok is satisfied and fails after limit.
func until(t testing.TB, c *Collector, limit time.Duration, ok func(*snapshot.Keys) bool) *snapshot.Keys {
	t.Helper()
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		k := collect(t, c)
		if ok(k) {
			return k
		}
		if time.Since(start) > limit {
			t.Fatalf("after %v: %d cache keys, %d limiters, coverage %v, notes %v", limit, len(k.Cache), len(k.Limiters), k.Coverage, c.Notes())
		}
	}
}

func cacheKeyOf(k *snapshot.Keys, name string) (snapshot.CacheKey, bool) {
	for _, c := range k.Cache {
		if c.Key.Raw() == name {
			return c, true
		}
	}
	return snapshot.CacheKey{}, false
}

func limiterOf(k *snapshot.Keys, name string) (snapshot.Limiter, bool) {
	for _, l := range k.Limiters {
		if l.Key.Raw() == name {
			return l, true
		}
	}
	return snapshot.Limiter{}, false
}

// seedDemo writes what the demo API leaves behind: cached answers, counts of
// their reads, the logs and notes of its limiter for users 1 to users.
func seedDemo(srv *redistest.Server, users int) {
	srv.Do("EVAL", `
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
for i = 1, 200 do
  redis.call('SET', 'product:' .. i, string.rep('x', 100 + i), 'PX', 3600000)
  redis.call('ZADD', 'access_frequency', i, 'product:' .. i)
end
redis.call('SET', 'categories', '[]')
redis.call('HSET', 'user:7', 'name', 'x')
for u = 1, tonumber(ARGV[1]) do
  for _, ep in ipairs({'/orders', 'default'}) do
    local key, limit = 'rate_limit:' .. u .. ':' .. ep, 30
    local used = u % 31
    for n = 1, used do
      redis.call('ZADD', key, string.format('%.6f', now - 100 + n), string.format('%.0f-%d', (now - 100 + n) * 1e6, n))
    end
    if used > 0 then redis.call('PEXPIRE', key, 3600000) end
    redis.call('HSET', 'rate_limit_meta:' .. u, 'tier', 'guest', 'window', '3600', 'limit:' .. ep, limit, 'allowed:' .. ep, used, 'denied:' .. ep, u)
  end
end`, "0", strconv.Itoa(users))
}

func notesText(c *Collector) string {
	var b strings.Builder
	for _, n := range c.Notes() {
		fmt.Fprintf(&b, "%s (%s)\n", n.What, n.Fix)
	}
	return b.String()
}
