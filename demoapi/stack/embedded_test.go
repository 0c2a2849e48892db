package stack

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
)

func startSimulation(t *testing.T) (*embedded, *redis.Client) {
	t.Helper()
	e, err := startEmbedded("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := connectRedis(t, e.url())
	t.Cleanup(func() {
		_ = c.Close()
		e.close()
	})
	return e, c
}

// infoFields asks for sections of INFO and splits them as a monitor does.
func infoFields(t *testing.T, c *redis.Client, sections ...string) map[string]string {
	t.Helper()
	text, err := c.Info(t.Context(), sections...).Result()
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok {
			fields[k] = v
		} else if line != "" && !strings.HasPrefix(line, "# ") {
			t.Errorf("neither a field nor a heading: %q", line)
		}
	}
	return fields
}

func TestEmbeddedTimePasses(t *testing.T) {
	_, c := startSimulation(t)
	ctx := t.Context()
	if err := c.Set(ctx, "soon", "x", 400*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(ctx, "later", "x", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	within(t, time.Second, "the time to live falls", func() bool {
		left, err := c.PTTL(ctx, "soon").Result()
		return err == nil && left > 0 && left < 350*time.Millisecond
	})
	within(t, 2*time.Second, "the key is gone", func() bool { return c.Exists(ctx, "soon").Val() == 0 })
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("gone after %v already", took)
	}
	within(t, time.Second, "it counts as expired", func() bool {
		f := infoFields(t, c, "stats", "keyspace")
		return f["expired_keys"] == "1" && strings.HasPrefix(f["db0"], "keys=1,expires=1,avg_ttl=35")
	})
}

func TestEmbeddedInfo(t *testing.T) {
	_, c := startSimulation(t)
	ctx := t.Context()
	if err := c.MSet(ctx, "a", strings.Repeat("x", 10_000), "b", "1").Err(); err != nil {
		t.Fatal(err)
	}
	c.ZAdd(ctx, "z", redis.Z{Score: 1, Member: "m"})
	c.HSet(ctx, "h", "f", "v")
	c.Get(ctx, "a")                    // hit
	c.Get(ctx, "none")                 // miss
	c.MGet(ctx, "a", "b", "none")      // 2 hits, 1 miss
	c.ZCard(ctx, "z")                  // hit
	c.HGet(ctx, "h", "f")              // hit
	c.TTL(ctx, "none")                 // miss
	c.ObjectFreq(ctx, "a")             // hit, although it answers an error
	c.Do(ctx, "MEMORY", "USAGE", "a")  // free
	c.Scan(ctx, 0, "*", 10)            // free
	c.DBSize(ctx)                      // free
	c.Set(ctx, "b", "2", 0)            // a write
	c.Do(ctx, "INFO", "nosuchsection") // empty
	c.Do(ctx, "EVAL", "return redis.call('GET', KEYS[1])", 1, "a")
	f := infoFields(t, c)
	want := map[string]string{
		"keyspace_hits": "6", "keyspace_misses": "3", "evicted_keys": "0", "maxmemory": "0",
		"maxmemory_policy": "noeviction", "server_name": "miniredis", "redis_mode": "embedded", "role": "master",
		"process_id": strconv.Itoa(os.Getpid()), "connected_clients": "1", "loading": "0",
	}
	for k, v := range want {
		if f[k] != v {
			t.Errorf("%s = %q, want %q", k, f[k], v)
		}
	}
	if n, err := strconv.Atoi(f["used_memory"]); err != nil || n < 10_000 || n > 20_000 {
		t.Errorf("used_memory = %q", f["used_memory"])
	}
	if n, err := strconv.Atoi(f["total_commands_processed"]); err != nil || n < 17 {
		t.Errorf("total_commands_processed = %q", f["total_commands_processed"])
	}
	if len(f["run_id"]) != 40 || f["used_cpu_sys"] != "" {
		t.Errorf("run_id %q, used_cpu_sys %q", f["run_id"], f["used_cpu_sys"])
	}
	if s := infoFields(t, c, "server", "memory"); s["redis_version"] == "" || s["used_memory"] == "" || s["keyspace_hits"] != "" {
		t.Errorf("two sections: %v", s)
	}
	if empty, err := c.Info(ctx, "nosuchsection").Result(); err != nil || empty != "" {
		t.Errorf("unknown section: %q %v", empty, err)
	}
	within(t, 3*time.Second, "a rate of commands", func() bool {
		n, err := strconv.Atoi(infoFields(t, c, "stats")["instantaneous_ops_per_sec"])
		return err == nil && n > 0
	})
}

// TestEmbeddedAnswers asks what a monitor asks on connecting and on its pages.
func TestEmbeddedAnswers(t *testing.T) {
	_, c := startSimulation(t)
	ctx := t.Context()
	if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []any
		want string // of the answer, or of the error behind "!"
	}{
		"policy":        {[]any{"CONFIG", "GET", "maxmemory-policy"}, "noeviction"},
		"pattern":       {[]any{"CONFIG", "GET", "maxmem*"}, "maxmemory:0"},
		"nothing known": {[]any{"CONFIG", "GET", "x"}, "map[]"},
		"set":           {[]any{"CONFIG", "SET", "maxmemory", "1"}, "!not supported by the embedded"},
		"no pattern":    {[]any{"CONFIG", "GET"}, "!wrong number"},
		"no touch":      {[]any{"CLIENT", "NO-TOUCH", "ON"}, "OK"},
		"set info":      {[]any{"CLIENT", "SETINFO", "lib-name", "x"}, "OK"},
		"client list":   {[]any{"CLIENT", "LIST"}, "!unknown subcommand"},
		"role":          {[]any{"ROLE"}, "master"},
		"frequency":     {[]any{"OBJECT", "FREQ", "k"}, "!LFU"},
		"size":          {[]any{"MEMORY", "USAGE", "k", "SAMPLES", 5}, ""},
		"slow log":      {[]any{"SLOWLOG", "LEN"}, "!unknown command"},
		"keys":          {[]any{"DBSIZE"}, "1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := c.Do(ctx, tt.args...).Text()
			if err != nil && !strings.HasPrefix(err.Error(), "redis: unexpected type") {
				text = "!" + err.Error()
			} else if err != nil {
				text = c.Do(ctx, tt.args...).String()
			}
			part, isErr := strings.CutPrefix(tt.want, "!")
			if isErr != strings.HasPrefix(text, "!") || !strings.Contains(text, part) {
				t.Errorf("answer %q, want %q", text, tt.want)
			}
		})
	}
}

