package ratelimit

import (
	"errors"
	"math"
	"reflect"
	"slices"
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
		"rate_gcra:42:/orders":          {"42", "/orders", true},
		"rate_gcra:guest-17:all":        {"guest-17", "all", true},
		"rate_gcra:42":                  {},
		"rate_gcra::default":            {},
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
			if ok = ok && ref.Layout.Name == "apitop-demo"; !ok {
				ref = Ref{} // the name speaks of limits, so its value may be looked at
			}
			if ok != tt.ok || ref.Subject != tt.subject || ref.Endpoint != tt.endpoint {
				t.Errorf("got %q, %q, %v", ref.Subject, ref.Endpoint, ok)
			}
		})
	}
	if !IsNeighbour(layouts, "rate_limit_meta:42") || IsNeighbour(layouts, "rate_limit:42:/orders") {
		t.Error("neighbours are not told apart")
	}
}

func TestAsk(t *testing.T) {
	newest := []string{"zrange", "rate_limit:42:/orders", "-1", "-1", "withscores"}
	ttl := []string{"pttl", "rate_limit:42:/orders"}
	meta := []string{"hmget", "rate_limit_meta:42", "tier", "window", "limit:/orders", "allowed:/orders", "denied:/orders"}
	oldest := []string{"zrange", "rate_limit:42:/orders", "0", "0", "withscores"}
	tests := map[string]struct {
		known Known
		want  [][]string
	}{
		"never read": {Known{}, [][]string{newest, ttl, meta, oldest}},
		"window known": {Known{Window: 60}, [][]string{newest, ttl, meta,
			{"zcount", "rate_limit:42:/orders", "(9940.500000", "+inf"}, oldest}},
		"limit far": {Known{Window: 60, Limit: 30, Used: 26}, [][]string{newest, ttl, meta,
			{"zcount", "rate_limit:42:/orders", "(9940.500000", "+inf"}, oldest}},
		"limit near": {Known{Window: 60, Limit: 30, Used: 27}, [][]string{newest, ttl, meta,
			{"zcount", "rate_limit:42:/orders", "(9940.500000", "+inf"},
			{"zrange", "rate_limit:42:/orders", "-30", "-30", "withscores"}, oldest}},
		"older entries left": {Known{Window: 60, Used: 4, untrimmed: true}, [][]string{newest, ttl, meta,
			{"zcount", "rate_limit:42:/orders", "(9940.500000", "+inf"},
			{"zrange", "rate_limit:42:/orders", "-4", "-4", "withscores"}}},
	}
	ref, _ := Match(Layouts(), "rate_limit:42:/orders")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ref.Ask(asZset(tt.known), 10000.5); !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("got %v\nwant %v", got, tt.want)
			}
		})
	}
}

// linted is l with a rule that it breaks.
func linted(l snapshot.Limiter, rule string) snapshot.Limiter {
	l.Lint = []string{rule}
	return l
}

func asZset(k Known) Known { k.kind = "zset"; return k }

// decided is k after a reading that found a sorted set.
func (k Known) decided() Known { k.kind, k.settled = "zset", true; return k }

func known(v float64) snapshot.Value { return snapshot.Known(v) }

// logRead is a reading of a log: what was known, the answers and what they say.
type logRead struct {
	known   Known
	replies []any
	want    snapshot.Limiter
	next    Known
	more    bool
}

// TestRead: the answers of a server at the time 10000.5, by case.
func TestRead(t *testing.T) {
	const now = 10000.5
	for name, tt := range logReads(now) {
		t.Run(name, func(t *testing.T) {
			ref, _ := Match(Layouts(), "rate_limit:42:/orders")
			got := ref.Read(asZset(tt.known), tt.replies, now)
			if !got.Found || got.Known != tt.next.decided() || got.More != tt.more {
				t.Errorf("found %v, known %v, more %v", got.Found, got.Known, got.More)
			}
			sameLimiter(t, got.Limiter, tt.want, ref.Key)
		})
	}
}

