package ratelimit

import (
	"errors"
	"math"
	"slices"
	"testing"

	"apitop/collectors/snapshot"
)

func TestAskGCRA(t *testing.T) {
	ref, _ := Match(Layouts(), "rate_gcra:42:/orders")
	want := [][]string{
		{"getrange", "rate_gcra:42:/orders", "0", "31"},
		{"pttl", "rate_gcra:42:/orders"},
		{"hmget", "rate_limit_meta:42", "tier", "window", "limit:/orders", "allowed:/orders", "denied:/orders"},
	}
	if got := ref.Ask(Known{kind: "string"}, 10000.5); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// TestReadGCRA: at the time 10000 s, 30 requests an hour: one each 120 s.
func TestReadGCRA(t *testing.T) {
	const now = 10000
	meta := func(limit string) []any { return []any{"guest", "3600", limit, "30", "7"} }
	demo := snapshot.Limiter{Layout: "apitop-demo", Algorithm: "gcra", WindowSeconds: known(3600), Limit: known(30),
		LimitFrom: "neighbour", DeniedTotal: known(7), RequestedTotal: known(37)}
	bare := snapshot.Limiter{Layout: "apitop-demo", Algorithm: "gcra"}
	with := func(l snapshot.Limiter, used, resets snapshot.Value) snapshot.Limiter {
		l.Used, l.ResetsSeconds = used, resets
		return l
	}
	limited := func(n float64) snapshot.Limiter {
		l := demo
		l.Limit = known(n)
		return l
	}
	unknown := snapshot.Value{}
	tests := map[string]struct {
		replies []any
		want    snapshot.Limiter
	}{
		"one used":                  {[]any{"10120000000", int64(120000), meta("30")}, with(demo, known(1), known(120))},
		"one and a bit":             {[]any{"10130000000", int64(130000), meta("30")}, with(demo, known(2), known(130))},
		"a request since now":       {[]any{"10120050000", int64(120000), meta("30")}, with(demo, known(1), known(120))},
		"just rounded up":           {[]any{"10240000900", int64(240001), meta("30")}, with(demo, known(2), known(240.0009))},
		"one below the limit":       {[]any{"13480000000", int64(3480000), meta("30")}, with(demo, known(29), known(3480))},
		"at the limit":              {[]any{"13600000000", int64(3600000), meta("30")}, with(demo, known(30), known(120))},
		"at the limit, soon free":   {[]any{"13481000000", int64(3481000), meta("30")}, with(demo, known(30), known(1))},
		"limit was lowered":         {[]any{"13600000000", int64(3600000), meta("10")}, with(limited(10), known(10), known(360))},
		"over by a clock set back":  {[]any{"99999000000", int64(-1), meta("30")}, linted(with(demo, known(30), known(89999-29*120)), LintNoTTL)},
		"no even pace":              {[]any{"10514285715", int64(514286), meta("7")}, with(limited(7), known(1), known(514.285715))},
		"unused":                    {[]any{"9999000000", int64(0), meta("30")}, with(demo, known(0), known(0))},
		"lifetime refused":          {[]any{"10120000000", errors.New("NOPERM"), meta("30")}, with(demo, known(1), known(120))},
		"no neighbour":              {[]any{"10120000000", int64(120000), []any{nil, nil, nil, nil, nil}}, with(bare, unknown, known(120))},
		"neighbour refused":         {[]any{"10120000000", int64(120000), errors.New("NOPERM")}, with(bare, unknown, known(120))},
		"limit of nothing":          {[]any{"10120000000", int64(120000), meta("0")}, with(limited(0), unknown, known(120))},
		"rubbish in the neighbour":  {[]any{"10120000000", "x", []any{int64(5), "-3", "NaN", "1e999", ""}}, with(bare, unknown, known(120))},
		"the neighbour is too long": {[]any{"10120000000", int64(120000), []any{"a", "1", "1", "1", "1", "1"}}, with(bare, unknown, known(120))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ref, _ := Match(Layouts(), "rate_gcra:42:/orders")
			got := ref.Read(Known{kind: "string"}, tt.replies, now)
			next := Known{Window: tt.want.WindowSeconds.V, Limit: tt.want.Limit.V, Used: tt.want.Used.V, kind: "string", settled: true}
			if !got.Found || got.More || got.Known != next {
				t.Errorf("found %v, known %v, more %v", got.Found, got.Known, got.More)
			}
			sameLimiter(t, got.Limiter, tt.want, ref.Key)
		})
	}
}

func TestReadGCRANothing(t *testing.T) {
	ref, _ := Match(Layouts(), "rate_gcra:guest-17:default")
	for name, replies := range map[string][]any{
		"gone":          {"", []any{nil, nil, nil, nil, nil}, int64(-2)},
		"another type":  {errors.New("WRONGTYPE Operation"), []any{}, int64(5)},
		"none":          {},
		"too few":       {"10120000000"},
		"not a number":  {"x", nil, int64(5)},
		"not finite":    {"1e999", nil, int64(5)},
		"not text":      {[]any{"1"}, nil, int64(5)},
		"number itself": {int64(5), nil, int64(5)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ref.Read(Known{kind: "string"}, replies, 1); got.Found || got.More {
				t.Errorf("found %+v", got)
			}
		})
	}
}

// FuzzGCRA: whatever is in the keys, what is shown makes sense.
func FuzzGCRA(f *testing.F) {
	f.Add("10120000000", "3600", "30", "7", int64(120000))
	f.Add("-1e300", "1e-300", "1e300", "-5", int64(math.MaxInt64))
	f.Add("1e300", "1e300", "1", "\x1b[2J", int64(-1))
	f.Fuzz(func(t *testing.T, tat, window, limit, count string, ttl int64) {
		ref, _ := Match(Layouts(), "rate_gcra:42:/orders")
		got := ref.Read(Known{kind: "string"}, []any{tat, ttl, []any{count, window, limit, count, count}}, 10000)
		l := got.Limiter
		for name, v := range map[string]snapshot.Value{"used": l.Used, "resets": l.ResetsSeconds, "limit": l.Limit, "window": l.WindowSeconds} {
			if v.V < 0 || math.IsNaN(v.V) || math.IsInf(v.V, 0) {
				t.Errorf("%s is %v", name, v.V)
			}
		}
		if l.Used.OK && l.Used.V > l.Limit.V {
			t.Errorf("%v used of %v", l.Used.V, l.Limit.V)
		}
	})
}
