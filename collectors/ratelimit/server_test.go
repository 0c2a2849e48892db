package ratelimit

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/redisconn"
	"apitop/demoapi/servertest"
)

// set is what a limiter has written at a time, given as its commands.
type set struct {
	key      string
	told     Quota
	commands func(now float64) [][]any
	want     want
}

// num is a number that is to be known.
func num(v float64) *float64 { return &v } //nolint:modernize // new(3) is no float64

func config(limit, window, burst float64) Quota {
	return Quota{Limit: limit, Window: window, Burst: burst, From: "config"}
}

func whole(v float64) string { return fmt.Sprintf("%.0f", math.Floor(v)) }

// serverSets are states that need the present time, of every kind of value.
func serverSets() map[string]set {
	all := map[string]set{}
	for _, part := range []map[string]set{countSets(), paceSets(), windowSets(), otherSets(), oddSets()} {
		maps.Copy(all, part)
	}
	return all
}

// countSets are counts that end with their keys.
func countSets() map[string]set {
	fixed := func(layout, key string, w want) set {
		w.Layout, w.Algorithm, w.Used, w.Resets = layout, "fixed-window", num(3), num(50)
		return set{key: key, want: w, commands: func(float64) [][]any { return [][]any{{"set", key, 3, "px", 50000}} }}
	}
	return map[string]set{
		"rate-limit-redis":      fixed("rate-limit-redis", "rl:2001:db8::/56", want{Subject: "2001:db8::/56"}),
		"rate-limiter-flexible": fixed("rate-limiter-flexible", "rlflx:42", want{Subject: "user:42"}),
		"ulule":                 fixed("ulule-limiter", "limiter:203.0.113.9", want{Subject: "203.0.113.9"}),
		"fastapi, older": fixed("fastapi-limiter", "fastapi-limiter:203.0.113.9:/orders/7:0",
			want{Subject: "203.0.113.9", Endpoint: "/orders/7"}),
		"limits": fixed("limits", "flask:LIMITER/203.0.113.9/api.orders/100/2/minute",
			want{Subject: "203.0.113.9", Endpoint: "api.orders", Limit: num(100), LimitFrom: "key", Window: num(120)}),
		"apisix": fixed("apisix", "plugin-limit-count:v1:shared:203.0.113.9", want{Subject: "203.0.113.9", Endpoint: "shared"}),
	}
}

// paceSets are arrival times and buckets.
func paceSets() map[string]set {
	return map[string]set{
		"redis_rate": {key: "rate:7", told: config(60, 60, 0),
			want: want{Layout: "redis_rate", Algorithm: "gcra", Subject: "user:7", Used: num(10), Limit: num(60), LimitFrom: "config", Window: num(60), Resets: num(10)},
			commands: func(now float64) [][]any {
				return [][]any{{"set", "rate:7", fmt.Sprintf("%.8f", now-1483228800+10), "ex", 10}}
			}},
		"throttled, at its limit": {key: "web:203.0.113.9\npost\n/orders\n", told: config(20, 60, 5),
			want: want{Layout: "throttled", Algorithm: "gcra", Subject: "203.0.113.9", Endpoint: "/orders", Used: num(5), Limit: num(5), LimitFrom: "config", Window: num(15), Resets: num(3)},
			commands: func(now float64) [][]any {
				return [][]any{{"set", "web:203.0.113.9\npost\n/orders\n", whole(now+15) + "000000000", "ex", 15}}
			}},
		"traefik": {key: "rate:203.0.113.9", told: config(2, 1, 20),
			want: want{Layout: "traefik", Algorithm: "token-bucket", Subject: "203.0.113.9", Used: num(20), Limit: num(20), LimitFrom: "config", Window: num(10), Blocked: true, Resets: new(0.5)},
			commands: func(now float64) [][]any {
				return [][]any{{"hset", "rate:203.0.113.9", "last", fmt.Sprintf("%.0f", (now+0.4)*1e6), "tokens", "0.05"}, {"expire", "rate:203.0.113.9", 11}}
			}},
		"sethvargo": {key: "throttle/bob",
			want: want{Layout: "sethvargo-limiter", Algorithm: "token-bucket", Subject: "bob", Endpoint: "throttle", Used: num(5), Limit: num(5), LimitFrom: "key", Window: num(60), Blocked: true, Resets: num(50)},
			commands: func(now float64) [][]any {
				return [][]any{{"hset", "throttle/bob", "s", fmt.Sprintf("%.17g", (now-70)*1e9), "t", 1, "i", "60000000000", "k", 0, "m", 5}, {"expire", "throttle/bob", 180}}
			}},
		"spring": {key: "request_rate_limiter.{users.bob@example.com}", told: config(0.1, 1, 20),
			want: want{Layout: "spring-gateway", Algorithm: "token-bucket", Subject: "bob@example.com", Endpoint: "users", Limit: num(20), LimitFrom: "config", Used: num(3), Window: num(200)},
			commands: func(now float64) [][]any {
				return [][]any{{"hset", "request_rate_limiter.{users.bob@example.com}", "tokens", 17, "timestamp", whole(now)}, {"expire", "request_rate_limiter.{users.bob@example.com}", 400}}
			}},
	}
}