func logReads(now float64) map[string]logRead {
	meta := []any{"guest", "3600", "30", "30", "7"}
	none := []any{nil, nil, nil, nil, nil}
	ttl := int64(3500000)
	newest, edge := []any{"9900500000-9", "9900.5"}, []any{"9000250000-1", "9000.25"}
	oldest, old := []any{"9800500000-1", "9800.5"}, []any{"1-1", "1"}
	all := func(used float64) Known { return Known{Window: 3600, Limit: 30, Used: used} }
	demo := snapshot.Limiter{Layout: "apitop-demo", Algorithm: "sliding-log", WindowSeconds: known(3600),
		Limit: known(30), LimitFrom: "neighbour", DeniedTotal: known(7), RequestedTotal: known(37)}
	with := func(l snapshot.Limiter, used, resets snapshot.Value) snapshot.Limiter {
		l.Used, l.ResetsSeconds = used, resets
		return l
	}
	bare := snapshot.Limiter{Layout: "apitop-demo", Algorithm: "sliding-log", WindowSeconds: known(3600)}
	tutorial := snapshot.Limiter{Layout: "tutorial", Algorithm: "sliding-log-seconds", WindowSeconds: known(3600), Lint: []string{LintWholeSeconds}}
	unknown := snapshot.Value{}
	untrimmed := func(k Known) Known { k.untrimmed = true; return k }
	return map[string]logRead{
		"never read":                 {Known{}, []any{newest, int64(3500000), meta, oldest}, with(demo, unknown, known(3400)), all(0), true},
		"below the limit":            {all(11), []any{newest, ttl, meta, int64(12), oldest}, with(demo, known(12), known(3400)), all(12), false},
		"near the limit":             {all(28), []any{newest, ttl, meta, int64(29), edge, oldest}, with(demo, known(29), known(3400)), all(29), false},
		"at the limit":               {all(29), []any{newest, ttl, meta, int64(30), edge}, with(demo, known(30), known(9000.25+3600-now)), all(30), false},
		"above the limit":            {all(35), []any{newest, ttl, meta, int64(35), edge}, linted(with(demo, known(35), known(9000.25+3600-now)), LintOverLimit), all(35), false},
		"long over":                  {all(30), []any{newest, ttl, meta, int64(30), []any{"1-1", "1"}}, with(demo, known(30), known(0)), all(30), false},
		"blocked, no edge":           {all(30), []any{newest, ttl, meta, int64(30), []any{}}, with(demo, known(30), unknown), all(30), false},
		"suddenly blocked":           {all(2), []any{newest, ttl, meta, int64(30)}, with(demo, known(30), unknown), all(30), true},
		"limit was lowered":          {Known{Window: 3600, Limit: 100, Used: 95}, []any{newest, ttl, meta, int64(95), edge}, linted(with(demo, known(95), unknown), LintOverLimit), all(95), true},
		"limit just learnt, blocked": {Known{Window: 3600}, []any{newest, ttl, meta, int64(30)}, with(demo, known(30), unknown), all(30), true},
		"limit just learnt, free":    {Known{Window: 3600}, []any{newest, ttl, meta, int64(3), oldest}, with(demo, known(3), known(3400)), all(3), false},
		"another window than known":  {Known{Window: 60, Limit: 30, Used: 3}, []any{newest, ttl, meta, int64(3), oldest}, with(demo, known(3), known(3400)), all(3), true},
		"idle":                       {all(0), []any{[]any{"1-1", "100"}, ttl, meta, int64(0), old}, with(demo, known(0), known(0)), untrimmed(all(0)), false},
		"older entries left":         {all(11), []any{newest, ttl, meta, int64(12), old}, with(demo, known(12), known(0)), untrimmed(all(12)), true},
		"older entries passed over":  {untrimmed(all(12)), []any{newest, ttl, meta, int64(12), oldest}, with(demo, known(12), known(3400)), untrimmed(all(12)), false},
		"no neighbour: window by lifetime": {Known{}, []any{newest, int64(3500000), none, oldest},
			with(bare, unknown, known(3400)), Known{Window: 3600}, true},
		"no neighbour": {Known{Window: 3600}, []any{newest, ttl, none, int64(5), oldest}, with(bare, known(5), known(3400)), Known{Window: 3600, Used: 5}, false},
		"no neighbour, never expires": {Known{}, []any{newest, int64(-1), none, oldest},
			linted(with(bare, unknown, known(3400)), LintNoTTL), Known{Window: 3600}, true},
		"tutorial": {Known{Window: 3600}, []any{[]any{"9900", "9900"}, ttl, none, int64(5), []any{"9800", "9800"}},
			with(tutorial, known(5), known(9800+3600-now)), Known{Window: 3600, Used: 5}, false},
		"neighbour refused": {Known{Window: 3600}, []any{newest, ttl, errors.New("NOPERM"), int64(5), oldest},
			with(bare, known(5), known(3400)), Known{Window: 3600, Used: 5}, false},
		"count refused": {all(30), []any{newest, ttl, meta, errors.New("NOPERM"), edge, oldest}, with(demo, unknown, known(3400)), all(0), false},
		"rubbish": {Known{Window: 3600}, []any{newest, ttl, []any{int64(5), "-3", "NaN", "1e999", ""}, "x", oldest},
			with(bare, unknown, known(3400)), Known{Window: 3600}, false},
	}
}

