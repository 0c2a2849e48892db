package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"apitop/collectors"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redisinfo"
	"apitop/collectors/rediskeys"
	"apitop/collectors/snapshot"
)

// rounds polls both collectors of a Redis so many times, and calls between after
// each.
func rounds(t *testing.T, url string, n int, between func(round int)) (notes []snapshot.Note) {
	t.Helper()
	target, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	server := redisconn.OpenServer(target)
	defer server.Close()
	info, keys := redisinfo.New(server), rediskeys.New(server, rediskeys.Config{Duty: 1})
	for i := range n {
		for _, c := range []collectors.Collector{info, keys} {
			_, _ = c.Collect(t.Context()) // what failed is in the server's counts
		}
		between(i)
	}
	return slices.Concat(info.Notes(), keys.Notes())
}

// seedKinds writes keys of every type, with and without a lifetime, a limiter of
// the demo and one of another library among them.
func seedKinds(srv *redistest.Server) {
	srv.Do("EVAL", `
for i = 1, 300 do
  redis.call('SET', 'product:' .. i, string.rep('x', i), 'PX', 3600000)
  redis.call('ZADD', 'access_frequency', i, 'product:' .. i)
  redis.call('HSET', 'user:' .. i, 'name', 'x')
  redis.call('RPUSH', 'queue:' .. i, 'a', 'b')
  redis.call('SADD', 'tags:' .. i, 'a')
end
redis.call('ZADD', 'rate_limit:7:/orders', 1, 'a')
redis.call('HSET', 'rate_limit_meta:7', 'tier', 'guest', 'window', '3600')
redis.call('SET', 'rl:203.0.113.9', '3', 'PX', 900000)
redis.call('HSET', 'rate:203.0.113.9', 'last', '1795451366795564', 'tokens', '17.2')
redis.call('RPUSH', 'LIMITS:LIMITER/127.0.0.1/api.orders/5/1/minute', '1795451366.5')
redis.call('XADD', 'stream', '*', 'a', 'b')`, "0")
}

// TestACLRules: a user with the README's rights gets everything but the opt-ins,
// and is refused nothing.
func TestACLRules(t *testing.T) {
	for _, policy := range []string{"allkeys-lfu", "allkeys-lru"} {
		srv := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", policy)
		seedKinds(srv)
		srv.Do(append([]string{"ACL", "SETUSER", "mon", "on", ">S3cr3tPW"}, strings.Fields(redisconn.ACLRules)...)...)
		if srv.Has("client|no-touch") {
			srv.Do("ACL", "SETUSER", "mon", "+client|no-touch")
		}
		notes := rounds(t, "unix://mon:S3cr3tPW@"+srv.Sock, 10, func(int) {})
		if log := srv.Do("ACL", "LOG"); log != "" || len(notes) != 0 {
			t.Errorf("%s: the server refused %s\nnotes %v", policy, log, notes)
		}
		if errs := srv.Do("INFO", "errorstats"); strings.Contains(errs, "NOPERM") {
			t.Error(errs)
		}
	}
}

// TestRefusedOnce: of what a user may not do, each is tried once in 30 rounds,
// also across lost connections, and each is named with its right.
func TestRefusedOnce(t *testing.T) {
	srv := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
	seedKinds(srv)
	srv.Do("ACL", "SETUSER", "mon", "on", ">S3cr3tPW", "~*", "-@all", "+@read", "+@connection", "-@dangerous", "-memory|usage", "-zcount")
	srv.Do("CONFIG", "RESETSTAT")
	notes := rounds(t, "unix://mon:S3cr3tPW@"+srv.Sock, 30, func(i int) {
		if i%5 == 4 {
			srv.Do("CLIENT", "KILL", "USER", "mon")
		}
	})
	refused := 0
	for line := range strings.FieldsSeq(srv.Do("INFO", "commandstats")) {
		n := regexp.MustCompile(`rejected_calls=(\d+)`).FindStringSubmatch(line)
		if n == nil || n[1] == "0" {
			continue
		}
		if refused++; n[1] != "1" {
			t.Errorf("refused more than once: %s", line)
		}
	}
	if refused == 0 || refused > 8 {
		t.Errorf("%d commands were refused", refused)
	}
	var fixes []string
	for _, n := range notes {
		fixes = append(fixes, n.Fix)
	}
	for _, right := range []string{"+memory|usage"} {
		if !slices.Contains(fixes, "ACL SETUSER name "+right) {
			t.Errorf("nothing says that %s is missing: %q", right, fixes)
		}
	}
}

// TestRenamedCommands: commands that were renamed away are tried once as well.
func TestRenamedCommands(t *testing.T) {
	var args []string
	for _, name := range []string{"CONFIG", "OBJECT", "MEMORY", "LATENCY", "SLOWLOG", "PTTL"} {
		args = append(args, "--rename-command", name, "")
	}
	srv := redistest.Start(t, append(args, "--rename-command", "INFO", "figures", "--maxmemory-policy", "allkeys-lfu")...)
	seedKinds(srv)
	before := unknownCommands(t, srv)
	notes := rounds(t, srv.URL(), 30, func(i int) {
		if i%5 == 4 {
			srv.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		}
	})
	if n := unknownCommands(t, srv) - before; n < 3 || n > 10 {
		t.Errorf("the server was asked for %d unknown commands", n)
	}
	said := fmt.Sprint(notes)
	for _, want := range []string{"no PTTL", "no MEMORY USAGE"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %s", want, said)
		}
	}
}

func unknownCommands(t *testing.T, srv *redistest.Server) int {
	t.Helper()
	m := regexp.MustCompile(`errorstat_ERR:count=(\d+)`).FindStringSubmatch(srv.Do("FIGURES", "errorstats"))
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
