package rediskeys

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// TestDemo: the keyspace of the demo is known at once: after one round where the
// machine has nothing else to do.
func TestDemo(t *testing.T) {
	srv := redistest.Start(t)
	seedDemo(srv, 62)
	c := collector(t, srv.URL())
	k := until(t, c, 3*time.Second, func(k *snapshot.Keys) bool {
		return k.Coverage == snapshot.Known(1) && len(k.Limiters) == 120 && len(k.Cache) == 202
	})
	first := k.Cache[0]
	if first.Key.Raw() != "product:200" || first.Reads != snapshot.Known(200) || first.Method != "app" || first.Type != "string" ||
		first.NoTTL || math.Abs(first.TTLSeconds.V-3600) > 5 || first.Bytes.V < 300 {
		t.Errorf("hottest key: %+v", first)
	}
	if p, ok := cacheKeyOf(k, "product:3"); !ok || p.Reads.OK || p.Method != "" || !p.Bytes.OK {
		t.Errorf("a key beyond the top of the counts: %+v", p)
	}
	if p, ok := cacheKeyOf(k, "categories"); !ok || !p.NoTTL || p.TTLSeconds.OK {
		t.Errorf("a key that never expires: %+v", p)
	}
	for _, name := range []string{appCounts, "rate_limit_meta:1", "rate_limit:1:/orders"} {
		if _, ok := cacheKeyOf(k, name); ok {
			t.Errorf("%s is taken for a cached answer", name)
		}
	}
	l, _ := limiterOf(k, "rate_limit:30:/orders")
	if l.Subject.String() != "user:30" || l.Used != snapshot.Known(30) || l.Limit != snapshot.Known(30) || l.Layout != "apitop-demo" ||
		l.Tier.String() != "guest" || l.DeniedTotal != snapshot.Known(30) || l.RequestedTotal != snapshot.Known(60) || math.Abs(l.ResetsSeconds.V-3501) > 5 {
		t.Errorf("blocked: %+v", l)
	}
	if l, _ := limiterOf(k, "rate_limit:5:default"); l.Used != snapshot.Known(5) || math.Abs(l.ResetsSeconds.V-3505) > 5 || l.WindowSeconds != snapshot.Known(3600) {
		t.Errorf("free: %+v", l)
	}
	if notes := notesText(c); notes != "" {
		t.Errorf("notes: %s", notes)
	}
}

// TestFollows: counts, lifetimes and limiters move on, and what is gone drops
// out.
func TestFollows(t *testing.T) {
	srv := redistest.Start(t)
	seedDemo(srv, 40)
	c := eager(t, srv.URL())
	collect(t, c)
	srv.Do("ZINCRBY", appCounts, "1000", "product:150")
	srv.Do("EVAL", `local t = redis.call('TIME'); redis.call('ZADD', 'rate_limit:29:/orders', t[1], t[1] .. '000000-x')`, "0")
	srv.Do("HINCRBY", "rate_limit_meta:30", "denied:/orders", "5")
	srv.Do("DEL", "rate_limit:28:/orders")
	k := collect(t, c)
	if k.Cache[0].Key.Raw() != "product:150" {
		t.Errorf("hottest key is %s", k.Cache[0].Key)
	}
	if l, _ := limiterOf(k, "rate_limit:29:/orders"); l.Used != snapshot.Known(30) || math.Abs(l.ResetsSeconds.V-3501) > 5 {
		t.Errorf("just blocked: %+v", l)
	}
	if l, _ := limiterOf(k, "rate_limit:30:/orders"); l.DeniedTotal != snapshot.Known(35) {
		t.Errorf("denied: %+v", l)
	}
	if _, ok := limiterOf(k, "rate_limit:28:/orders"); ok {
		t.Error("a limiter key that is gone is still there")
	}

	srv.Do("ZADD", "rate_limit:28:/orders", "1e9", "1-1")
	until(t, c, 8*time.Second, func(k *snapshot.Keys) bool {
		_, ok := limiterOf(k, "rate_limit:28:/orders")
		return ok
	})
	srv.Do("DEL", "categories", "product:190")
	srv.Do("SET", "late", "x")
	srv.Do("ZADD", "rate_limit:guest-9:default", "1e9", "1-1")
	until(t, c, 8*time.Second, func(k *snapshot.Keys) bool {
		_, gone := cacheKeyOf(k, "categories")
		_, counted := cacheKeyOf(k, "product:190")
		_, late := cacheKeyOf(k, "late")
		l, guest := limiterOf(k, "rate_limit:guest-9:default")
		return !gone && !counted && late && guest && l.Used == snapshot.Known(0)
	})
	srv.Do("SET", "product:190", "back") // a counted key comes back
	until(t, c, 3*time.Second, func(k *snapshot.Keys) bool {
		p, ok := cacheKeyOf(k, "product:190")
		return ok && p.Reads.OK && p.NoTTL
	})
}

