package rediskeys

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

const aclRules = redisconn.ACLRules

// fake answers commands by a function and keeps what was sent.
type fake struct {
	answer func(command []string) any
	sent   [][]string
	pipes  []int
	takes  time.Duration
}

func (f *fake) Do(_ context.Context, commands ...[]string) ([]any, error) {
	time.Sleep(f.takes)
	f.pipes = append(f.pipes, len(commands))
	out := make([]any, len(commands))
	for i, c := range commands {
		f.sent = append(f.sent, c)
		out[i] = f.answer(c)
	}
	return out, nil
}

func refusal(text string) error {
	code, _, _ := strings.Cut(text, " ")
	return &redisconn.ReplyError{Code: code, Text: safe.New(text)}
}

func probes(keys ...string) [][]string {
	var out [][]string
	for _, k := range keys {
		out = append(out, []string{"pttl", k}, []string{"type", k}, []string{"memory", "usage", k})
	}
	return out
}

func manyKeys(format string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(format, i)
	}
	return keys
}

func noType(c []string) any {
	if c[0] == "type" {
		return refusal("NOPERM this user has no permissions to run the 'type' command")
	}
	return int64(5)
}

func closed(c []string) any {
	if strings.HasPrefix(c[len(c)-1], "secret:") {
		return refusal("NOPERM No permissions to access a key")
	}
	return int64(5)
}

func noMemory(c []string) any {
	if c[0] == "memory" {
		return refusal("ERR unknown command 'memory', with args beginning with: 'usage'")
	}
	return int64(5)
}

func TestGate(t *testing.T) {
	none := func([]string) any { return int64(5) }
	tests := map[string]struct {
		answer   func([]string) any
		keys     []string
		sent     int // commands that reached the server
		refusals int // of them refused
		note     string
	}{
		"all permitted":     {none, manyKeys("p:%d", 60), 180, 0, ""},
		"no TYPE":           {noType, manyKeys("p:%d", 60), 121, 1, "TYPE is not permitted: types are unknown (ACL SETUSER name +type)"},
		"no MEMORY":         {noMemory, manyKeys("p:%d", 60), 121, 1, "the server has no MEMORY USAGE: sizes are unknown ()"},
		"a closed prefix":   {closed, append(manyKeys("secret:%d", 30), manyKeys("p:%d", 30)...), 91, 1, "keys of 1 prefixes may not be read: secret: (ACL SETUSER name %R~*)"},
		"keys without ones": {none, manyKeys("k%d", 2000), 6000, 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: tt.answer}
			c := ofFake(f, Config{})
			for range 2 {
				replies, err := c.walkers[0].gate.do(t.Context(), probes(tt.keys...))
				if err != nil || slices.Contains(replies, nil) {
					t.Fatalf("replies %v, %v", replies, err)
				}
			}
			refused := 0
			for _, s := range f.sent {
				if _, bad := tt.answer(s).(error); bad {
					refused++
				}
			}
			if len(f.sent) != 2*tt.sent-tt.refusals || refused != tt.refusals || slices.Max(f.pipes) > 100 {
				t.Errorf("sent %d in two rounds, refused %d, longest pipeline %d", len(f.sent), refused, slices.Max(f.pipes))
			}
			if got := strings.TrimSpace(notesText(c)); got != tt.note {
				t.Errorf("notes %q, want %q", got, tt.note)
			}
		})
	}
}

