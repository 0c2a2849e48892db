package redisconn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func open(t testing.TB, url string) *Conn {
	t.Helper()
	target, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	c := Open(target)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestGuardRefuses goes to the client under the Conn: what writes, walks or
// administrates must not reach the server by any of its ways.
func TestGuardRefuses(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "k", "v")
	c := open(t, srv.URL())
	ctx := t.Context()
	if _, err := c.Do(ctx, []string{"ping"}); err != nil {
		t.Fatal(err)
	}
	srv.Do("CONFIG", "RESETSTAT")

	forbidden := [][]any{
		{"set", "k", "x"}, {"SET", "k", "x"}, {"get", "k"}, {"del", "k"}, {"flushall"}, {"keys", "*"}, {"monitor"}, {"eval", "return 1", "0"},
		{"config", "get", "*"}, {"config", "set", "maxmemory", "1"}, {"client", "kill", "id", "1"}, {"client", "list"}, {"hgetall", "k"},
		{"smembers", "k"}, {"memory", "doctor"}, {"memory", "usage", "k", "samples", "0"}, {"debug", "sleep", "0"}, {"acl", "list"},
		{"memory"}, {"object", "help"}, {"config", "get", "requirepass"}, {"config", "get", "maxmemory", "masterauth"}, {"config", "get", "m*"}, {"config", "get"},
		{"lrange", "k", "0", "-1"}, {"lrange", "k", "0", "5000"}, {"lrange", "k", "x", "1"}, {"zrange", "k", "0", "-1"}, {"zrange", "k", "0", "inf", "byscore"}, {"zrange", "k", "0", "9", "rev"},
		{"scan", "0", "count", "100000"}, {"scan", "0", "match", "*"}, {"scan", "0", "count", "-1"}, {"getrange", "k", "0", "-1"}, {"hotkeys", "start", "metrics", "1", "cpu"},
		{"hrandfield", "k", "-3"}, {"hrandfield", "k"}, {"srandmember", "k", "1000"}, {"xrevrange", "k", "+", "-"}, {"xrevrange", "k", "+", "-", "count", "1000"},
		{"sentinel", "failover", "m"}, {"sentinel", "reset", "m"}, {"cluster", "failover"}, {"slowlog", "reset"}, {"slowlog", "get"}, {"slowlog", "get", "-1"}, {"latency", "reset"}, {"script", "flush"}, {"multi"}, {"subscribe", "c"}, {[]byte("set"), "k", "x"}, {7}, {"info\r\nset"},
	}
	for _, args := range forbidden {
		if err := c.client.Do(ctx, args...).Err(); !isRefusal(err) {
			t.Errorf("%v alone: %v, want a refusal", args, err)
		}
		pipe := c.client.Pipeline()
		ok, bad := pipe.Do(ctx, "time"), pipe.Do(ctx, args...)
		if _, err := pipe.Exec(ctx); !isRefusal(err) || !isRefusal(ok.Err()) || !isRefusal(bad.Err()) {
			t.Errorf("%v in a pipeline: %v, %v, %v, want refusals", args, err, ok.Err(), bad.Err())
		}
	}
	if _, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Do(ctx, "time"); return nil }); !isRefusal(err) {
		t.Errorf("MULTI: %v, want a refusal", err)
	}
	if _, err := c.Do(ctx, []string{"ping"}, []string{"flushall"}); !isRefusal(err) {
		t.Errorf("Do: %v, want a refusal", err)
	}
	if got := commandstats(srv); !slices.Equal(got, []string{"config|resetstat"}) {
		t.Errorf("the server saw %v", got)
	}
	if got := srv.Do("GET", "k"); got != "v" {
		t.Errorf("k = %q, it was written", got)
	}
}

func isRefusal(err error) bool {
	f, ok := errors.AsType[*snapshot.Failure](err)
	return ok && f.Kind == snapshot.Internal
}

