package rediskeys

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redislive"
	"apitop/collectors/snapshot"
)

// scriptedLimiter writes what a limiter writes, called as its library calls it.
type scriptedLimiter struct {
	script        string
	keys          func(subject string, now time.Time) []string
	args          func(now time.Time) []string
	limit, window float64 // wanted
}

// scriptedLimiters are of each kind of arguments; the order of those is that of
// redis_rate v10, Traefik v3.3, Spring Cloud Gateway 4, fastapi-limiter 0.1.6 and
// @upstash/ratelimit 2.
func scriptedLimiters() map[string]scriptedLimiter {
	one := func(format string) func(string, time.Time) []string {
		return func(subject string, _ time.Time) []string { return []string{fmt.Sprintf(format, subject)} }
	}
	fixed := func(list ...string) func(time.Time) []string { return func(time.Time) []string { return list } }
	return map[string]scriptedLimiter{
		"redis_rate": {
			script: `local t = redis.call('TIME'); local now = t[1] - 1483228800 + t[2] / 1e6
local pace = ARGV[3] / ARGV[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + pace * ARGV[4]
if tat - pace * ARGV[1] > now then return 0 end
redis.call('SET', KEYS[1], string.format('%.8f', tat), 'EX', math.ceil(tat - now)); return 1`,
			keys: one("rate:%s"), args: fixed("20", "1", "60", "1"), limit: 20, window: 1200,
		},
		"traefik": {
			script: `redis.call('HSET', KEYS[1], 'last', ARGV[4], 'tokens', ARGV[2] - 1); return redis.call('EXPIRE', KEYS[1], ARGV[3])`,
			keys:   one("rate:%s"),
			args: func(now time.Time) []string {
				return []string{"0.000005", "50", "60", strconv.FormatInt(now.UnixMicro(), 10), "500000"}
			}, limit: 50, window: 10,
		},
		"spring-gateway": {
			script: `redis.call('HSET', KEYS[1], 'tokens', ARGV[2] - 1, 'timestamp', redis.call('TIME')[1]); return redis.call('EXPIRE', KEYS[1], math.floor(ARGV[2] / ARGV[1] * 2))`,
			keys:   one("request_rate_limiter.{orders.%s}"), args: fixed("10", "40", "", "1"), limit: 40, window: 4,
		},
		"fastapi-limiter": {
			script: `if redis.call('INCR', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end`,
			keys:   one("fastapi-limiter:%s:/orders:0:0"), args: fixed("300", "120000"), limit: 300, window: 120,
		},
		"upstash": {
			script: `redis.call('GET', KEYS[2]); if redis.call('INCRBY', KEYS[1], ARGV[4]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[3] * 2 + 1000) end`,
			keys: func(subject string, now time.Time) []string {
				window := now.UnixMilli() / 60_000
				key := func(n int64) string { return "@upstash/ratelimit:" + subject + ":" + strconv.FormatInt(n, 10) }
				return []string{key(window), key(window - 1)}
			},
			args: func(now time.Time) []string {
				return []string{"500", strconv.FormatInt(now.UnixMilli(), 10), "60000", "1"}
			}, limit: 500, window: 60,
		},
	}
}

func (l *scriptedLimiter) call(srv *redistest.Server, subject string) {
	now := time.Now()
	keys := l.keys(subject, now)
	words := append([]string{"EVAL", l.script, strconv.Itoa(len(keys))}, keys...)
	srv.Do(append(words, l.args(now)...)...)
}

// TestLimitsByScript: a burst hears what a limiter's script is called with, which
// tells the limit of its keys, and of one that was not heard.
func TestLimitsByScript(t *testing.T) {
	for layout, l := range scriptedLimiters() {
		t.Run(layout, func(t *testing.T) {
			srv := redistest.Start(t)
			c := listener(t, srv.URL(), redislive.Options{Monitor: true})
			l.call(srv, "quiet")
			meanwhile(t, func(i int) { l.call(srv, strconv.Itoa(1+i%4)) })
			told := func(k *snapshot.Keys) bool {
				n, quiet := 0, false
				for _, lim := range k.Limiters {
					if lim.Layout == layout && lim.LimitFrom == "monitor" {
						n++
						quiet = quiet || lim.Subject.Raw() == "quiet" || lim.Subject.Raw() == "user:quiet"
					}
				}
				return n >= 5 && quiet
			}
			k := until(t, c, 20*time.Second, told)
			for _, lim := range k.Limiters {
				if lim.Limit != snapshot.Known(l.limit) || lim.WindowSeconds.V < l.window-0.01 || lim.WindowSeconds.V > l.window+0.01 {
					t.Errorf("%s: limit %v in %v s, want %v in %v", lim.Key, lim.Limit, lim.WindowSeconds, l.limit, l.window)
				}
			}
		})
	}
}