// sameLimiter compares all but the names, which are those of the key asked for.
func sameLimiter(t *testing.T, l, want snapshot.Limiter, key string) {
	t.Helper()
	if l.Subject.String() != "user:42" || l.Endpoint.String() != "/orders" || l.Key.Raw() != key {
		t.Errorf("subject %q, endpoint %q", l.Subject, l.Endpoint)
	}
	if math.Abs(l.ResetsSeconds.V-want.ResetsSeconds.V) < 1e-6 {
		l.ResetsSeconds.V = want.ResetsSeconds.V
	}
	l.Key, l.Subject, l.Endpoint, l.Tier = want.Key, want.Subject, want.Endpoint, want.Tier
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
}

func TestReadNothing(t *testing.T) {
	ref, _ := Match(Layouts(), "rate_limit:guest-17:default")
	for name, replies := range map[string][]any{
		"gone":      {[]any{}, []any{nil, nil, nil, nil, nil}, int64(-2)},
		"no type":   {errors.New("WRONGTYPE Operation"), nil, nil},
		"none":      {},
		"no scores": {[]any{"a"}},
		"no number": {[]any{"a", "b"}},
		"not text":  {[]any{int64(1), "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ref.Read(Known{kind: "zset"}, replies, 1); got.Found || got.More {
				t.Errorf("found %+v", got)
			}
		})
	}
}

// TestWindowOf: the tutorial writes whole seconds by a clock of its own.
func TestWindowOf(t *testing.T) {
	tests := map[string]struct {
		newest float64
		ttl    int64
		now    float64
		want   float64
	}{
		"exact":               {1000.25, 3590000, 1010.25, 3600},
		"fraction cut off":    {1000, 3590999, 1010, 3600},
		"writer's clock late": {998, 3590000, 1010, 3600},
		"a minute":            {1000.25, 59999, 1000.25, 60},
		"ten seconds":         {1000.25, 10000, 1000.25, 10},
		"never expires":       {1000, -1, 1010, 3600},
		"clock far off":       {9000, 100, 1000, 3600},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := windowOf(tt.newest, lifetimeOf(tt.ttl), tt.now); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// FuzzMatch: any key, whatever its bytes, is matched or not, and its state is
// safe to draw.
func FuzzMatch(f *testing.F) {
	f.Add("rate_limit:42:/orders", "1-1", "5")
	f.Add("rate_limit:\x1b]0;x\x07:\xff\n", "5", "5")
	f.Fuzz(func(t *testing.T, key, member, score string) {
		ref, ok := Match(Layouts(), key)
		if !ok {
			return
		}
		got := ref.Read(Known{Window: 60, Limit: 1, Used: 1, kind: "zset"}, []any{[]any{member, score}, int64(5), []any{member, score, score, score, score}, int64(1), []any{member, score}}, 1)
		l := got.Limiter
		if l.ResetsSeconds.V < 0 || l.WindowSeconds.V < 0 || l.Limit.V < 0 {
			t.Errorf("negative: %+v", l)
		}
		for _, s := range []string{l.Subject.String(), l.Endpoint.String(), l.Key.String(), l.Tier.String()} {
			for _, r := range s {
				if r < ' ' || r == 0x7f {
					t.Errorf("%q is drawn", s)
				}
			}
		}
	})
}
