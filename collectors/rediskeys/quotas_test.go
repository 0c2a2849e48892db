package rediskeys

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestQuota(t *testing.T) {
	rx := regexp.MustCompile
	told := []LimitRule{{Endpoint: rx("^/headers$"), Limit: 7, From: "headers"}, {Layout: "ulule-limiter", Limit: 1000, From: "headers"}}
	limits := Limits{
		Rules: []LimitRule{
			{Layout: "drf", Tier: "guest", Limit: 10, WindowSeconds: 60},
			{Subject: rx("^42$"), Limit: 42},
			{Endpoint: rx("^/orders"), Limit: 30, WindowSeconds: 60, Burst: 90},
			{Layout: "ulule-limiter", Endpoint: rx("^$"), Limit: 5},
		},
		Told: func() []LimitRule { return told },
	}
	tests := map[string]struct {
		layout, subject, endpoint, tier string
		want                            ratelimit.Quota
	}{
		"by layout and tier":  {"drf", "7", "x", "guest", ratelimit.Quota{Limit: 10, Window: 60, From: "config"}},
		"another tier":        {"drf", "7", "x", "basic", ratelimit.Quota{}},
		"a bare id":           {"drf", "user:42", "x", "", ratelimit.Quota{Limit: 42, From: "config"}},
		"as written":          {"drf", "42", "x", "", ratelimit.Quota{Limit: 42, From: "config"}},
		"burst at the pace":   {"gcra", "7", "/orders/1", "", ratelimit.Quota{Limit: 90, Window: 180, From: "config"}},
		"no endpoint":         {"ulule-limiter", "7", "", "", ratelimit.Quota{Limit: 5, From: "config"}},
		"told":                {"x", "7", "/headers", "", ratelimit.Quota{Limit: 7, From: "headers"}},
		"rules before told":   {"x", "42", "/headers", "", ratelimit.Quota{Limit: 42, From: "config"}},
		"nothing fits":        {"x", "7", "/none", "", ratelimit.Quota{}},
		"told of the layout":  {"ulule-limiter", "7", "/none", "", ratelimit.Quota{Limit: 1000, From: "headers"}},
		"not a part of an id": {"drf", "user:142", "x", "", ratelimit.Quota{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := limits.quota(&snapshot.Limiter{
				Layout: tt.layout, Subject: safe.New(tt.subject), Endpoint: safe.New(tt.endpoint), Tier: safe.New(tt.tier),
			})
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if q := (&Limits{}).quota(&snapshot.Limiter{}); q != (ratelimit.Quota{}) {
		t.Errorf("no rules say %+v", q)
	}
}

// withLimits is a collector with time for many rounds in a row.
func withLimits(t *testing.T, srv *redistest.Server, limits Limits) *Collector {
	t.Helper()
	return New(open(t, srv.URL()), Config{Duty: 1, Limits: limits})
}

// TestLimitsOfOthers: on a real server, limits from rules make sense of keys that
// hold none, with the tiers that other keys tell.
func TestLimitsOfOthers(t *testing.T) {
	srv := redistest.Start(t)
	now := time.Now()
	tat := func(ahead time.Duration) string { // as redis_rate has it
		return fmt.Sprintf("%.8f", float64(now.Add(ahead).UnixMicro())/1e6-1483228800)
	}
	srv.Do("SET", "rate:guest-1", tat(48*time.Second), "PX", "48000")
	srv.Do("SET", "limiter:10.0.0.1", "3", "PX", "60000")
	srv.Do("SET", "limiter:7", "3", "PX", "60000")
	srv.Do("SET", "limiter:8", "3", "PX", "60000")
	srv.Do("SET", "limiter:9", "3", "PX", "60000")
	srv.Do("SET", "user_tier:7", "premium")
	srv.Do("HSET", "user:8", "name", "x", "tier", "basic")
	rx := regexp.MustCompile
	limits := Limits{
		Tiers: []TierRule{
			{Subject: rx(`^10\.`), Tier: "internal"},
			{Subject: rx("^[789]$"), Key: "user_tier:{id}"}, // of 8 and 9 nothing is there: the next rule counts
			{Subject: rx("^[89]$"), Key: "user:{id}", Field: "tier"},
		},
		Rules: []LimitRule{
			{Layout: "redis_rate", Limit: 10, WindowSeconds: 60},
			{Tier: "internal", Limit: 1000},
			{Tier: "premium", Limit: 100, WindowSeconds: 60},
			{Tier: "basic", Limit: 3},
		},
	}
	c := withLimits(t, srv, limits)
	k := until(t, c, 20*time.Second, func(k *snapshot.Keys) bool {
		l, _ := limiterOf(k, "limiter:8")
		return len(k.Limiters) == 5 && l.Tier.Raw() != "" && l.Limit.OK
	})
	tests := map[string]struct {
		tier        string
		used, limit snapshot.Value
	}{
		"rate:guest-1":     {"", snapshot.Known(8), snapshot.Known(10)},
		"limiter:10.0.0.1": {"internal", snapshot.Known(3), snapshot.Known(1000)},
		"limiter:7":        {"premium", snapshot.Known(3), snapshot.Known(100)},
		"limiter:8":        {"basic", snapshot.Known(3), snapshot.Known(3)},
		"limiter:9":        {"", snapshot.Known(3), snapshot.Value{}},
	}
	for key, want := range tests {
		l, ok := limiterOf(k, key)
		from := map[bool]string{true: "config"}[want.limit.OK]
		// A slow machine may have let a few seconds pass.
		if used := l.Used.V; !ok || l.Tier.Raw() != want.tier || l.Limit != want.limit || l.LimitFrom != from || used > want.used.V || used < want.used.V-3 {
			t.Errorf("%s: tier %q, %v of %v from %q; want %+v", key, l.Tier, l.Used, l.Limit, l.LimitFrom, want)
		}
	}
	if k.Limiters[0].Key.Raw() != "limiter:8" {
		t.Errorf("nearest to its limit is %v", k.Limiters[0].Key)
	}
	if keys := k.Facts(); !slices.Contains(keys, snapshot.Fact{Name: "layouts", Value: "ulule-limiter 4, redis_rate 1"}) {
		t.Errorf("facts = %v", keys)
	}
}

// TestToldLater: a limit that headers tell after the key was found is taken with
// the next reading.
func TestToldLater(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "limiter:7", "3", "PX", "60000")
	var told []LimitRule
	c := withLimits(t, srv, Limits{Told: func() []LimitRule { return told }})
	k := until(t, c, 20*time.Second, func(k *snapshot.Keys) bool { return len(k.Limiters) == 1 })
	if l := k.Limiters[0]; l.Limit.OK || l.LimitFrom != "" {
		t.Fatalf("limit = %v from %q", l.Limit, l.LimitFrom)
	}
	told = []LimitRule{{Limit: 9, From: "headers"}}
	k = until(t, c, 20*time.Second, func(k *snapshot.Keys) bool { return k.Limiters[0].Limit.OK })
	if l := k.Limiters[0]; l.Limit.V != 9 || l.LimitFrom != "headers" {
		t.Errorf("limit = %v from %q", l.Limit, l.LimitFrom)
	}
}

// TestHighest: the size of buckets that hold none shows when several of them are
// asked for the first time.
func TestHighest(t *testing.T) {
	srv := redistest.Start(t)
	bucket := func(user string, tokens int) { // 10 tokens a second, 40 at most, as the gateway writes them
		at := strconv.FormatInt(time.Now().Unix(), 10)
		srv.Do("SETEX", "request_rate_limiter.{shop."+user+"}.tokens", "8", strconv.Itoa(tokens))
		srv.Do("SETEX", "request_rate_limiter.{shop."+user+"}.timestamp", "8", at)
	}
	c := withLimits(t, srv, Limits{})
	for _, u := range []string{"a", "b", "c"} {
		bucket(u, 39)
	}
	bucket("d", 0)
	k := until(t, c, 20*time.Second, func(k *snapshot.Keys) bool {
		for _, u := range []string{"a", "b", "c"} {
			bucket(u, 39)
		}
		bucket("d", 0)
		l, ok := limiterOf(k, "request_rate_limiter.{shop.d}.tokens")
		return ok && l.Limit.OK
	})
	l, _ := limiterOf(k, "request_rate_limiter.{shop.d}.tokens")
	if l.Limit.V != 40 || l.LimitFrom != "ceiling" {
		t.Errorf("limit %v from %q: %+v", l.Limit, l.LimitFrom, l)
	}
}

// TestTierBounds: a name without end, a key without end, a value of another type.
func TestTierBounds(t *testing.T) {
	r := TierRule{Key: "t:{id}"}
	if ask := r.ask(strings.Repeat("x", mostName)); ask != nil {
		t.Error("a key without end is asked for")
	}
	for name, reply := range map[string]any{"long": strings.Repeat("x", mostTier+1), "nil": nil, "error": errors.New("WRONGTYPE"), "list": []any{nil}, "number": int64(1)} {
		if got := r.read(reply); !got.IsZero() {
			t.Errorf("%s: tier %q", name, got)
		}
	}
	if got := r.read([]any{"gold"}); got.Raw() != "gold" {
		t.Errorf("field: %q", got)
	}
}

func TestHighestIsBounded(t *testing.T) {
	l := newLimiters(nil, Limits{})
	for i := range 1000 {
		k := &limiter{ref: ratelimit.Ref{Key: strconv.Itoa(i)}}
		r := ratelimit.Reading{LimitAtLeast: 5, Limiter: snapshot.Limiter{Algorithm: "token-bucket", Endpoint: safe.New(strconv.Itoa(i % 500))}}
		l.note(k, &r)
	}
	if len(l.highest) > mostHighest {
		t.Errorf("%d kinds", len(l.highest))
	}
}

func TestLintOf(t *testing.T) {
	lim := func(key, layout string, lint ...string) snapshot.Limiter {
		return snapshot.Limiter{Key: safe.New(key), Layout: layout, Lint: lint}
	}
	got := lintOf([]snapshot.Limiter{
		lim("a", "x", ratelimit.LintWholeSeconds), lim("b", "x", ratelimit.LintNoTTL, ratelimit.LintWholeSeconds),
		lim("c", "y", ratelimit.LintWholeSeconds), lim("d", "x"),
	})
	var text []string
	for _, n := range got {
		if n.What.IsZero() || n.Fix == "" {
			t.Errorf("%+v says nothing", n)
		}
		text = append(text, fmt.Sprintf("%s %s %d %s", n.Rule, n.Layout, n.Keys, n.Example))
	}
	if s := strings.Join(text, "; "); s != "no-ttl x 1 b; whole-seconds x 2 a; whole-seconds y 1 c" {
		t.Error(s)
	}
	if lintOf(nil) != nil {
		t.Error("lint of nothing")
	}
}
