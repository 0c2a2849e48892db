package ratelimit

import (
	"errors"
	"slices"
	"testing"
)

func TestStateKeys(t *testing.T) {
	const laravel = "laravel_database_laravel_cache_5c785c036466adea360111aa28563bfd556b5fba"
	for name, tt := range map[string]struct {
		layout, key string
		want        []string
	}{
		"the demo's":         {"apitop-demo", "rate_limit:42:/orders", []string{"rate_limit:42:/orders"}},
		"the demo's times":   {"apitop-demo", "rate_gcra:42:all", []string{"rate_gcra:42:all"}},
		"by another name":    {"tutorial", "rate_limit:42:/orders", []string{"rate_limit:42:/orders"}},
		"of no layout":       {"mine", "who knows", []string{"who knows"}},
		"with a timer":       {"laravel", laravel, []string{laravel, laravel + ":timer"}},
		"found by the timer": {"laravel", "login:alice", []string{"login:alice", "login:alice:timer"}},
		"of another layout":  {"kong", "login:alice", []string{"login:alice"}},
		"the window before": {"upstash", "@upstash/ratelimit:alice:29925",
			[]string{"@upstash/ratelimit:alice:29925", "@upstash/ratelimit:alice:29924"}},
		"the sliding counter": {"limits", "LIMITS:{LIMITER/127.0.0.1/api.products/10/1/minute}",
			[]string{"LIMITS:{LIMITER/127.0.0.1/api.products/10/1/minute}", "LIMITS:{LIMITER/127.0.0.1/api.products/10/1/minute}/-1"}},
		"tokens and timestamp": {"spring-gateway", "request_rate_limiter.{alice}.tokens",
			[]string{"request_rate_limiter.{alice}.tokens", "request_rate_limiter.{alice}.timestamp"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := StateKeys(Layouts(), tt.layout, tt.key); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	millis, err := Custom(Definition{Name: "mine", Key: `^log:(?P<id>.+)$`, Type: "zset", Unit: "ms"})
	if err != nil {
		t.Fatal(err)
	}
	layouts := append(Layouts(), millis)
	for name, tt := range map[string]struct {
		kind, key string
		replies   []any
		want      []float64
		total     int
	}{
		"a sorted set":        {"zset", "rate_limit:42:/orders", []any{[]any{"a", "100.5", "b", "101"}, int64(700)}, []float64{101, 100.5}, 700},
		"the user's unit":     {"zset", "log:alice", []any{[]any{"a", "100500"}, int64(1)}, []float64{100.5}, 1},
		"a list":              {"list", "LIMITS:LIMITER/127.0.0.1/api.orders/5/1/minute", []any{[]any{"101.5", "100.25"}, int64(2)}, []float64{101.5, 100.25}, 2},
		"rubbish":             {"zset", "rate_limit:42:/orders", []any{[]any{"a", "x", "b"}, errors.New("NOPERM")}, nil, 0},
		"refused":             {"zset", "rate_limit:42:/orders", []any{errors.New("NOPERM"), int64(3)}, nil, 3},
		"too few":             {"zset", "rate_limit:42:/orders", nil, nil, 0},
		"a count":             {"string", "rl:127.0.0.1", []any{"5"}, nil, 0},
		"of another type":     {"hash", "rate_limit:42:/orders", []any{"5"}, nil, 0},
		"no limiter's at all": {"zset", "board", []any{[]any{"a", "1"}, int64(1)}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, total := Times(layouts, tt.kind, tt.key, tt.replies)
			if !slices.Equal(got, tt.want) || total != tt.total {
				t.Errorf("got %v of %d, want %v of %d", got, total, tt.want, tt.total)
			}
		})
	}
	if AskTimes(layouts, "string", "rl:127.0.0.1", 512) != nil {
		t.Error("a count is asked for times")
	}
	want := [][]string{{"zrange", "log:alice", "-512", "-1", "withscores"}, {"zcard", "log:alice"}}
	if got := AskTimes(layouts, "zset", "log:alice", 512); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("asks %q", got)
	}
}