// windowSets are windows that keys name.
func windowSets() map[string]set {
	return map[string]set{
		"upstash, two windows": {key: "@upstash/ratelimit:api:%d", told: config(10, 3600, 0),
			want: want{Layout: "upstash", Algorithm: "sliding-window", Subject: "api", Limit: num(10), LimitFrom: "config", Used: num(3), Window: num(3600)},
			commands: func(now float64) [][]any {
				b := math.Floor(now / 3600)
				return [][]any{{"set", "@upstash/ratelimit:api:" + whole(b), 3, "px", 7200000}, {"set", "@upstash/ratelimit:api:" + whole(b-1), 0, "px", 3600000}}
			}},
		"upstash, regions": {key: "@upstash/ratelimit:geo:%d",
			want: want{Layout: "upstash", Algorithm: "fixed-window", Subject: "geo", Used: num(2), Window: num(3600)},
			commands: func(now float64) [][]any {
				key := "@upstash/ratelimit:geo:" + whole(now/3600)
				return [][]any{{"hset", key, "req1", 1, "req2", 1}, {"pexpire", key, 3600000}}
			}},
		"limits, list": {key: "LIMITS:LIMITER/203.0.113.9/2/1/hour",
			want: want{Layout: "limits", Algorithm: "sliding-log", Subject: "203.0.113.9", Used: num(2), Limit: num(2), LimitFrom: "key", Window: num(3600), Resets: num(600)},
			commands: func(now float64) [][]any {
				key := "LIMITS:LIMITER/203.0.113.9/2/1/hour"
				return [][]any{{"rpush", key, now - 10, now - 3000, now - 3700}, {"expire", key, 3590}}
			}},
		"rack::attack, a day": {key: "rack::attack:%d:logins/email:bob@example.com",
			want: want{Layout: "rack-attack", Algorithm: "fixed-window", Subject: "bob@example.com", Endpoint: "logins/email", Used: num(6), Window: num(86400)},
			commands: func(now float64) [][]any {
				return [][]any{{"set", "rack::attack:" + whole(now/86400) + ":logins/email:bob@example.com", 6, "ex", whole(86401 - math.Mod(now, 86400))}}
			}},
	}
}

// otherSets are keys with another one beside, and sets.
func otherSets() map[string]set {
	return map[string]set{
		"laravel": {key: "acme-database-acme-cache-" + strings.Repeat("5d41402a", 4),
			want: want{Layout: "laravel", Algorithm: "fixed-window", Subject: strings.Repeat("5d41402a", 4), Used: num(4), Resets: num(30)},
			commands: func(now float64) [][]any {
				key := "acme-database-acme-cache-" + strings.Repeat("5d41402a", 4)
				return [][]any{{"set", key, 4, "ex", 30}, {"set", key + ":timer", whole(now + 30.5), "ex", 30}}
			}},
		"concurrency": {key: "limit_conn:203.0.113.9",
			want: want{Layout: "apisix-limit-conn", Algorithm: "concurrency", Subject: "203.0.113.9", Used: num(1)},
			commands: func(now float64) [][]any {
				return [][]any{{"zadd", "limit_conn:203.0.113.9", now - 5, "gone", now + 50, "here"}, {"expire", "limit_conn:203.0.113.9", 50}}
			}},
		"leaky, in two keys": {key: "limit_req:203.0.113.9excess", told: config(1, 10, 0),
			want: want{Layout: "apisix-limit-req", Algorithm: "leaky-bucket", Subject: "203.0.113.9", Used: num(2), Limit: num(1), LimitFrom: "config", Window: num(10), Resets: num(15)},
			commands: func(now float64) [][]any {
				return [][]any{{"set", "limit_req:203.0.113.9excess", 2000}, {"set", "limit_req:203.0.113.9last", fmt.Sprintf("%.3f", (now-5)*1000)}}
			}},
	}
}

// oddSets are keys that never end, and bans.
func oddSets() map[string]set {
	return map[string]set{
		"a log without end": {key: "rate_limit:42:/orders", told: config(2, 3600, 0),
			want: want{Layout: "tutorial", Algorithm: "sliding-log-seconds", Subject: "user:42", Endpoint: "/orders", Used: num(3), Limit: num(2), LimitFrom: "config",
				Window: num(3600), Resets: num(3580), Lint: []string{LintWholeSeconds, LintNoTTL, LintOverLimit}},
			commands: func(now float64) [][]any {
				add := []any{"zadd", "rate_limit:42:/orders"}
				for _, ago := range []float64{4000, 30, 20, 10} {
					add = append(add, whole(now-ago+0.5), whole(now-ago+0.5))
				}
				return [][]any{add}
			}},
		"a count without end": {key: "rl:7",
			want:     want{Layout: "rate-limit-redis", Algorithm: "fixed-window", Subject: "user:7", Used: num(3), Lint: []string{LintNoTTL}},
			commands: func(float64) [][]any { return [][]any{{"set", "rl:7", 3}} }},
		"a ban": {key: "rack::attack:allow2ban:ban:1.2.3.4",
			want:     want{Layout: "rack-attack-ban", Algorithm: "ban", Subject: "1.2.3.4", Endpoint: "allow2ban", Blocked: true, Resets: num(300)},
			commands: func(float64) [][]any { return [][]any{{"set", "rack::attack:allow2ban:ban:1.2.3.4", 1, "ex", 300}} }},
	}
}