// TestLimitedUsers: on a real server, what is refused is missing by name, was
// refused once, and the rest works.
func TestLimitedUsers(t *testing.T) {
	tests := map[string]struct {
		keys  string
		minus string
		note  string
		check func(*snapshot.Keys) bool
	}{
		"no MEMORY": {"~*", "-memory|usage", "MEMORY USAGE is not permitted: sizes are unknown (ACL SETUSER name +memory|usage)",
			func(k *snapshot.Keys) bool { return len(k.Cache) == 202 && !k.Cache[0].Bytes.OK && k.Cache[0].Reads.OK }},
		"no SCAN": {"~*", "-scan", "SCAN is not permitted: no key can be found (ACL SETUSER name +scan)",
			func(k *snapshot.Keys) bool { return len(k.Cache) == 50 && len(k.Limiters) == 0 && k.Coverage.V == 0 }},
		"no PTTL": {"~*", "-pttl", "PTTL is not permitted: lifetimes are unknown (ACL SETUSER name +pttl)",
			func(k *snapshot.Keys) bool {
				return len(k.Cache) == 202 && !k.Cache[0].TTLSeconds.OK && !k.Cache[0].NoTTL
			}},
		"no TYPE": {"~*", "-type", "TYPE is not permitted: types are unknown (ACL SETUSER name +type)",
			func(k *snapshot.Keys) bool { return len(k.Cache) == 202 && k.Cache[0].Type == "" }},
		"no TIME": {"~*", "-time", "TIME is not permitted: the local clock is used for the limiters (ACL SETUSER name +time)",
			func(k *snapshot.Keys) bool { return len(k.Limiters) == 76 && k.Limiters[0].Used == snapshot.Known(30) }},
		"no DBSIZE": {"~*", "-dbsize", "DBSIZE is not permitted: coverage is unknown (ACL SETUSER name +dbsize)",
			func(k *snapshot.Keys) bool { return len(k.Limiters) == 76 && k.Coverage == snapshot.Known(1) }},
		"no HMGET": {"~*", "-hmget", "HMGET is not permitted: tiers and limits are unknown (ACL SETUSER name +hmget)",
			func(k *snapshot.Keys) bool {
				return len(k.Limiters) == 76 && k.Limiters[0].Used.OK && !k.Limiters[0].Limit.OK
			}},
		"no ZCOUNT": {"~*", "-zcount", "ZCOUNT is not permitted: what the limiters' subjects used is unknown (ACL SETUSER name +zcount)",
			func(k *snapshot.Keys) bool {
				return len(k.Limiters) == 76 && !k.Limiters[0].Used.OK && k.Limiters[0].Limit.OK
			}},
		"no ZRANGE": {"~*", "-zrange", "ZRANGE is not permitted: the app's counts of reads and the limiters are unknown (ACL SETUSER name +zrange)",
			func(k *snapshot.Keys) bool {
				return len(k.Limiters) == 0 && len(k.Cache) == 202 && !k.Cache[0].Reads.OK
			}},
		"only the cache": {"~product:*", "+type", "may not be read: access_frequency, categories, rate_limit: (ACL SETUSER name %R~*)",
			func(k *snapshot.Keys) bool { return len(k.Cache) == 200 && len(k.Limiters) == 0 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, srv := limited(t, tt.keys, tt.minus)
			collect(t, c)
			k := until(t, c, 10*time.Second, func(k *snapshot.Keys) bool { return k.Coverage.V == 1 || tt.minus == "-scan" })
			if !tt.check(k) {
				t.Errorf("%d cache keys, %d limiters, coverage %v", len(k.Cache), len(k.Limiters), k.Coverage)
			}
			if notes := notesText(c); !strings.Contains(notes, tt.note) || strings.Count(notes, "\n") != 1 {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			_, count, _ := strings.Cut(srv.Do("INFO", "errorstats"), "errorstat_NOPERM:count=")
			if n, err := strconv.Atoi(strings.TrimSpace(count)); err != nil || n < 1 || n > 5 {
				t.Errorf("refusals on the server: %q", count)
			}
		})
	}
}

// limited is a collector whose user lacks a right, on a server with the demo's
// keys.
func limited(t *testing.T, keys, minus string) (*Collector, *redistest.Server) {
	t.Helper()
	srv := redistest.Start(t)
	seedDemo(srv, 39)
	aclUser(srv, keys, minus)
	return eager(t, "unix://mon:pw@"+srv.Sock), srv
}
