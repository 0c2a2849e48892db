package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
)

// scripted is a limiter that gives one answer and notes the question.
type scripted struct {
	res   limit.Result
	err   error
	asked []limit.Request
}

func (s *scripted) Allow(_ context.Context, r limit.Request) (limit.Result, error) {
	s.asked = append(s.asked, r)
	return s.res, s.err
}

// decisions notes what the middleware reports.
type decisions []string

func (d *decisions) Decided(tier, endpoint string, allowed bool) {
	*d = append(*d, fmt.Sprint(tier, " ", endpoint, " ", allowed))
}

func (d *decisions) LocalDecision(allowed bool) { *d = append(*d, fmt.Sprint("local ", allowed)) }

func (d *decisions) Undecided(tier, endpoint, reason string) {
	*d = append(*d, fmt.Sprint(tier, " ", endpoint, " ", reason))
}

// limited sends a guest's request of a route through the limit.
func limited(t *testing.T, l middleware.Limiter, o middleware.LimitObserver, route string) (w *httptest.ResponseRecorder, reached bool) {
	t.Helper()
	w = serve(get("/"), func(http.ResponseWriter, *http.Request) { reached = true },
		middleware.RequestID(), middleware.At(route), middleware.Identify(signer(t, "")), middleware.Limit(middleware.Limiting{
			Limiter: l, Plan: limit.DefaultPlan(), Observer: o,
		}))
	return w, reached
}

func TestLimitAllowed(t *testing.T) {
	l := &scripted{res: limit.Result{
		Allowed: true, Policy: limit.ByClass, Limit: 30, Window: time.Hour, Remaining: 12, RetryAfter: -1,
		ResetAfter: 1788*time.Second + time.Microsecond, At: time.Unix(1_790_000_000, 0),
		Class:   limit.Use{Remaining: 12, ResetAfter: 1788*time.Second + time.Microsecond},
		Overall: limit.Use{Remaining: 130, ResetAfter: time.Microsecond},
	}}
	var seen decisions
	w, reached := limited(t, l, &seen, "/orders/{id}")
	if w.Code != 200 || !reached {
		t.Errorf("status %d, handler reached: %v", w.Code, reached)
	}
	want := map[string]string{
		"RateLimit-Policy":  `"guest-orders";q=30;w=3600, "guest-all";q=150;w=3600`,
		"RateLimit":         `"guest-orders";r=12;t=1789, "guest-all";r=130;t=1`,
		"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1790001789", "Retry-After": "",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	asked := limit.Request{Subject: "guest-192.0.2.1", Tier: limit.Guest, Class: limit.Orders,
		Quota: limit.Quota{Limit: 30, Window: time.Hour}, Overall: limit.Quota{Limit: 150, Window: time.Hour}}
	if len(l.asked) != 1 || l.asked[0] != asked {
		t.Errorf("asked %+v, want %+v", l.asked, asked)
	}
	if !slices.Equal(seen, decisions{"guest /orders true"}) {
		t.Errorf("observed %q", seen)
	}
}

func TestLimitDenied(t *testing.T) {
	const wait = 9*time.Second + time.Microsecond
	at := time.Unix(1_790_000_000, 0)
	tests := map[string]struct {
		res         limit.Result
		policy      string
		left, limit string
		seen        decisions
	}{
		"by the class": {
			res: limit.Result{Policy: limit.ByClass, Limit: 100, Window: time.Hour, RetryAfter: wait, ResetAfter: wait, At: at,
				Class: limit.Use{ResetAfter: wait}, Overall: limit.Use{Remaining: 3, ResetAfter: time.Hour}},
			policy: "guest-default", limit: "100", left: `"guest-default";r=0;t=10, "guest-all";r=3;t=3600`,
			seen: decisions{"guest default false"},
		},
		"by all, without Redis": {
			res: limit.Result{Policy: limit.ByAll, Limit: 150, Window: time.Hour, RetryAfter: wait, ResetAfter: wait, At: at, Local: true,
				Class: limit.Use{Remaining: 7, ResetAfter: time.Minute}, Overall: limit.Use{ResetAfter: wait}},
			policy: "guest-all", limit: "150", left: `"guest-default";r=7;t=60, "guest-all";r=0;t=10`,
			seen: decisions{"guest default false", "local false"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var seen decisions
			w, reached := limited(t, &scripted{res: tt.res}, &seen, "/products")
			if w.Code != 429 || reached {
				t.Errorf("status %d, handler reached: %v", w.Code, reached)
			}
			want := map[string]string{
				"RateLimit-Policy": `"guest-default";q=100;w=3600, "guest-all";q=150;w=3600`, "RateLimit": tt.left, "Retry-After": "10",
				"X-RateLimit-Limit": tt.limit, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000010",
				"Content-Type": "application/problem+json",
			}
			for name, value := range want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			p := problem(t, w)
			if p.Type != "https://iana.org/assignments/http-problem-types#quota-exceeded" || !slices.Equal(p.ViolatedPolicies, []string{tt.policy}) ||
				strconv.Itoa(p.Limit) != tt.limit || p.ResetTime != 1_790_000_010 || p.Detail == "" {
				t.Errorf("problem %+v", p)
			}
			if !slices.Equal(seen, tt.seen) {
				t.Errorf("observed %q", seen)
			}
		})
	}
}

// TestLimitOfPlan: what a plan does not have is not announced, and a tier that it
// does not know gets a guest's quota.
func TestLimitOfPlan(t *testing.T) {
	plan := limit.DefaultPlan()
	plan.Overall = 0
	l := &scripted{res: limit.Result{
		Allowed: true, Policy: limit.ByClass, Limit: 100, Window: time.Hour, Remaining: 99, RetryAfter: -1, ResetAfter: time.Second,
		Class: limit.Use{Remaining: 99, ResetAfter: time.Second}, At: time.Unix(1_790_000_000, 0),
	}}
	w := serve(get("/x"), func(_ http.ResponseWriter, r *http.Request) {}, middleware.RequestID(),
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				info := middleware.InfoFrom(r.Context())
				info.Subject, info.Tier = "42", "gold"
				next.ServeHTTP(w, r)
			})
		}, middleware.Limit(middleware.Limiting{Limiter: l, Plan: plan, Observer: &decisions{}}))
	if got := w.Header().Get("RateLimit-Policy"); got != `"gold-default";q=100;w=3600` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	if got := w.Header().Get("RateLimit"); got != `"gold-default";r=99;t=1` {
		t.Errorf("RateLimit: %s", got)
	}
	if len(l.asked) != 1 || l.asked[0].Overall != (limit.Quota{}) || l.asked[0].Quota.Limit != 100 {
		t.Errorf("asked %+v", l.asked)
	}
}

