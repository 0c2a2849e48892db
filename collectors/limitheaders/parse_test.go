package limitheaders

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// header is lines of "Name: value".
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		header http.Header
		want   string // {name limit window remaining reset} of each
	}{
		"none":                  {header("Content-Type: text/html"), "[]"},
		"newest":                {header(`RateLimit-Policy: "default";q=100;w=60`, `RateLimit: "default";r=50;t=30`), "[{default 100 60 50 30}]"},
		"newest, two":           {header(`RateLimit-Policy: "day";q=1000;w=86400, "burst";q=10;w=1`, `RateLimit: "burst";r=3;t=1`), "[{burst 10 1 3 1} {day 1000 86400 -1 -1}]"},
		"newest, two lines":     {header(`RateLimit-Policy: "a";q=1;w=2`, `RateLimit-Policy: "b";q=3;w=4`), "[{a 1 2 -1 -1} {b 3 4 -1 -1}]"},
		"newest, no reset":      {header(`RateLimit-Policy: "a";q=9`, `RateLimit: "a";r=0`), "[{a 9 0 0 -1}]"},
		"name with separators":  {header(`RateLimit-Policy: "a,;b=\"c\"";q=7;w=1`), `[{a,;b="c" 7 1 -1 -1}]`},
		"units and partitions":  {header(`RateLimit-Policy: "p";q=65;qu="content-bytes";w=10;pk=:dHJpYWw=:`), "[{p 65 10 -1 -1}]"},
		"express-rate-limit 8":  {header(`RateLimit-Policy: "100-in-15min"; q=100; w=900; pk=:ABC:`, `RateLimit: "100-in-15min"; r=97; t=900`), "[{100-in-15min 100 900 97 900}]"},
		"draft 7":               {header("RateLimit: limit=100, remaining=50, reset=30", "RateLimit-Policy: 100;w=60"), "[{ 100 60 50 30}]"},
		"draft 7, no policy":    {header("RateLimit: limit=100, remaining=50, reset=30"), "[{ 100 0 50 30}]"},
		"draft 7, two policies": {header("RateLimit: limit=10, remaining=5, reset=1", "RateLimit-Policy: 10;w=1, 1000;w=3600"), "[{ 10 1 5 1} { 1000 3600 -1 -1}]"},
		"draft 6":               {header("RateLimit-Limit: 100", "RateLimit-Remaining: 50", "RateLimit-Reset: 30", "RateLimit-Policy: 100;w=60"), "[{ 100 60 50 30}]"},
		"draft 3":               {header("RateLimit-Limit: 100, 100;w=60, 1000;w=3600", "RateLimit-Remaining: 50", "RateLimit-Reset: 30"), "[{ 100 60 50 30} { 1000 3600 -1 -1}]"},
		"with comments":         {header(`RateLimit-Limit: 10, 10;w=1;burst=1000;comment="a, b"`), "[{ 10 1 -1 -1}]"},
		"x, seconds":            {header("X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 59", "X-RateLimit-Reset: 42"), "[{ 60 0 59 42}]"},
		"x, unix":               {header("X-RateLimit-Limit: 60", "X-RateLimit-Reset: "+strconv.FormatInt(now.Unix()+42, 10)), "[{ 60 0 -1 42}]"},
		"x, milliseconds":       {header("X-RateLimit-Limit: 60", "X-RateLimit-Reset: "+strconv.FormatInt(now.UnixMilli()+42500, 10)), "[{ 60 0 -1 42.5}]"},
		"x, date":               {header("X-RateLimit-Limit: 60", "X-RateLimit-Reset: "+now.Add(time.Minute).Format(http.TimeFormat)), "[{ 60 0 -1 60}]"},
		"x, past":               {header("X-RateLimit-Limit: 60", "X-RateLimit-Reset: 1500000000"), "[{ 60 0 -1 0}]"},
		"x-rate-limit":          {header("X-Rate-Limit-Limit: 60", "X-Rate-Limit-Remaining: 7"), "[{ 60 0 7 -1}]"},
		"windows":               {header("X-RateLimit-Limit-Minute: 5", "X-RateLimit-Remaining-Minute: 4", "X-RateLimit-Limit-Hour: 100"), "[{ 5 60 4 -1} { 100 3600 -1 -1}]"},
		"no number":             {header("X-RateLimit-Limit: lots"), "[]"},
		"zero":                  {header("X-RateLimit-Limit: 0"), "[]"},
		"negative":              {header("X-RateLimit-Limit: -5"), "[]"},
		"not finite":            {header("X-RateLimit-Limit: NaN", "RateLimit-Limit: Inf"), "[]"},
		"huge":                  {header("X-RateLimit-Limit: 1e300"), "[]"},
		"garbage":               {header(`RateLimit-Policy: ;;;===,,"`, `RateLimit: "\`), "[]"},
		"empty":                 {header("RateLimit-Limit:", "RateLimit:"), "[]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(Parse(tt.header, now)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestParseIsBounded: headers without end are read in part.
func TestParseIsBounded(t *testing.T) {
	long := strings.Repeat(`"x";q=1;w=1,`, 100_000)
	if n := len(Parse(header("RateLimit-Policy: "+long), now)); n == 0 || n > mostPolicies {
		t.Errorf("%d policies", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`"default";q=100;w=60`, `"default";r=50;t=30`, "100, 100;w=60", "1500000000")
	f.Add("100;w=60", "limit=100, remaining=50, reset=30", "1", "Fri, 02 Jan 2026 03:04:05 GMT")
	f.Fuzz(func(t *testing.T, policy, state, limit, reset string) {
		h := http.Header{"Ratelimit-Policy": {policy}, "Ratelimit": {state}, "X-Ratelimit-Limit": {limit}, "X-Ratelimit-Reset": {reset}}
		list := Parse(h, now)
		if len(list) > mostPolicies {
			t.Fatalf("%d policies", len(list))
		}
		for _, p := range list {
			for _, v := range []float64{p.Limit - 1, p.WindowSeconds, p.Remaining + 1, p.ResetSeconds + 1} {
				if !(v >= 0 && v <= 2*mostNumber) {
					t.Fatalf("%+v", p)
				}
			}
		}
	})
}
