package ratelimit

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// own is a layout of a user's own and what a server answers about a key of it.
type own struct {
	d    Definition
	key  string
	v    []any // value and lifetime in ms, as [answerAll] has them
	want want
}

// ownStrings are strings at the time customNow, ownOthers the other types.
func ownStrings() map[string]own {
	const now = customNow
	text := fmt.Sprintf
	return map[string]own{
		"a count": {Definition{Key: `^quota/(?P<id>[^/]+)(?P<ep>/.*)$`, Limit: 100, Window: 60}, "quota/7/orders",
			[]any{"42", int64(30000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Endpoint: "/orders", Used: num(42), Limit: num(100), LimitFrom: "config", Window: num(60), Resets: num(30)}},
		"what is left": {Definition{Key: `^left:(?P<id>.+)$`, Limit: 100, Fields: Fields{Remaining: "value"}}, "left:7",
			[]any{"0", int64(30000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(100), Limit: num(100), LimitFrom: "config", Blocked: true, Resets: num(30)}},
		"limit, window and tier in the key": {Definition{Key: `^rl2:(?P<tier>\w+):(?P<id>\w+):(?P<limit>\d+):(?P<window>\w+)$`}, "rl2:gold:7:50:15m",
			[]any{"42", int64(30000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(42), Limit: num(50), LimitFrom: "key", Window: num(900), Resets: num(30)}},
		"start of the window": {Definition{Key: `^w:(?P<id>\w+):(?P<start>\d+)$`, Unit: "ms", Window: 60, ResetFrom: "window"}, text("w:7:%.0f", (now-20)*1000),
			[]any{"42", int64(600000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(42), Window: num(60), Resets: num(40)}},
		"number of the window": {Definition{Key: `^w:(?P<id>\w+):(?P<bucket>\d+)$`, ResetFrom: "window"}, text("w:7:%d", int(now)/300),
			[]any{"42", int64(600000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(42), Window: num(300), Resets: num(242)}},
		"two windows": {Definition{Key: `^w:(?P<id>\w+):(?P<bucket>\d+)$`, Algorithm: "sliding-window", Window: 90, Limit: 50}, text("w:7:%d", int(now)/90),
			[]any{"42", int64(100000)},
			want{Algorithm: "sliding-window", Subject: "user:7", Used: num(42), Limit: num(50), LimitFrom: "config", Window: num(90), Resets: num(90 - float64(int(now)%90))}},
		"arrival time": {Definition{Key: `^tat:(?P<id>.+)$`, Algorithm: "gcra", Unit: "ms", Epoch: 1000, Limit: 60, Window: 60}, "tat:7",
			[]any{text("%.0f", (now+10-1000)*1000), int64(10000)},
			want{Algorithm: "gcra", Subject: "user:7", Used: num(10), Limit: num(60), LimitFrom: "config", Window: num(60), Resets: num(10)}},
		"a ban": {Definition{Key: `^ban:(?P<id>.+)$`, Algorithm: "ban"}, "ban:203.0.113.9", []any{int64(60000), int64(60000)},
			want{Algorithm: "ban", Subject: "203.0.113.9", Blocked: true, Resets: num(60)}},
	}
}

func ownOthers() map[string]own {
	const now = customNow
	text := fmt.Sprintf
	return map[string]own{
		"a hash": {Definition{Key: `^h:(?P<id>.+)$`, Type: "hash", Unit: "ms", ResetFrom: "value",
			Fields: Fields{Remaining: "left", Limit: "max", Reset: "until", Denied: "no"}}, "h:7",
			[]any{[]any{"3", "10", text("%.0f", (now+20)*1000), "5"}, int64(60000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(7), Limit: num(10), LimitFrom: "key", Resets: num(20)}},
		"a bucket": {Definition{Key: `^b:(?P<id>.+)$`, Type: "hash", Algorithm: "token-bucket", Limit: 60, Window: 60, Burst: 20, Fields: Fields{Tokens: "t", Last: "at"}}, "b:7",
			[]any{[]any{"3.5", text("%.3f", now-2)}, int64(60000)},
			want{Algorithm: "token-bucket", Subject: "user:7", Used: num(15), Limit: num(20), LimitFrom: "config", Window: num(20), Resets: new(14.5)}},
		"a list": {Definition{Key: `^l:(?P<id>.+)$`, Type: "list", Unit: "us", Limit: 2, Window: 60}, "l:7",
			[]any{[]any{text("%.0f", (now-5)*1e6), text("%.0f", (now-50)*1e6), text("%.0f", (now-70)*1e6)}, int64(55000)},
			want{Algorithm: "sliding-log", Subject: "user:7", Used: num(2), Limit: num(2), LimitFrom: "config", Window: num(60), Resets: num(10)}},
		"a list from the oldest on": {Definition{Key: `^l:(?P<id>.+)$`, Type: "list", Limit: 2, Window: 60}, "l:7",
			[]any{[]any{text("%.0f", now-70), text("%.0f", now-50), text("%.0f", now-4)}, int64(55000)},
			want{Algorithm: "sliding-log", Subject: "user:7", Used: num(2), Limit: num(2), LimitFrom: "config", Window: num(60), Resets: num(10)}},
		"a leaky bucket": {Definition{Key: `^b:(?P<id>.+)$`, Type: "hash", Algorithm: "leaky-bucket", Limit: 60, Window: 60, Burst: 20, Fields: Fields{Used: "n", Last: "at"}}, "b:7",
			[]any{[]any{"9.5", text("%.3f", now-2)}, int64(60000)},
			want{Algorithm: "leaky-bucket", Subject: "user:7", Used: num(8), Limit: num(20), LimitFrom: "config", Window: num(20), Resets: new(7.5)}},
		"like another": {Definition{Key: `^my-(?P<id>\d+)$`, Like: "rate-limiter-flexible"}, "my-7", []any{"4", int64(60000)},
			want{Algorithm: "fixed-window", Subject: "user:7", Used: num(4), Resets: num(60)}},
	}
}

const customNow = 1795549258.0

// TestCustom: layouts of users' own.
func TestCustom(t *testing.T) {
	tests := ownStrings()
	maps.Copy(tests, ownOthers())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.d.Name = "mine"
			l, err := Custom(tt.d)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(append([]Layout{l}, Layouts()...), tt.key, Known{}, customNow, func(asks [][]string) ([]any, error) {
				return answerAll(asks, l.Type, tt.v), nil
			})
			if err != nil || !got.Found {
				t.Fatalf("found %v: %v", got.Found, err)
			}
			tt.want.Layout = "mine"
			if err := tt.want.check(got.Limiter); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCustomZset: the score in other units than seconds.
func TestCustomZset(t *testing.T) {
	const now = 1795549258.0
	l, err := Custom(Definition{Name: "mine", Key: `^z:(?P<id>.+)$`, Type: "zset", Unit: "ms", Limit: 3, Window: 60})
	if err != nil {
		t.Fatal(err)
	}
	newest := []any{"uuid-1", fmt.Sprintf("%.0f", (now-5)*1000)}
	got, err := read([]Layout{l}, "z:7", Known{}, now, func(asks [][]string) ([]any, error) {
		var replies []any
		for _, ask := range asks {
			switch ask[0] {
			case "type":
				replies = append(replies, "zset")
			case "pttl":
				replies = append(replies, int64(55000))
			case "zcount":
				if want := fmt.Sprintf("(%.6f", (now-60)*1000); ask[2] != want {
					t.Errorf("counts from %s, want %s", ask[2], want)
				}
				replies = append(replies, int64(2))
			default:
				replies = append(replies, newest)
			}
		}
		return replies, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w := want{Layout: "mine", Algorithm: "sliding-log", Subject: "user:7", Used: num(2), Limit: num(3), LimitFrom: "config", Window: num(60), Resets: num(55)}
	if err := w.check(got.Limiter); err != nil {
		t.Error(err)
	}
}

func TestCustomWrong(t *testing.T) {
	tests := map[string]struct {
		d    Definition
		says string
	}{
		"no key":           {Definition{}, "key is missing"},
		"bad key":          {Definition{Key: `(`}, "key: "},
		"type":             {Definition{Key: `x`, Type: "stream"}, "string, hash, zset, list are allowed"},
		"algorithm":        {Definition{Key: `x`, Algorithm: "leaky"}, "fixed-window, sliding-window, gcra, ban are allowed"},
		"hash's algorithm": {Definition{Key: `x`, Type: "hash", Algorithm: "gcra"}, "fixed-window, token-bucket, leaky-bucket are allowed"},
		"list's algorithm": {Definition{Key: `x`, Type: "list", Algorithm: "gcra"}, "sliding-log is allowed"},
		"zset's algorithm": {Definition{Key: `x`, Type: "zset", Algorithm: "gcra"}, "sliding-log, concurrency are allowed"},
		"unit":             {Definition{Key: `x`, Unit: "h"}, "s, ms, us, ns are allowed"},
		"limit":            {Definition{Key: `x`, Limit: -1}, "limit is -1"},
		"window":           {Definition{Key: `x`, Window: 1e300}, "window is 1e+300"},
		"reset":            {Definition{Key: `x`, ResetFrom: "value"}, "ttl, window are allowed"},
		"reset of a list":  {Definition{Key: `x`, Type: "list", ResetFrom: "ttl"}, "are not for type list"},
		"reset of a hash":  {Definition{Key: `x`, Type: "hash", ResetFrom: "window", Fields: Fields{Used: "n"}}, "ttl, value are allowed"},
		"no start":         {Definition{Key: `x`, ResetFrom: "window"}, `"start" or "bucket"`},
		"start, no window": {Definition{Key: `x(?P<start>\d+)`, ResetFrom: "window"}, "window is missing"},
		"no bucket":        {Definition{Key: `x`, Algorithm: "sliding-window"}, `"bucket"`},
		"fields":           {Definition{Key: `x`, Fields: Fields{Limit: "n"}}, "used or remaining is missing"},
		"two subjects":     {Definition{Key: `(?P<user>.):(?P<ip>.)`}, "key: want one group id instead of user and ip"},
		"no level":         {Definition{Key: `x`, Type: "hash", Algorithm: "leaky-bucket", Fields: Fields{Used: "n"}}, "used and last are needed"},
		"fields of gcra":   {Definition{Key: `x`, Algorithm: "gcra", Fields: Fields{Remaining: "value"}}, "for fixed-window only"},
		"no fields":        {Definition{Key: `x`, Type: "hash"}, "used or remaining is missing"},
		"no tokens":        {Definition{Key: `x`, Type: "hash", Algorithm: "token-bucket"}, "tokens and last are needed"},
		"tokens":           {Definition{Key: `x`, Type: "hash", Fields: Fields{Used: "n", Tokens: "t"}}, "for token-bucket only"},
		"no reset":         {Definition{Key: `x`, Type: "hash", ResetFrom: "value", Fields: Fields{Used: "n"}}, "reset is missing"},
		"like":             {Definition{Key: `x`, Like: "nginx"}, "redis_rate"},
		"like and unit":    {Definition{Key: `x`, Like: "traefik", Unit: "ms"}, "not allowed beside it"},
		"like and type":    {Definition{Key: `x`, Like: "traefik", Type: "list"}, "has no keys"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.d.Name = "mine"
			_, err := Custom(tt.d)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `"mine"`) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
	if _, err := Custom(Definition{Key: "x"}); err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("no name: %v", err)
	}
}

// TestLiteral: a definition's beginning spares other keys its expression, and
// must not hide a key that matches.
func TestLiteral(t *testing.T) {
	for pattern, want := range map[string]string{
		`^quota/(?P<id>.+)$`: "quota/", `^a\.b:`: "a.b:", `^ab?c`: "a", `^ab*`: "a",
		`quota/`: "", `^(a|b)c`: "", `(?i)^abc`: "", `^[ab]c`: "", `^a|b`: "", `^`: "", `^a`: "a", `^a{0,2}b`: "",
	} {
		got := literal(pattern)
		if want == "" && got != nil || want != "" && (len(got) != 1 || got[0] != want) {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}
