package ratelimit

import (
	"fmt"
	"slices"
	"testing"
)

// with answers with a key's type, value and lifetime.
func with(kind string, v []any) func([][]string) ([]any, error) {
	return func(asks [][]string) ([]any, error) { return answerAll(asks, kind, v), nil }
}

// TestNewestFirst: of a log that is longer than what is asked for, the end with
// the newest counts.
func TestNewestFirst(t *testing.T) {
	for name, tt := range map[string]struct{ head, tail, want []any }{
		"newest first": {[]any{"9", "8"}, []any{"2", "1"}, []any{"9", "8"}},
		"oldest first": {[]any{"1", "2"}, []any{"8", "9"}, []any{"9", "8"}},
		"one":          {[]any{"1"}, []any{"1"}, []any{"1"}},
		"gone since":   {[]any{"1"}, nil, []any{"1"}},
	} {
		if got := newestFirst(tt.head, tt.tail); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestSpellings: what people write for types, algorithms, units and groups.
func TestSpellings(t *testing.T) {
	const now = customNow
	ms := fmt.Sprintf("%.0f", (now+10)*1e3)
	tests := map[string]struct {
		d         Definition
		key       string
		v         []any
		algorithm string
		endpoint  string
	}{
		"underscores":  {Definition{Key: `^a:(?P<user>[^:]+)`, Algorithm: "fixed_window"}, "a:7", []any{"3", int64(9000)}, "fixed-window", ""},
		"words":        {Definition{Key: `^a:(?<ip>[^:]+)`, Algorithm: "Fixed Window"}, "a:7", []any{"3", int64(9000)}, "fixed-window", ""},
		"endpoint":     {Definition{Key: `^a:(?P<user_id>\d+):(?P<endpoint>.+)$`}, "a:7:/x", []any{"3", int64(9000)}, "fixed-window", "/x"},
		"route":        {Definition{Key: `^a:(?P<route>[^:]+):(?P<id>\d+)$`}, "a:/x:7", []any{"3", int64(9000)}, "fixed-window", "/x"},
		"id before ip": {Definition{Key: `^a:(?P<ip>[^:]+):(?P<id>\d+)$`}, "a:::1:7", []any{"3", int64(9000)}, "", ""},
		"capitals":     {Definition{Key: `^a:(?P<client>.+)$`, Type: "String", Algorithm: "GCRA", Unit: "milliseconds"}, "a:7", []any{ms, int64(9000)}, "gcra", ""},
		"tokens": {Definition{Key: `^a:(?P<id>.+)$`, Type: "hash", Algorithm: "token_bucket", Fields: Fields{Tokens: "t", Last: "l"}},
			"a:7", []any{[]any{"3", "1795549250"}, int64(9000)}, "token-bucket", ""},
		"a list's window": {Definition{Key: `^a:(?P<id>.+)$`, Type: "list", Algorithm: "sliding-window"}, "a:7", []any{[]any{"1795549250"}, int64(9000)}, "sliding-log", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.d.Name = "mine"
			l, err := Custom(tt.d)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read([]Layout{l}, tt.key, Known{}, now, with(l.Type, tt.v))
			if err != nil || got.Found != (tt.algorithm != "") {
				t.Fatalf("found %v: %v", got.Found, err)
			}
			if a, ep := got.Limiter.Algorithm, got.Limiter.Endpoint.Raw(); a != tt.algorithm || ep != tt.endpoint {
				t.Errorf("%q at %q, want %q at %q", a, ep, tt.algorithm, tt.endpoint)
			}
			if s := got.Limiter.Subject.Raw(); got.Found && s != "user:7" {
				t.Errorf("subject %q", s)
			}
		})
	}
	for _, name := range []string{"sorted-set", "Sorted set", "sortedset", "ZSET"} {
		if got := typeOf(name); got != "zset" {
			t.Errorf("type %q is %q", name, got)
		}
	}
	for name, want := range map[string]string{"sliding_window_log": "sliding-log", "sliding window": "sliding-log", "in-flight": "concurrency"} {
		if got := algorithmOf(name, "zset"); got != want {
			t.Errorf("algorithm %q is %q, want %q", name, got, want)
		}
	}
	for key, want := range map[string]bool{`(?P<id>.)`: true, `(?<user>.)`: true, `(?P<api_key>.)`: true, `(?P<ep>.)`: false, `(.)`: false, `(`: false} {
		if got := NamesSubject(key); got != want {
			t.Errorf("%s names a subject: %v", key, got)
		}
	}
}

// TestParseWindow: lengths of time as people write them.
func TestParseWindow(t *testing.T) {
	for s, want := range map[string]float64{
		"60": 60, "0.5": 0.5, "60s": 60, "1m30s": 90, "1h": 3600, "1d": 86400, "2 days": 172800, "day": 86400, "Hour": 3600,
		"1 hour": 3600, "15 minutes": 900, "15min": 900, "5 secs": 5, "1w": 604800, "month": 2592000, "m": 60, "-1s": -1, "500ms": 0.5,
	} {
		if got, ok := ParseWindow(s); !ok || got != want {
			t.Errorf("%q is %v %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", " ", "soon", "1 fortnight", "1.2.3", "100/m", "-5"} {
		if got, ok := ParseWindow(s); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

// TestStartDate: windows whose start is a date in the key.
func TestStartDate(t *testing.T) {
	const now = customNow // 2026-11-24 19:40:58 UTC
	tests := map[string]struct {
		key    string
		resets float64 // 0: it is no window of now
	}{
		"a day":         {"d:7:2026-11-24", 15542},
		"digits":        {"d:7:20261124", 15542},
		"an hour":       {"d:7:2026-11-24T19", 1142},
		"hour's digits": {"d:7:2026112419", 1142},
		"a minute":      {"d:7:2026-11-24T19:40", 2},
		"yesterday":     {"d:7:2026-11-23", 0},
		"no date":       {"d:7:2026-13-24", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			length := map[int]float64{10: 86400, 8: 86400, 13: 3600, 16: 60}[len(tt.key)-4]
			if name == "hour's digits" {
				length = 3600
			}
			l, err := Custom(Definition{Name: "mine", Key: `^d:(?P<id>\d+):(?P<start>.+)$`, Window: length, ResetFrom: "window"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := read([]Layout{l}, tt.key, Known{}, now, with("string", []any{"3", int64(90000000)}))
			if err != nil || got.Found != (tt.resets > 0) || got.Limiter.ResetsSeconds.V != tt.resets {
				t.Errorf("found %v, resets in %v: %v; want %v", got.Found, got.Limiter.ResetsSeconds, err, tt.resets)
			}
		})
	}
}

// TestJSON: a JSON object in a string is as a hash with its fields.
func TestJSON(t *testing.T) {
	const now = customNow
	d := Definition{Name: "mine", Key: `^j:(?P<id>\d+)$`, Fields: Fields{Used: "count", Limit: "max", Reset: "until"}, Unit: "ms", ResetFrom: "value"}
	l, err := Custom(d)
	if err != nil {
		t.Fatal(err)
	}
	until := fmt.Sprintf("%.0f", (now+20)*1e3)
	for text, found := range map[string]bool{
		`{"count": 4, "max": "10", "until": ` + until + `, "x": {"a": [1]}}`: true,
		`{"count": null, "until": ` + until + `}`:                            false,
		`{"count": 4}`:            false,
		`[4]`:                     false,
		`null`:                    false,
		`4`:                       false,
		`{"count": 4, "until": "`: false,
	} {
		got, err := read([]Layout{l}, "j:7", Known{}, now, with("string", []any{text, int64(60000)}))
		if err != nil || got.Found != found {
			t.Errorf("%s: found %v: %v", text, got.Found, err)
		}
		if g := got.Limiter; found && (g.Used.V != 4 || g.Limit.V != 10 || g.ResetsSeconds.V != 20) {
			t.Errorf("%s: %v of %v, resets in %v", text, g.Used, g.Limit, g.ResetsSeconds)
		}
	}
}

// TestSpoken: names of any kind tell what is limited and who.
func TestSpoken(t *testing.T) {
	for key, want := range map[string][2]string{
		"ratelimit:user123":           {"ratelimit", "user123"},
		"login-limit:user:7":          {"login-limit", "user:7"},
		"app:rate_limiter_user_5":     {"app:rate_limiter", "user_5"},
		"Throttled/orders/7":          {"Throttled", "orders/7"},
		"bucket-203.0.113.9":          {"bucket", "203.0.113.9"},
		"login:203.0.113.9":           {"login", "203.0.113.9"},
		"203.0.113.9":                 {"", "203.0.113.9"},
		"2001:db8::1":                 {"", "2001:db8::1"},
		"ratelimit":                   {"", "ratelimit"},
		"export-throttle":             {"", "export-throttle"},
		"limit42":                     {"", "limit42"},
		"203.0.113.9:quota":           {"", "203.0.113.9:quota"},
		"ratelimit:":                  {"", "ratelimit:"},
		"quota:2001:db8::1":           {"quota", "2001:db8::1"},
		"rate-limit:limit:\xffé:eins": {"rate-limit:limit", "\xffé:eins"},
	} {
		if what, who := spoken(key); what != want[0] || who != want[1] {
			t.Errorf("%q is %q and %q, want %q", key, what, who, want)
		}
	}
}
