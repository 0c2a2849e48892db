package ratelimit

import (
	"crypto/md5"  //nolint:gosec // as frameworks name their keys
	"crypto/sha1" //nolint:gosec // as above
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ordinaryKeys are names of keys that are no limiter's, as the usual frameworks
// make them.
func ordinaryKeys(now int64) []string {
	forms := []string{
		"product:%d", "user:%d", "user:%d:profile", "users/%d", "cart:%d:items", "order:%d:lines",
		"session:%x", "sess:%x", "spring:session:sessions:%x", "PHPREDIS_SESSION:%x", "django.contrib.sessions.cache%x",
		":1:products:list:%d", ":1:views.decorators.cache.cache_page..GET.%x.en-us.UTC", "celery-task-meta-%x", "_kombu.binding.celery%d",
		"bull:emails:%d", "bull:emails:%d:lock", "bull:emails:limiter%d", "queue:default:%d", "resque:gitlab:worker:%d", "stat:processed:2026-11-%d",
		"views/products/%d-20261124/index", "myCache::%d", "redis-myCache::%d", "fastapi-cache::%x", "app.viewsget_product(%d,)[]",
		"expensive_calculation:-49123456789%d", "lock:invoice:%d", "redlock:%d", "leader:%x", "feature:%d", "config:site:%d", "i18n:en:%d",
		"stats:hits:%d", "counter:%d", "page_views_%d", "metrics_http_total_%d", "online_users_count_%d", "exchange:USD:EUR:%d", "rate_card:%d",
		"price:limited-edition:%d", "bucketlist:%d", "geo:203.0.113.9:city:%d", "dns:203.0.113.9", "cache:203.0.113.9", "ip:198.51.100.7", "unlimited:%d",
		"laravel_database_laravel_cache_settings%d", "wp:options:alloptions:%d", "drupal:render:%x", "symfony.cache:%x", "tags:%x", "sidekiq:cron:job:%d",
		"throttle_report:%d", "quota_doc:%d", "timer:%d", "egg:timer", "job:%d:timer", "LIMITS:%d", "otp:%d", "token:%x", "refresh:%x", "csrf:%x",
	}
	var keys []string
	for i := range 8 {
		for _, f := range forms {
			arg := any(i*7919 + 42)
			if strings.Contains(f, "%x") {
				sum := sha1.Sum(fmt.Append(nil, f, i)) //nolint:gosec // a name
				arg = sum[:]
				if i%2 == 1 {
					short := md5.Sum(sum[:]) //nolint:gosec // a name
					arg = short[:]
				}
			}
			key := f
			if strings.Contains(f, "%") {
				key = fmt.Sprintf(f, arg)
			}
			keys = append(keys, key)
		}
	}
	return append(keys, fmt.Sprintf("backup_done_%d", now))
}

// ordinaryValues are what is in such keys, by type: counters, times, JSON,
// pickles, serialized objects, hashes.
func ordinaryValues(now int64) map[string]map[string][]any {
	hour := int64(time.Hour / time.Millisecond)
	none := []any{nil, nil, nil, nil, nil, nil}
	texts := []string{
		"123", "1", "0", "-1", "99999999999999999999", strconv.FormatInt(now, 10), strconv.FormatInt(now*1000, 10), strconv.FormatInt(now*1e9+1e15, 10), strconv.FormatInt(now+3600, 10),
		"1.0934", `{"id":42}`, "PONG", "", "i:5;", `s:3:"abc";`, `O:8:"stdClass":1:{s:1:"a";d:1.5;}`,
		"\x80\x05]\x94.", "\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.", "\x80\x05}\x94.", "\x04\x08i\x06",
		"\x00\x00\x00\x01\x00\x00\x00\x01", "\x00\x00\x00\x02", "\xac\xed\x00\x05", "\x1f\x8b\x08", strings.Repeat("x", 2048),
	}
	strs := map[string][]any{}
	for i, v := range texts {
		strs[strconv.Itoa(i)] = []any{v, hour}
	}
	return map[string]map[string][]any{
		"string": strs,
		"hash":   {"other fields": {none, int64(6)}, "numbers": {[]any{"1", "2", nil, nil, nil}, int64(2)}},
		"list":   {"jobs": {[]any{`{"job":1}`, `{"job":2}`}, int64(-1)}, "ids": {[]any{"1", "2", "3"}, int64(-1)}},
	}
}

// TestOrdinary: what is no limiter's is not taken for one, whatever is in it,
// unless its name is that of a layout and its value fits.
func TestOrdinary(t *testing.T) {
	now := int64(1795549258)
	layouts := Layouts()
	claimed := 0
	keys := ordinaryKeys(now)
	for _, key := range keys {
		if _, ok := Match(layouts, key); ok {
			claimed++
		}
		for kind, values := range ordinaryValues(now) {
			for name, v := range values {
				got, err := read(layouts, key, Known{}, float64(now), func(asks [][]string) ([]any, error) {
					return answerAll(asks, kind, v), nil
				})
				if err != nil || got.Found {
					t.Errorf("%q of type %s (%s) is taken for %+v: %v", key, kind, name, got.Limiter, err)
				}
			}
		}
	}
	// Each costs a look at its type and value, once in a while.
	if share := float64(claimed) / float64(len(keys)); share > 0.35 {
		t.Errorf("%.0f %% of ordinary names are looked at", share*100)
	}
	if len(keys) < 400 {
		t.Errorf("only %d names", len(keys))
	}
}

// answerAll answers as a server would that has only one key, with value v and
// lifetime as its second part.
func answerAll(asks [][]string, kind string, v []any) []any {
	var replies []any
	first := ""
	for _, ask := range asks {
		if first == "" {
			first = ask[1]
		}
		switch {
		case ask[1] != first:
			replies = append(replies, missing(ask[0]))
		case ask[0] == "type":
			replies = append(replies, kind)
		case ask[0] == "pttl", ask[0] == "hlen", ask[0] == "strlen":
			replies = append(replies, v[1])
		default:
			replies = append(replies, v[0])
		}
	}
	return replies
}

func missing(command string) any {
	switch command {
	case "pttl":
		return int64(-2)
	case "getrange":
		return ""
	case "hmget":
		return []any{nil, nil, nil, nil, nil}
	}
	return nil
}

// TestCollisions: keys that two kinds of limiters name alike, by type and value.
func TestCollisions(t *testing.T) {
	const now = 1795549258.0
	ns := func(ahead float64) string { return strconv.FormatInt(int64((now+ahead)*1e9), 10) }
	tests := map[string]struct {
		key, kind string
		v         []any
		layout    string
	}{
		"rate: time":            {"rate:7", "string", []any{fmt.Sprintf("%.6f", now-1483228800+10), int64(10000)}, "redis_rate"},
		"rate: hash":            {"rate:7", "hash", []any{[]any{"17.2", strconv.FormatInt(int64(now*1e6), 10)}, int64(3000)}, "traefik"},
		"rate: currency":        {"rate:USD", "string", []any{"1.0934", int64(10000)}, ""},
		"rate: forever":         {"rate:USD", "string", []any{"312320432.7", int64(-1)}, ""},
		"rl: count":             {"rl:7", "string", []any{"3", int64(10000)}, "rate-limit-redis"},
		"rl: text":              {"rl:7", "string", []any{"3 per minute", int64(10000)}, ""},
		"rl: cache":             {":1:rl:" + strings.Repeat("a", 64), "string", []any{"3", int64(10000)}, "django-ratelimit"},
		"rl: Envoy's prefix":    {fmt.Sprintf("rl:edge_path_/orders_%d", int64(now)/60*60), "string", []any{"3", int64(62000)}, "envoy"},
		"limiter: count":        {"limiter:7", "string", []any{"3", int64(10000)}, "ulule-limiter"},
		"limiter: address":      {"limiter:203.0.113.9", "hash", []any{[]any{"3", nil, nil, nil, nil}, int64(5000)}, ""},
		"name and time":         {"user-limit:7", "string", []any{ns(11), int64(10900)}, "redis-cell"},
		"name, time long ago":   {"user-limit:7", "string", []any{ns(-50), int64(10900)}, ""},
		"name, time too late":   {"user-limit:7", "string", []any{ns(3600), int64(10900)}, ""},
		"name and count":        {"user-limit:7", "string", []any{"123", int64(10900)}, ""},
		"lines and time":        {"203.0.113.9\nget\n/orders\n", "string", []any{ns(11), int64(10900)}, "throttled"},
		"lines and count":       {"203.0.113.9\nget\n/orders\n", "string", []any{"3", int64(10900)}, ""},
		"window that is over":   {fmt.Sprintf("edge_path_/orders_%d", int64(now)/60*60-3600), "string", []any{"3", int64(62000)}, ""},
		"counter kept for days": {fmt.Sprintf("page_views_home_%d", int64(now)/3600*3600), "string", []any{"3", int64(7 * 86400000)}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := read(Layouts(), tt.key, Known{}, now, func(asks [][]string) ([]any, error) {
				return answerAll(asks, tt.kind, tt.v), nil
			})
			if err != nil || got.Found != (tt.layout != "") || got.Limiter.Layout != tt.layout {
				t.Errorf("got %q, found %v, %v; want %q", got.Limiter.Layout, got.Found, err, tt.layout)
			}
		})
	}
}