// server is a private server, and apitop's own guarded connection to it.
type server struct {
	t      *testing.T
	client *redis.Client
	conn   *redisconn.Conn
}

func startServer(t *testing.T) server {
	t.Helper()
	r := servertest.StartRedis(t)
	target, err := redisconn.Parse("unix://" + r.Socket)
	if err != nil {
		t.Fatal(err)
	}
	s := server{t: t, client: r.Client(), conn: redisconn.Open(target)}
	t.Cleanup(func() { _, _ = s.client.Close(), s.conn.Close() })
	return s
}

func (s server) do(commands ...[]any) {
	s.t.Helper()
	for _, c := range commands {
		if err := s.client.Do(s.t.Context(), c...).Err(); err != nil {
			s.t.Fatalf("%v: %v", c, err)
		}
	}
}

func (s server) now() float64 {
	s.t.Helper()
	at, err := s.client.Time(s.t.Context()).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return float64(at.UnixMicro()) / 1e6
}

// read reads a key as package rediskeys does, with the commands that may be sent.
func (s server) read(key string, k Known) Reading {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	got, err := read(Layouts(), key, k, s.now(), func(asks [][]string) ([]any, error) {
		replies, err := s.conn.Do(ctx, asks...)
		for i, r := range replies {
			if err, bad := r.(error); bad {
				s.t.Errorf("%q: %v", asks[i], err)
			}
		}
		return replies, err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// TestServer reads keys as limiters write them, on a real server, through the
// commands that may be sent and without one that is refused or of a wrong type.
func TestServer(t *testing.T) {
	s := startServer(t)
	for name, tt := range serverSets() {
		s.t = t
		now := s.now()
		s.do(tt.commands(now)...)
		t.Run(name, func(t *testing.T) {
			s.t = t
			key := tt.key
			if strings.Contains(key, "%d") {
				key = s.present(key)
			}
			got := s.read(key, Known{Told: tt.told})
			if !got.Found {
				t.Fatalf("%q is not found", key)
			}
			if err := tt.want.check(got.Limiter); err != nil {
				t.Error(err)
			}
		})
	}
}

// present is the key that is there with a number in the place of %d.
func (s server) present(form string) string {
	s.t.Helper()
	keys, err := s.client.Keys(s.t.Context(), strings.ReplaceAll(form, "%d", "*")).Result()
	if err != nil || len(keys) == 0 {
		s.t.Fatalf("%s: %v, %v", form, keys, err)
	}
	newest := keys[0]
	for _, k := range keys {
		newest = max(newest, k)
	}
	return newest
}

// TestServerMoves follows keys over some requests: one whose lifetime each of
// them renews, and one that a block prolongs.
func TestServerMoves(t *testing.T) {
	s := startServer(t)
	s.do([]any{"set", "rl:7", 1, "px", 20000}, []any{"set", "rlflx:7", 5, "px", 20000}, []any{"set", "limiter:7", 1, "px", 20000})
	rl, flx, ulule := s.read("rl:7", Known{}), s.read("rlflx:7", Known{}), s.read("limiter:7", Known{})
	s.do([]any{"incr", "rl:7"}, []any{"pexpire", "rl:7", 25000}, []any{"set", "rlflx:7", 7, "px", 300000}, []any{"incr", "limiter:7"})
	rl, flx, ulule = s.read("rl:7", rl.Known), s.read("rlflx:7", flx.Known), s.read("limiter:7", ulule.Known)
	if len(rl.Limiter.Lint) != 1 || rl.Limiter.Lint[0] != LintNeverResets {
		t.Errorf("renewed lifetime: %v", rl.Limiter.Lint)
	}
	if !flx.Limiter.Blocked || len(flx.Limiter.Lint) != 0 || flx.Limiter.ResetsSeconds.V < 290 {
		t.Errorf("block: %+v", flx.Limiter)
	}
	if l := ulule.Limiter; l.Blocked || len(l.Lint) != 0 || l.Used.V != 2 {
		t.Errorf("ordinary: %+v", l)
	}
	s.do([]any{"del", "rl:7", "rlflx:7"}, []any{"hset", "rlflx:7", "a", 1})
	if got := s.read("rl:7", rl.Known); got.Found {
		t.Errorf("a key that is gone: %+v", got)
	}
}
