package ratelimit

import "testing"

func TestSeries(t *testing.T) {
	own, err := Custom(Definition{Name: "own", Key: `^own:(?P<id>\w+):(?P<start>\d+):x$`, ResetFrom: "window", Window: 60})
	if err != nil {
		t.Fatal(err)
	}
	layouts := append([]Layout{own}, Layouts()...)
	for key, want := range map[string]string{
		"rack::attack:29924190:req/ip:203.0.113.9": "rack::attack:#:req/ip:203.0.113.9",
		"@upstash/ratelimit:user:7:29924190":       "@upstash/ratelimit:user:7:#",
		"own:7:1795451366:x":                       "own:7:#:x",
		"own:1795451366:1795451366:x":              "own:1795451366:#:x",
		"limiter:203.0.113.9":                      "",
		"rate_limit:42:/orders":                    "",
	} {
		ref, ok := Match(layouts, key)
		if got := ref.series().Raw(); !ok || got != want {
			t.Errorf("%s: %q, %v; want %q", key, got, ok, want)
		}
	}
}