func TestPrefixes(t *testing.T) {
	list := Prefixes(Layouts())
	for _, must := range []string{"rate_limit:", "rate:", "rl:", "rlflx:", "plugin-limit-count", "request_rate_limiter."} {
		if !slices.Contains(list, must) {
			t.Errorf("%q is missing in %q", must, list)
		}
	}
	for _, a := range list {
		for _, b := range list {
			if a != b && strings.HasPrefix(b, a) {
				t.Errorf("%q begins %q", a, b)
			}
		}
	}
}

func TestNeighbours(t *testing.T) {
	for key, is := range map[string]bool{
		"rate_limit_meta:42": true, "request_rate_limiter.{orders.42}.timestamp": true, "LIMITS:{LIMITER/a/b/1/1/minute}/-1": true,
		"@upstash/ratelimit:dynamic:global": true, "limit_req:7last": true,
		"rate_limit:42:/orders": false, "request_rate_limiter.{orders.42}.tokens": false, "product:42": false, "LIMITS:{LIMITER/a/b/1/1/minute}": false,
	} {
		if IsNeighbour(Layouts(), key) != is {
			t.Errorf("%q: %v", key, !is)
		}
	}
}

// TestManual: the README's table has every layout.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Layouts() {
		if !strings.Contains(string(text), "`"+l.Name+"`") {
			t.Errorf("%s is not in the README", l.Name)
		}
		if l.Limit == "" || l.Type == "" {
			t.Errorf("%s does not say of what type its keys are and how its limit is known", l.Name)
		}
	}
}