// commandstats lists the commands that the server has run or rejected.
func commandstats(srv *redistest.Server) []string {
	seen := map[string]bool{}
	for line := range strings.SplitSeq(srv.Do("INFO", "commandstats"), "\r\n") {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"); ok {
			name, _, _ := strings.Cut(rest, ":")
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestCommandName(t *testing.T) {
	tests := map[string]struct {
		words []string
		want  string
	}{
		"none":             {nil, ""},
		"capitals":         {[]string{"TYPE", "k"}, "type"},
		"subcommand":       {[]string{"Memory", "Usage", "k"}, "memory|usage"},
		"no subcommand":    {[]string{"memory"}, "memory"},
		"key is no part":   {[]string{"type", "usage"}, "type"},
		"client":           {[]string{"client", "no-touch", "on"}, "client|no-touch"},
		"smuggled newline": {[]string{"type\r\nflushall"}, "type\r\nflushall"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := CommandName(tt.words); got != tt.want {
				t.Errorf("CommandName(%q) = %q, want %q", tt.words, got, tt.want)
			}
		})
	}
}

// TestOwnLookups asks for keys that exist, keys that do not, of every type, and
// compares our counts with what the server itself counted.
func TestOwnLookups(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "s", "value")
	srv.Do("HSET", "h", "f", "1")
	srv.Do("RPUSH", "l", "1")
	srv.Do("SADD", "set", "1")
	srv.Do("XADD", "x", "*", "f", "1")
	srv.Do("ZADD", "z", "5", "m")
	c := open(t, srv.URL())
	ctx := context.Background()
	pipelines := [][][]string{
		{{"type", "s"}, {"type", "gone"}, {"pttl", "s"}, {"pttl", "gone"}, {"memory", "usage", "s"}, {"memory", "usage", "gone"}},
		{{"object", "encoding", "s"}, {"object", "encoding", "gone"}, {"strlen", "s"}, {"strlen", "gone"}, {"getrange", "s", "0", "3"}, {"getrange", "gone", "0", "3"}},
		{{"hlen", "h"}, {"hlen", "gone"}, {"llen", "l"}, {"llen", "gone"}, {"scard", "set"}, {"scard", "gone"}, {"xlen", "x"}, {"xlen", "gone"}, {"zcard", "z"}, {"zcard", "gone"}},
		{{"zrange", "z", "-1", "-1", "withscores"}, {"zrange", "gone", "-1", "-1"}, {"hmget", "h", "f", "g"}, {"hmget", "gone", "f", "g"}},
		{{"zcount", "z", "9", "+inf"}, {"zrange", "z", "-1", "-1"}},                         // found, though none is in the range
		{{"zcount", "gone", "9", "+inf"}, {"zrange", "gone", "-1", "-1"}},                   // missing, by the other command
		{{"zrange", "z", "-9", "-9"}, {"pttl", "z"}, {"hmget", "h", "nope"}, {"type", "h"}}, // empty, but found
		{{"zcount", "z", "9", "+inf"}}, // alone: taken as found
		{{"hlen", "s"}, {"zcount", "s", "1", "2"}, {"zcount", "s", "no number", "2"}},                                      // wrong type: found; bad argument: neither
		{{"object", "freq", "s"}, {"object", "freq", "gone"}, {"object", "idletime", "s"}, {"object", "idletime", "gone"}}, // one of them fails for every key
		{{"hgetall", "h"}, {"lrange", "l", "0", "9"}, {"lrange", "gone", "0", "9"}, {"lrange", "l", "-1", "-1"}},
		{{"lrange", "l", "5", "9"}, {"llen", "l"}},
		{{"hrandfield", "h", "3"}, {"hrandfield", "gone", "3"}, {"srandmember", "set", "3"}, {"srandmember", "gone", "3"}, {"hstrlen", "h", "f"}, {"hstrlen", "h", "nope"}, {"xrevrange", "x", "+", "-", "count", "1"}},
		{{"scan", "0"}, {"dbsize"}, {"time"}, {"ping"}, {"info"}, {"config", "get", "lfu-*"}, {"slowlog", "len"}, {"latency", "histogram"}, {"role"}, {"client", "id"}},
	}
	hits, misses := srv.Info("keyspace_hits"), srv.Info("keyspace_misses")
	for _, p := range pipelines {
		if _, err := c.Do(ctx, p...); err != nil {
			t.Fatal(err)
		}
		gotHits, gotMisses := srv.Info("keyspace_hits")-hits, srv.Info("keyspace_misses")-misses
		if float64(c.Own().Hits) != gotHits || float64(c.Own().Misses) != gotMisses {
			t.Errorf("after %v: own %d hits %d misses, the server counted %v and %v", p, c.Own().Hits, c.Own().Misses, gotHits, gotMisses)
		}
	}
	if c.Own().Hits < 15 || c.Own().Misses < 10 {
		t.Errorf("%d hits, %d misses: the test asked for more", c.Own().Hits, c.Own().Misses)
	}
}