func TestLimitFailsOpen(t *testing.T) {
	var seen decisions
	w, reached := limited(t, &scripted{err: fmt.Errorf("x: %w", context.DeadlineExceeded)}, &seen, "/orders")
	if w.Code != 200 || !reached {
		t.Errorf("status %d, handler reached: %v", w.Code, reached)
	}
	if w.Header().Get("RateLimit") != "" || w.Header().Get("X-RateLimit-Limit") != "" {
		t.Errorf("headers that nobody decided on: %v", w.Header())
	}
	if !slices.Equal(seen, decisions{"guest /orders timeout"}) {
		t.Errorf("observed %q", seen)
	}
}

// TestLimitOfNoRoute: what matches no route is limited, or probing would be free.
func TestLimitOfNoRoute(t *testing.T) {
	l := &scripted{err: errors.New("no decision")}
	if limited(t, l, &decisions{}, ""); len(l.asked) != 1 || l.asked[0].Class != limit.Default {
		t.Errorf("asked %+v", l.asked)
	}
}

// TestObedientClient: who waits as long as Retry-After says is let through, as
// often as it likes, and the headers agree with what happens next.
func TestObedientClient(t *testing.T) {
	now := time.Unix(1_790_000_000, 123_457_000)
	l := limit.NewLocal(limit.LocalOptions{Now: func() time.Time { return now }})
	waits := 0
	for range 400 {
		path := []string{"/orders", "/products"}[waits%2]
		w, reached := limited(t, l, &decisions{}, path)
		remaining, err := strconv.Atoi(w.Header().Get("X-RateLimit-Remaining"))
		if err != nil {
			t.Fatal(err)
		}
		if reached && remaining > 0 {
			now = now.Add(1234 * time.Millisecond)
			continue
		}
		seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if reached == (err == nil) {
			t.Fatalf("status %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if reached {
			continue // the last one
		}
		waits++
		now = now.Add(time.Duration(seconds) * time.Second)
		if w, reached := limited(t, l, &decisions{}, path); !reached {
			t.Fatalf("%s: waited %d s, yet Retry-After is %s", path, seconds, w.Header().Get("Retry-After"))
		}
	}
	if waits < 50 {
		t.Errorf("had to wait only %d times", waits)
	}
}

// TestShortTimes: header fields are whole seconds, and 0 would mean "at once".
func TestShortTimes(t *testing.T) {
	l := &scripted{res: limit.Result{Limit: 1, Window: 100 * time.Millisecond, RetryAfter: time.Microsecond, ResetAfter: time.Microsecond, At: time.Unix(100, 5)}}
	w, _ := limited(t, l, &decisions{}, "/orders")
	if w.Header().Get("Retry-After") != "1" || w.Header().Get("RateLimit") != `"guest-orders";r=0;t=1, "guest-all";r=0;t=1` || w.Header().Get("X-RateLimit-Reset") != "101" {
		t.Errorf("headers %v", w.Header())
	}
}
