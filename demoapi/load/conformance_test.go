package load

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPolicies(t *testing.T) {
	type h = map[string]string
	tests := map[string]struct {
		headers h
		want    string
	}{
		"none":           {h{}, "[]"},
		"draft 11":       {h{"RateLimit-Policy": `"guest-orders";q=30;w=3600`, "RateLimit": `"guest-orders";r=12;t=1789`}, "[{guest-orders 30 3600 12}]"},
		"two policies":   {h{"RateLimit-Policy": `"a";q=30;w=60, "b";q=1000;w=3600`, "RateLimit": `"b";r=7;t=1`}, "[{a 30 60 -1} {b 1000 3600 7}]"},
		"order":          {h{"RateLimit-Policy": `"a";w=60;pk=:aGk=:;q=30`}, "[{a 30 60 -1}]"},
		"odd name":       {h{"RateLimit-Policy": `"a, \"b\"; c";q=3`, "RateLimit": `"a, \"b\"; c";r=2`}, `[{a, "b"; c 3 0 2}]`},
		"bytes":          {h{"RateLimit-Policy": `"a";q=30;qu="content-bytes", "b";q=5;qu="requests"`}, "[{b 5 0 -1}]"},
		"drafts 03 - 06": {h{"RateLimit-Limit": "100", "RateLimit-Policy": "100;w=60", "RateLimit-Remaining": "99"}, "[{ 100 60 99}]"},
		"policy in it":   {h{"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "5"}, "[{ 100 0 5}]"},
		"window in it":   {h{"RateLimit-Limit": "100;w=60"}, "[{ 100 60 -1}]"},
		"draft 07":       {h{"RateLimit": "limit=100, remaining=50, reset=30"}, "[{ 100 0 50}]"},
		"legacy":         {h{"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "0"}, "[{ 30 0 0}]"},
		"both":           {h{"RateLimit-Policy": `"p";q=9`, "X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "8"}, "[{p 9 0 8}]"},
		"nonsense":       {h{"RateLimit-Policy": `;;,"x";q=-1,"y",=,"z;q=1`, "X-RateLimit-Limit": "many"}, "[]"},
		"no quota":       {h{"RateLimit-Policy": `"a";w=60`}, "[]"},
	}
	for name, tt := range tests {
		header := http.Header{}
		for k, v := range tt.headers {
			header.Set(k, v)
		}
		found := policies(header)
		remaining(found, header)
		if got := fmt.Sprint(found); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	many := http.Header{"Ratelimit-Policy": {strings.Repeat(`"a";q=1,`, 100), `"b";q=1`}}
	if n := len(policies(many)); n != maxPolicies {
		t.Errorf("%d policies of 101", n)
	}
}

// FuzzPolicies: whatever the headers say, what is read of them is bounded.
func FuzzPolicies(f *testing.F) {
	f.Add(`"guest-orders";q=30;w=3600`, `"guest-orders";r=12;t=1789`, "30")
	f.Add(`100;w=60, "a\";";q=1`, "limit=100, remaining=50, reset=30", "100, 100;w=60")
	f.Add(`"`, `\`, ";=,")
	f.Fuzz(func(t *testing.T, policy, limit, legacy string) {
		h := http.Header{}
		h.Set("RateLimit-Policy", policy)
		h.Set("RateLimit", limit)
		h.Set("X-RateLimit-Limit", legacy)
		h.Set("Retry-After", legacy)
		found := policies(h)
		remaining(found, h)
		if len(found) > maxPolicies {
			t.Errorf("%d policies", len(found))
		}
		for _, p := range found {
			if len(p.name) > maxPolicyName || p.left < -1 || p.window < 0 {
				t.Errorf("%+v", p)
			}
		}
		if wait := retryAfter(h, time.Now()); wait < 0 || wait > longestWait {
			t.Errorf("Retry-After %q: %v", legacy, wait)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * sec, " 3 ": 3 * sec, "-1": 0, "soon": 0, "1.5": 0, "4000000000": longestWait, "99999999999999999999": 0,
		"Tue, 24 Nov 2026 12:00:30 GMT": 30 * sec, "Tue, 24 Nov 2026 11:00:30 GMT": 0, "Tue, 24 Nov 2099 11:00:30 GMT": longestWait,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// limiter is a server with a quota for each caller, which may not keep to what it
// advertises.
type limiter struct {
	quota, window int // advertised; the window in seconds
	admits        int // in truth, at the start
	refill        float64
	used          int // before the run
	silent        bool

	mu    sync.Mutex // guards below
	began time.Time
	count map[string]int
}

func (l *limiter) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count, l.began = map[string]int{}, time.Now()
	}
	who := r.Header.Get("X-Client-Id")
	room := l.admits - l.used + int(l.refill*time.Since(l.began).Seconds()) - l.count[who]
	status := 200
	if room <= 0 {
		status, room = 429, 1
	} else {
		l.count[who]++
	}
	resp := respond(status, "")
	resp.Header.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", "guest-default", l.quota, l.window))
	if !l.silent {
		resp.Header.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", "guest-default", room-1, l.window))
	}
	resp.Header.Set("Retry-After", strconv.Itoa(l.window))
	return resp, nil
}

func TestConformance(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		limiter  *limiter
		rps      float64
		conforms *bool
		most     uint64
		note     string
	}{
		"exact":          {&limiter{quota: 30, window: 3600, admits: 30}, 10, &yes, 30, ""},
		"not reached":    {&limiter{quota: 300, window: 3600, admits: 300}, 10, nil, 100, "no caller reached"},
		"too generous":   {&limiter{quota: 30, window: 3600, admits: 32}, 10, &no, 32, "32 admitted, 30 advertised"},
		"too strict":     {&limiter{quota: 30, window: 3600, admits: 28, silent: true}, 10, &no, 28, "denied below"},
		"promise broken": {&limiter{quota: 30, window: 3600, admits: 30, refill: -1}, 4, &no, 25, "denied below"},
		"used before":    {&limiter{quota: 30, window: 3600, admits: 30, used: 10}, 10, nil, 20, "used before"},
		"refill":         {&limiter{quota: 10, window: 10, admits: 10, refill: 1}, 10, &yes, 19, "within its refill"},
		"fast refill":    {&limiter{quota: 10, window: 10, admits: 10, refill: 3}, 10, &no, 37, "37 admitted, 10 advertised"},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &Scenario{Name: "x", ClientHeader: "X-Client-Id", Requests: []Request{{Path: "/a", Weight: 1}}, Tiers: []TierShare{{"guest", 1, 3}}}
			rep := run(t, Spec{Scenario: s, Stages: steady(tt.rps*3, 10*sec), Seed: 1, Transport: tt.limiter})
			if len(rep.Tiers) != 1 || len(rep.Tiers[0].Conformance) != 1 {
				t.Fatalf("%s: %+v", name, rep.Tiers)
			}
			tier, c := rep.Tiers[0], rep.Tiers[0].Conformance[0]
			off := uint64(0) // random shares of the callers
			if name == "not reached" || tt.limiter.refill != 0 {
				off = 30
			}
			if fmt.Sprint(deref(c.Conforms)) != fmt.Sprint(deref(tt.conforms)) || c.Most > tt.most+off || c.Most+off < tt.most || tt.note == "" != (c.Note == "") {
				t.Errorf("%s: %+v (conforms %v)", name, c, deref(c.Conforms))
			}
			if off == 0 && !strings.Contains(c.Note, tt.note) {
				t.Errorf("%s: note %q, want %q", name, c.Note, tt.note)
			}
			if c.Policy != "guest-default" || c.Limit != uint64(tt.limiter.quota) || c.Window != float64(tt.limiter.window) || c.Identities != 3 {
				t.Errorf("%s: %+v", name, c)
			}
			if tier.Denied != c.Denied || tier.Denied != rep.Throttled || tier.Admitted != rep.OK || (tier.FirstDenial != nil) != (tier.Denied > 0) {
				t.Errorf("%s: %+v", name, tier)
			}
		})
	}
}

func deref(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// TestObeyRetryAfter: who was told to wait asks nothing until then; what would
// have been sent is counted.
func TestObeyRetryAfter(t *testing.T) {
	for _, obey := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &Scenario{Name: "x", ClientHeader: "X-Client-Id", Requests: []Request{{Path: "/a", Weight: 1}}, Tiers: []TierShare{{"guest", 1, 2}}}
			l := &limiter{quota: 10, window: 5, admits: 10, refill: 2}
			rep := run(t, Spec{Scenario: s, Stages: steady(20, 22*sec), Seed: 1, ObeyRetryAfter: obey, Transport: l})
			if !obey {
				if rep.Held != 0 || rep.Throttled < 250 {
					t.Errorf("%+v", rep)
				}
				return
			}
			// Each of the two is denied once, and then once every 5 s or less often.
			if rep.Throttled < 4 || rep.Throttled > 10 || rep.Held < 200 || rep.Requests+rep.Held != 440 || rep.GeneratorLimited {
				t.Errorf("%+v", rep)
			}
		})
	}
}

// TestConformanceBounds: hostile answers cannot fill the memory.
func TestConformanceBounds(t *testing.T) {
	c := newConformance(&crowd{guests: -1, tiers: []TierShare{{}}})
	r := &route{name: "/a"}
	for i := range 3 * maxLimits {
		h := http.Header{"Ratelimit-Policy": {fmt.Sprintf(`"p%d";q=1`, i)}}
		c.record(&outcome{job: job{plan: plan{route: r, who: &caller{}}}, status: 200, limits: h})
	}
	if len(c.rows) != maxLimits || len(c.known) != maxTexts || !c.lost || c.uses != maxLimits {
		t.Errorf("%d rows, %d texts, %d uses", len(c.rows), len(c.known), c.uses)
	}
}