// TestTutorial: the limiter of the tutorial has no notes beside it, and its
// members are whole seconds.
func TestTutorial(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("EVAL", `local now = tonumber(redis.call('TIME')[1])
for i = 1, 5 do redis.call('ZADD', 'rate_limit:ana:/orders', now - 10 + i, now - 10 + i) end
redis.call('ZADD', 'rate_limit:ana:/orders', now - 4000, now - 4000)
redis.call('EXPIRE', 'rate_limit:ana:/orders', 3595)`, "0")
	l, ok := limiterOf(collect(t, collector(t, srv.URL())), "rate_limit:ana:/orders")
	if !ok || l.Layout != "tutorial" || l.Used != snapshot.Known(5) || l.Limit.OK || l.LimitFrom != "" ||
		l.WindowSeconds != snapshot.Known(3600) || l.Subject.String() != "ana" || math.Abs(l.ResetsSeconds.V-3591) > 3 || l.DeniedTotal.OK {
		t.Errorf("got %+v", l)
	}
}

// TestReadOnly: nothing changes on the server, the user of the documented rights
// suffices without one refusal, and only what is on the list is sent.
func TestReadOnly(t *testing.T) {
	srv := redistest.Start(t)
	seedDemo(srv, 40)
	aclUser(srv, "~*")
	srv.Do("CONFIG", "RESETSTAT")
	srv.Do("ACL", "LOG", "RESET")
	size, changes := srv.Do("DBSIZE"), srv.Info("rdb_changes_since_last_save")
	c := collector(t, "unix://mon:pw@"+srv.Sock)
	for range 4 {
		collect(t, c)
	}
	if notes := notesText(c); notes != "" {
		t.Errorf("notes: %s", notes)
	}
	if log := srv.Do("ACL", "LOG"); log != "" {
		t.Errorf("ACL LOG: %s", log)
	}
	if got := srv.Do("DBSIZE"); got != size || srv.Info("rdb_changes_since_last_save") != changes {
		t.Error("the keyspace was changed")
	}
	const allowed = " hello auth client|setname client|no-touch time dbsize scan type pttl memory|usage zcount zrange hmget object|idletime config|get info dbsize acl|log config|resetstat "
	sent := 0
	for line := range strings.SplitSeq(srv.Do("INFO", "commandstats"), "\r\n") {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"); ok {
			name, stats, _ := strings.Cut(rest, ":")
			sent++
			if !strings.Contains(allowed, " "+name+" ") || !strings.Contains(stats, "rejected_calls=0,failed_calls=0") {
				t.Errorf("sent: %s", line)
			}
		}
	}
	if sent < 9 {
		t.Errorf("%d kinds of command in commandstats: the test is blind", sent)
	}
}

// TestRestart kills the server underway and starts an empty one: the round
// after its return shows what is there now.
func TestRestart(t *testing.T) {
	srv := redistest.Start(t)
	seedDemo(srv, 40)
	c := eager(t, srv.URL())
	collect(t, c)
	srv.Kill()
	if r, err := c.Collect(t.Context()); r != nil || snapshot.FailureOf(err) == nil || snapshot.FailureOf(err).Kind != snapshot.Unreachable {
		t.Fatalf("a dead server gave %v, %v", r, err)
	}
	srv.Run()
	srv.Do("SET", "only", "x")
	k := collect(t, c)
	if _, ok := cacheKeyOf(k, "only"); !ok || len(k.Cache) != 1 || len(k.Limiters) != 0 || k.Coverage != snapshot.Known(1) {
		t.Errorf("after the return: %d cache keys, %d limiters, coverage %v", len(k.Cache), len(k.Limiters), k.Coverage)
	}
}

// TestPause: a server that holds back its answers costs one time limit, and
// nothing is lost.
func TestPause(t *testing.T) {
	srv := redistest.Start(t)
	seedDemo(srv, 40)
	c := eager(t, srv.URL())
	all := func(k *snapshot.Keys) bool { return len(k.Cache) == 202 && len(k.Limiters) == 78 }
	until(t, c, 10*time.Second, all)
	srv.Do("CLIENT", "PAUSE", "1000", "ALL")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := c.Collect(ctx)
	if f := snapshot.FailureOf(err); f == nil || f.What.String() != "no answer in time" {
		t.Errorf("paused: %v", err)
	}
	if took := time.Since(start); took > 800*time.Millisecond {
		t.Errorf("the context's 100 ms lasted %v", took)
	}
	srv.Wait("+PONG")
	until(t, c, 10*time.Second, all)
}

// aclUser makes the user mon with the rights on keys that are documented for such
// a server.
func aclUser(srv *redistest.Server, keys string, more ...string) {
	rules := strings.Fields(strings.Replace(aclRules, "%R~*", keys, 1))
	if srv.Has("client|no-touch") {
		rules = append(rules, "+client|no-touch")
	}
	srv.Do(append(append([]string{"ACL", "SETUSER", "mon", "on", ">pw"}, rules...), more...)...)
}
