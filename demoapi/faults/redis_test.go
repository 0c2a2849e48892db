package faults

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/servertest"
)

// infoNumber is a number of a server's INFO.
func infoNumber(t *testing.T, c *redis.Client, field string) int64 {
	t.Helper()
	info, err := c.Info(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(line(info, field+":"), field+":")), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEviction: keys are evicted second by second, and afterwards neither limit
// nor filler is left, also after a restart in between.
func TestEviction(t *testing.T) {
	server := servertest.StartRedis(t)
	c := server.Client()
	t.Cleanup(func() { _ = c.Close() })
	ctx := t.Context()
	for parameter, value := range map[string]string{"maxmemory": "67108864", "maxmemory-policy": "allkeys-lfu"} {
		if err := c.ConfigSet(ctx, parameter, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s := started(t, Hooks{Redis: c, Servers: owner{redisServer}}, "eviction")
	for range 2 {
		last := infoNumber(t, c, "evicted_keys")
		within(t, 20*time.Second, "more keys are evicted", func() bool { return infoNumber(t, c, "evicted_keys") > last })
	}
	if used, most := infoNumber(t, c, "used_memory"), infoNumber(t, c, "maxmemory"); float64(used) < 0.9*float64(most) || most > 32<<20 {
		t.Errorf("%d of %d bytes used", used, most)
	}
	switchTo(t, s, "eviction", false)
	checkEmptied(t, c, 67108864)

	switchTo(t, s, "eviction", true)
	server.Stop()
	server.Start()
	if err := c.ConfigSet(ctx, "maxmemory-policy", "allkeys-lfu").Err(); err != nil { // the demo's starts with it
		t.Fatal(err)
	}
	within(t, 20*time.Second, "keys are evicted after a restart", func() bool { return infoNumber(t, c, "evicted_keys") > 0 })
	server.Stop()
	switchTo(t, s, "eviction", false) // nothing can be given back, and need not
	server.Start()
	checkEmptied(t, c, 0)
}

func checkEmptied(t *testing.T, c *redis.Client, maxmemory int64) {
	t.Helper()
	evicted := infoNumber(t, c, "evicted_keys")
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) > 0 || infoNumber(t, c, "maxmemory") != maxmemory {
		t.Errorf("left: %q %v, maxmemory %d", keys, err, infoNumber(t, c, "maxmemory"))
	}
	if n := infoNumber(t, c, "evicted_keys"); n != evicted {
		t.Error("keys are still evicted")
	}
}

// TestSlowRedis: scripts of about 25 ms are in the slow log, commands of others
// wait for them, and both ends.
func TestSlowRedis(t *testing.T) {
	c := servertest.StartRedis(t).Client()
	t.Cleanup(func() { _ = c.Close() })
	slow := func() (n int) {
		entries, err := c.SlowLogGet(t.Context(), 100).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.EqualFold(e.Args[0], "eval") && e.Duration >= 10*time.Millisecond {
				n++
			}
		}
		return n
	}
	s := started(t, Hooks{Redis: c, Servers: owner{redisServer}}, "slow-redis")
	within(t, 20*time.Second, "ten slow scripts", func() bool { return slow() >= 10 })
	// Of many commands some meet a script.
	within(t, 20*time.Second, "a command waits", func() bool {
		began := time.Now()
		return c.Ping(t.Context()).Err() == nil && time.Since(began) > 5*time.Millisecond
	})
	switchTo(t, s, "slow-redis", false)
	if err := c.Do(t.Context(), "SLOWLOG", "RESET").Err(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	if n := slow(); n > 0 {
		t.Errorf("%d slow scripts after it was off", n)
	}
}

func TestNextTurns(t *testing.T) {
	tests := map[string]struct {
		turns int
		took  time.Duration
		want  int
	}{
		"right":         {1_000_000, spinFor, 1_000_000},
		"a little slow": {1_000_000, 50 * time.Millisecond, 500_000},
		"held up":       {1_000_000, time.Second, 500_000},
		"a little fast": {1_000_000, 20 * time.Millisecond, 1_250_000},
		"much too fast": {1_000_000, time.Millisecond, 2_000_000},
		"no time":       {1_000_000, 0, 2_000_000},
		"at the most":   {mostTurns, time.Millisecond, mostTurns},
		"at the least":  {1000, time.Second, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := nextTurns(tt.turns, tt.took); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
