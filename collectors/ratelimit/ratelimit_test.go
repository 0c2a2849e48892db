package ratelimit

import (
	"math"
	"testing"

	"apitop/collectors/snapshot"
)

func TestMatch(t *testing.T) {
	tests := map[string]struct {
		subject, endpoint string
		ok                bool
	}{
		"rate_limit:42:/orders":         {"42", "/orders", true},
		"rate_limit:guest-17:default":   {"guest-17", "default", true},
		"rate_limit:7:/products/search": {"7", "/products/search", true},
		"rate_limit:a\x1b[2J:/orders":   {"a\x1b[2J", "/orders", true},
		"rate_limit:42":                 {},
		"rate_limit_meta:42":            {},
		"product:42":                    {},
		"x:rate_limit:42:/orders":       {},
		"rate_limit::/orders":           {},
	}
	layouts := Layouts()
	for key, tt := range tests {
		t.Run(key, func(t *testing.T) {
			ref, ok := Match(layouts, key)
			if ok != tt.ok || ref.Subject != tt.subject || ref.Endpoint != tt.endpoint {
				t.Errorf("got %q, %q, %v", ref.Subject, ref.Endpoint, ok)
			}
		})
	}
	if !IsNeighbour(layouts, "rate_limit_meta:42") || IsNeighbour(layouts, "rate_limit:42:/orders") {
		t.Error("neighbours are not told apart")
	}
}

func known(v float64) snapshot.Value { return snapshot.Known(v) }

// TestRead: the answers of a server at the time 10000.5, by case.
func TestRead(t *testing.T) {
	const now = 10000.5
	meta := []any{"guest", "3600", "30", "30", "7"}
	oldest := []any{"9000250000-1", "9000.25"}
	tests := map[string]struct {
		replies []any
		gone    bool
		want    snapshot.Limiter // only the numbers, layout and tier
	}{
		"below the limit": {
			replies: []any{int64(60000), int64(12), oldest, meta},
			want: snapshot.Limiter{Used: known(12), Limit: known(30), LimitFrom: "neighbour", WindowSeconds: known(3600),
				ResetsSeconds: known(60), DeniedTotal: known(7), RequestedTotal: known(37), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"blocked: until the oldest leaves": {
			replies: []any{int64(3500000), int64(30), oldest, meta},
			want: snapshot.Limiter{Used: known(30), Limit: known(30), LimitFrom: "neighbour", WindowSeconds: known(3600),
				ResetsSeconds: known(9000.25 + 3600 - now), DeniedTotal: known(7), RequestedTotal: known(37), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"above the limit: unknown": {
			replies: []any{int64(3500000), int64(31), oldest, meta},
			want: snapshot.Limiter{Used: known(31), Limit: known(30), LimitFrom: "neighbour", WindowSeconds: known(3600),
				DeniedTotal: known(7), RequestedTotal: known(37), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"never denied": {
			replies: []any{int64(60000), int64(1), oldest, []any{"basic", "60", "150", "1", nil}},
			want: snapshot.Limiter{Used: known(1), Limit: known(150), LimitFrom: "neighbour", WindowSeconds: known(60),
				ResetsSeconds: known(60), DeniedTotal: known(0), RequestedTotal: known(1), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"without a neighbour the limit is unknown": {
			replies: []any{int64(60000), int64(5), oldest, []any{nil, nil, nil, nil, nil}},
			want: snapshot.Limiter{Used: known(5), WindowSeconds: known(3600), ResetsSeconds: known(60),
				Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"the tutorial's layout": {
			replies: []any{int64(60000), int64(5), []any{"9000", "9000"}, []any{nil, nil, nil, nil, nil}},
			want: snapshot.Limiter{Used: known(5), WindowSeconds: known(3600), ResetsSeconds: known(60),
				Layout: "tutorial", Algorithm: "sliding-log-seconds"},
		},
		"never expires": {
			replies: []any{int64(-1), int64(5), oldest, []any{nil, nil, nil, nil, nil}},
			want:    snapshot.Limiter{Used: known(5), WindowSeconds: known(3600), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"idle: nothing in the window": {
			replies: []any{int64(1000), int64(0), []any{}, meta},
			want: snapshot.Limiter{Used: known(0), Limit: known(30), LimitFrom: "neighbour", WindowSeconds: known(3600),
				ResetsSeconds: known(1), DeniedTotal: known(7), RequestedTotal: known(37), Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
		"gone":            {replies: []any{int64(-2), int64(0), []any{}, meta}, gone: true},
		"of another type": {replies: []any{int64(60000), nil, nil, meta}, gone: true},
		"refused":         {replies: []any{nil, nil, nil, nil}, gone: true},
		"too few answers": {replies: []any{int64(1)}, gone: true},
		"rubbish from a neighbour": {
			replies: []any{int64(60000), int64(5), []any{"x", "y"}, []any{int64(5), "many", "NaN", "1e999", ""}},
			want: snapshot.Limiter{Used: known(5), WindowSeconds: known(3600), ResetsSeconds: known(60),
				Layout: "apitop-demo", Algorithm: "sliding-log"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ref, _ := Match(Layouts(), "rate_limit:42:/orders")
			got, ok := ref.Read(tt.replies, now)
			if ok == tt.gone {
				t.Fatalf("ok = %v", ok)
			}
			if tt.gone {
				return
			}
			if got.Subject.String() != "user:42" || got.Endpoint.String() != "/orders" {
				t.Errorf("subject %q, endpoint %q", got.Subject, got.Endpoint)
			}
			if math.Abs(got.ResetsSeconds.V-tt.want.ResetsSeconds.V) < 1e-6 {
				got.ResetsSeconds.V = tt.want.ResetsSeconds.V
			}
			got.Key, got.Subject, got.Endpoint, got.Tier = tt.want.Key, tt.want.Subject, tt.want.Endpoint, tt.want.Tier
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// FuzzMatch: any key, whatever its bytes, is matched or not, and its state is
// safe to draw.
func FuzzMatch(f *testing.F) {
	f.Add("rate_limit:42:/orders")
	f.Add("rate_limit:\x1b]0;x\x07:\xff\n")
	f.Fuzz(func(t *testing.T, key string) {
		ref, ok := Match(Layouts(), key)
		if !ok {
			return
		}
		l, _ := ref.Read([]any{int64(1), int64(1), nil, nil}, 1)
		for _, s := range []string{l.Subject.String(), l.Endpoint.String(), l.Key.String()} {
			for _, r := range s {
				if r < ' ' || r == 0x7f {
					t.Errorf("%q is drawn", s)
				}
			}
		}
	})
}