// TestEmbeddedLimiter runs the demo's limiter from several connections beside
// plain reads: the shim must not wait for a script's own calls.
func TestEmbeddedLimiter(t *testing.T) {
	_, c := startSimulation(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	w, err := limit.New(limit.GCRA, c, rdb.Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r := limit.Request{Subject: "42", Tier: limit.Guest, Class: limit.Orders, Quota: limit.Quota{Limit: 30, Window: time.Second}}
	const callers, calls = 4, 20
	allowed := make(chan int, callers)
	for range callers {
		go func() {
			n := 0
			for range calls {
				res, err := w.Allow(ctx, r)
				if err != nil {
					t.Error(err)
				}
				if res.Allowed {
					n++
				}
				c.Get(ctx, "product:1")
			}
			allowed <- n
		}()
	}
	total := 0
	for range callers {
		total += <-allowed
	}
	if total < r.Quota.Limit || total > 2*r.Quota.Limit { // the window may turn over once
		t.Errorf("allowed %d of %d calls", total, callers*calls)
	}
	within(t, 5*time.Second, "the window frees its slots", func() bool {
		res, err := w.Allow(ctx, r)
		return err == nil && res.Allowed
	})
	if f := infoFields(t, c, "stats"); f["keyspace_misses"] != strconv.Itoa(callers*calls) {
		t.Errorf("lookups of scripts were counted: %v misses", f["keyspace_misses"])
	}
}

// TestEmbeddedTransaction: what is queued is counted once and stays in order.
func TestEmbeddedTransaction(t *testing.T) {
	_, c := startSimulation(t)
	ctx := t.Context()
	var get *redis.StringCmd
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "k", "v", 0)
		get = p.Get(ctx, "k")
		return nil
	})
	if err != nil || get.Val() != "v" {
		t.Error(get.Val(), err)
	}
	if err := c.Get(ctx, "absent").Err(); !errors.Is(err, redis.Nil) {
		t.Error(err)
	}
	if f := infoFields(t, c, "stats"); f["keyspace_hits"] != "0" || f["keyspace_misses"] != "2" {
		// The queued GET looked before the queued SET had run: one miss each.
		t.Errorf("hits %s, misses %s", f["keyspace_hits"], f["keyspace_misses"])
	}
}