// TestHGetAll: a hash may be read as a whole only after HLEN said that it is small.
func TestHGetAll(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("HSET", "small", "f", "1")
	srv.Do("EVAL", "for i = 1, 200 do redis.call('HSET', 'large', i, i) end", "0")
	c := open(t, srv.URL())
	for _, key := range []string{"small", "large"} {
		if _, err := c.Do(t.Context(), []string{"hgetall", key}); !isRefusal(err) {
			t.Errorf("%s, never asked for its length: %v", key, err)
		}
	}
	if _, err := c.Do(t.Context(), []string{"hlen", "small"}, []string{"hlen", "large"}); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Do(t.Context(), []string{"hgetall", "small"}); err != nil || len(r[0].([]any)) != 2 {
		t.Errorf("small: %v, %v", r, err)
	}
	if _, err := c.Do(t.Context(), []string{"hgetall", "large"}); !isRefusal(err) {
		t.Errorf("large: %v", err)
	}
	for i := range 2 * mostHashes {
		c.guard.small.learn(lengthOf(strconv.Itoa(i)))
	}
	if n := len(c.guard.small.keys); n > mostHashes {
		t.Errorf("%d hashes are remembered", n)
	}
}

func lengthOf(key string) redis.Cmder {
	cmd := redis.NewCmd(context.Background(), "hlen", key)
	cmd.SetVal(int64(1))
	return cmd
}

// TestOwnByName compares our counts with the server's commandstats.
func TestOwnByName(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+hello", "+info", "+type", "+client|setname", "+memory|usage")
	srv.Do("CONFIG", "RESETSTAT")
	c := open(t, "unix://mon:pw@"+srv.Sock)
	for range 3 {
		if _, err := c.Do(t.Context(), []string{"type", "s"}, []string{"memory", "usage", "s"}, []string{"pttl", "s"}); err != nil {
			t.Fatal(err)
		}
	}
	text, own, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if total := infoField(t, text, "total_commands_processed"); own.Commands != total-1 { // RESETSTAT itself
		t.Errorf("%d commands are ours, the server ran %d", own.Commands, total)
	}
	stats := srv.Do("INFO", "commandstats")
	for name, n := range own.ByName {
		if n > 0 && !strings.Contains(stats, fmt.Sprintf("cmdstat_%s:calls=%d,", name, n)) && name != "info" {
			t.Errorf("%s: we count %d, the server says %s", name, n, stats)
		}
	}
	if own.ByName["type"] != 3 || own.ByName["pttl"] != 0 {
		t.Errorf("by name: %v", own.ByName)
	}
}

// TestInfoIsExact reads while another goroutine causes lookups: each INFO's own
// counts must be those that the server had then.
func TestInfoIsExact(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "s", "v")
	c := open(t, srv.URL())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = c.Do(context.Background(), []string{"type", "s"}, []string{"pttl", "gone"}, []string{"type", "s"})
		}
	}()
	for range 200 {
		text, own, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if h, m := infoField(t, text, "keyspace_hits"), infoField(t, text, "keyspace_misses"); h != own.Hits || m != own.Misses {
			t.Fatalf("INFO has %d hits %d misses, ours are %d and %d: all are ours", h, m, own.Hits, own.Misses)
		}
	}
	cancel()
	<-done
	if c.Own().Hits == 0 {
		t.Error("the other goroutine did nothing")
	}
}
