package screentest

import (
	"math"
	"strings"

	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// Throttled is Calm with limiters of several libraries: callers that are blocked,
// near their limit, just free again, or gone, a limit that nobody knows, and
// mistakes.
func Throttled() *analysis.Report { return script{throttled: true}.run(240) }

// ThrottledHostile is the same, with strings that attack the terminal.
func ThrottledHostile() *analysis.Report {
	return script{throttled: true, text: func(s string) string { return "\x1b]0;x\x07\x1b[2J" + s + "\u202e日本\u0301\u0302\u0303\x9b31m\n" }}.run(60)
}

// caller is one scripted limiter key, i seconds after the start.
type caller struct {
	who, tier, endpoint string
	layout, algorithm   string
	limit               float64 // 0: nobody knows it
	from                string
	window              float64
	used                func(i float64) float64
	denied              func(i float64) float64 // nil: the layout does not count them
	until               int                     // second in which the key goes; 0: never
	lint                string
}

func level(v float64) func(float64) float64 { return func(float64) float64 { return v } }

// callers are the scripted limiter keys.
func callers() []caller {
	demo := caller{layout: "apitop-demo", algorithm: "sliding-log", from: "neighbour", window: 3600}
	with := func(c caller, set func(*caller)) caller {
		set(&c)
		return c
	}
	return []caller{
		with(demo, func(c *caller) {
			c.who, c.tier, c.endpoint, c.limit = "guest-17", "guest", "/auth/login", 10
			c.used, c.denied = func(i float64) float64 { return min(10, 1+i/20) }, func(i float64) float64 { return math.Floor(max(i-180, 0) * 1.5) }
		}),
		with(demo, func(c *caller) {
			c.who, c.tier, c.endpoint, c.limit = "guest-17", "guest", "default", 100
			c.used, c.denied = func(i float64) float64 { return math.Floor(40 + i/8) }, level(0)
		}),
		with(demo, func(c *caller) {
			c.who, c.tier, c.endpoint, c.limit = "user:42", "basic", "/orders", 150
			c.used, c.denied = func(i float64) float64 { return math.Floor(min(96+i/5, 144)) }, level(0)
		}),
		with(demo, func(c *caller) {
			c.who, c.tier, c.endpoint, c.limit = "user:1", "admin", "default", 10000
			c.used, c.denied = func(i float64) float64 { return 1200 + math.Floor(i) }, level(0)
		}),
		with(demo, func(c *caller) { // blocked for a while, then free again
			c.who, c.tier, c.endpoint, c.limit, c.window = "user:7", "premium", "/products/search", 60, 60
			c.used = func(i float64) float64 { return math.Floor(min(60, math.Abs(210-i)*1.2)) }
			c.denied = func(i float64) float64 { return math.Floor(min(i, 150) / 2) }
		}),
		with(demo, func(c *caller) { // blocked until its key expired
			c.who, c.tier, c.endpoint, c.limit, c.window, c.until = "10.9.8.7", "", "/products", 100, 120, 205
			c.used, c.denied = level(100), func(i float64) float64 { return math.Floor(i * 2) }
		}),
		{who: "203.0.113.9", endpoint: "api.orders", layout: "python-limits", algorithm: "fixed-window", limit: 5, from: "key", window: 60,
			used: func(i float64) float64 { return math.Mod(math.Floor(i/6), 5) }},
		{who: "198.51.100.23", endpoint: "", layout: "rate-limit-redis", algorithm: "fixed-window", window: 900,
			used: func(i float64) float64 { return math.Floor(i / 3) }},
		{who: "9f86d081884c7d65", endpoint: "login", layout: "laravel", algorithm: "fixed-window", limit: 5, from: "config", window: 60,
			used: level(2)},
		{who: "alice", endpoint: "/search", layout: "tutorial", algorithm: "sliding-log-seconds", limit: 50, from: "ceiling", window: 3600,
			used: level(31), lint: "whole-seconds"},
	}
}

// limits fills k with the scripted limiter keys and what is wrong with them.
func (s script) limits(k *snapshot.Keys, i int) {
	t := float64(i)
	for _, c := range callers() {
		if c.until > 0 && i >= c.until {
			continue
		}
		l := snapshot.Limiter{
			Key: s.str(strings.Join([]string{"rate_limit", c.who, c.endpoint}, ":")), Subject: s.str(c.who), Tier: s.str(c.tier), Endpoint: s.str(c.endpoint),
			Layout: c.layout, Algorithm: c.algorithm, Used: known(c.used(t)), WindowSeconds: known(c.window),
			ResetsSeconds: known(c.window - math.Mod(t, c.window)), At: at(i),
		}
		if c.limit > 0 {
			l.Limit, l.LimitFrom = known(c.limit), c.from
		}
		if c.denied != nil {
			l.DeniedTotal, l.RequestedTotal = known(c.denied(t)), known(c.denied(t)+c.used(t))
		}
		if c.lint != "" {
			l.Lint = []string{c.lint}
		}
		k.Limiters = append(k.Limiters, l)
	}
	k.Lint = []snapshot.LimiterLint{{
		Rule: "whole-seconds", Layout: "tutorial", Keys: 38, Example: s.str("rate_limit:alice:/search"),
		What: s.str("members are whole seconds: requests in the same second count once, so callers get more than their limit"),
		Fix:  "use a member that is unique per request, such as microseconds and a sequence number",
	}, {
		Rule: "no-ttl", Layout: "rate-limit-redis", Keys: 2, Example: s.str("rl:198.51.100.23"),
		What: s.str("the key never expires: its caller stays counted for ever"),
		Fix:  "set the lifetime in the same script or transaction as the first count",
	}}
}
