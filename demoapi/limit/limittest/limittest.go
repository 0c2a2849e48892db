// Package limittest holds what every limiter must do, whatever its algorithm,
// as tests and benchmarks.
package limittest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
)

// Subject is a limiter with the clock of its store.
type Subject struct {
	Limiter limit.Limiter
	// Advance moves the store's clock. Nil: the clock runs by itself, and the
	// tests that need to move it far are skipped.
	Advance func(time.Duration)
}

// Run holds the limiter to the contract. make returns one with an empty store.
func Run(t *testing.T, make func(*testing.T) Subject) {
	tests := map[string]func(*testing.T, Subject){
		"a burst gets the limit":           testBurst,
		"concurrent callers get the limit": testConcurrent,
		"subjects and classes are apart":   testApart,
		"denied requests do not count":     testDenied,
		"retry after is exact":             testRetryAfter,
		"a changed quota holds at once":    testChangedQuota,
		"a canceled caller":                testCanceled,
		"a request without sense":          testNonsense,
		"one quota over all classes":       testOverall,
		"refused by one, counted by none":  testNeither,
		"the tighter quota speaks":         testBinding,
		"concurrent over all classes":      testConcurrentOverall,
		"a client that obeys is admitted":  testObedient,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

// RunWithClock holds a limiter whose clock can be moved (Subject.Advance) to the
// part of the contract that takes an hour.
func RunWithClock(t *testing.T, make func(*testing.T) Subject) {
	tests := map[string]func(*testing.T, Subject){
		"retry after to the microsecond": testRetryAfterExactly,
		"everything is forgotten":        testForgotten,
		"a lowered limit":                testLoweredLimit,
		"whole seconds are enough":       testWholeSeconds,
		"a quota over all, to the µs":    testOverallExactly,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

func request(most int, window time.Duration) limit.Request {
	return limit.Request{
		Subject: "guest-17", Tier: limit.Guest, Class: limit.Orders,
		Quota: limit.Quota{Limit: most, Window: window},
	}
}

// allow asks once and checks what holds for every result.
func allow(t *testing.T, s Subject, r limit.Request) limit.Result {
	t.Helper()
	res, err := s.Limiter.Allow(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if why := broken(res, r); why != "" {
		t.Fatalf("%+v: %s", res, why)
	}
	return res
}

func broken(res limit.Result, r limit.Request) string {
	q, use := r.Quota, res.Class
	if res.Policy == limit.ByAll {
		q, use = r.Overall, res.Overall
	}
	switch {
	case res.Policy != limit.ByClass && res.Policy != limit.ByAll:
		return "no quota binds"
	case res.Limit != q.Limit || res.Window != q.Window:
		return "it does not repeat the quota that binds"
	case use != limit.Use{Remaining: res.Remaining, ResetAfter: res.ResetAfter}:
		return "the quota that binds says something else"
	case res.Remaining < 0 || res.Remaining > q.Limit:
		return "remaining is out of range"
	case res.ResetAfter <= 0 || res.ResetAfter > q.Window:
		return "reset after is out of range"
	case res.Allowed && res.RetryAfter != -1:
		return "allowed, but retry after is not -1"
	case !res.Allowed && (res.RetryAfter != res.ResetAfter || res.Remaining != 0):
		return "denied, but retry after is not reset after, or something remains"
	case r.Overall.Limit == 0 && res.Overall != limit.Use{}:
		return "it knows of a quota over all classes that is not there"
	case res.Allowed && r.Overall.Limit > 0 && res.Remaining > min(res.Class.Remaining, res.Overall.Remaining):
		return "remaining is not the smaller"
	case res.At.IsZero():
		return "no time"
	}
	return ""
}

// exhaust asks until it is denied, which cannot take long.
func exhaust(t *testing.T, s Subject, r limit.Request) limit.Result {
	t.Helper()
	for range 100 * r.Quota.Limit {
		if res := allow(t, s, r); !res.Allowed {
			return res
		}
	}
	t.Fatalf("never denied at a limit of %d in %v", r.Quota.Limit, r.Quota.Window)
	return limit.Result{}
}

func testBurst(t *testing.T, s Subject) {
	r := request(10, time.Hour)
	for i := range 10 {
		if res := allow(t, s, r); !res.Allowed || res.Remaining != 9-i {
			t.Fatalf("request %d: %+v, want it allowed with %d remaining", i+1, res, 9-i)
		}
	}
	for range 3 {
		if res := allow(t, s, r); res.Allowed {
			t.Fatalf("one more than the limit was allowed: %+v", res)
		}
	}
}

func testConcurrent(t *testing.T, s Subject) {
	const most = 30
	crowd(t, s, most, func(int) limit.Request { return request(most, time.Hour) })
}

// crowd lets 64 clients ask at the same time, each four times, and wants most of
// these requests allowed and none to fail.
func crowd(t *testing.T, s Subject, most int64, ask func(client int) limit.Request) {
	t.Helper()
	const clients, each = 64, 4
	var allowed, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range each {
				res, err := s.Limiter.Allow(context.Background(), ask(i))
				if err != nil {
					failed.Add(1)
				} else if res.Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if allowed.Load() != most || failed.Load() != 0 {
		t.Errorf("%d of %d requests allowed and %d failed, want %d and 0", allowed.Load(), clients*each, failed.Load(), most)
	}
}

func testApart(t *testing.T, s Subject) {
	r := request(1, time.Hour)
	allow(t, s, r)
	if allow(t, s, r).Allowed {
		t.Fatal("the limit of 1 does not hold")
	}
	other := r
	other.Subject = "guest-1"
	if !allow(t, s, other).Allowed {
		t.Error("another subject is denied")
	}
	other = r
	other.Class = limit.Login
	if !allow(t, s, other).Allowed {
		t.Error("another class is denied")
	}
}

func testDenied(t *testing.T, s Subject) {
	r := request(3, time.Hour)
	for range 3 {
		allow(t, s, r)
	}
	first := allow(t, s, r)
	for range 50 {
		allow(t, s, r)
	}
	last := allow(t, s, r)
	if first.Allowed || last.Allowed {
		t.Fatal("more than the limit was allowed")
	}
	if a, b := first.At.Add(first.RetryAfter), last.At.Add(last.RetryAfter); !a.Equal(b) {
		t.Errorf("knocking moved the next chance from %v to %v", a, b)
	}
}

// testRetryAfter keeps asking on a clock that runs by itself: a request is
// allowed exactly from the moment that was announced.
func testRetryAfter(t *testing.T, s Subject) {
	r := request(3, 900*time.Millisecond)
	denied := exhaust(t, s, r)
	chance := denied.At.Add(denied.RetryAfter)
	for deadline := time.Now().Add(10 * time.Second); ; {
		if s.Advance != nil {
			s.Advance(7 * time.Millisecond)
		}
		res := allow(t, s, r)
		if res.Allowed != !res.At.Before(chance) {
			t.Fatalf("allowed = %v at %v, announced for %v", res.Allowed, res.At, chance)
		}
		if res.Allowed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("never allowed again")
		}
	}
}

func testChangedQuota(t *testing.T, s Subject) {
	for range 3 {
		allow(t, s, request(3, time.Hour))
	}
	if allow(t, s, request(3, time.Hour)).Allowed {
		t.Fatal("the limit of 3 does not hold")
	}
	if !allow(t, s, request(5, time.Hour)).Allowed {
		t.Error("denied although the limit was raised")
	}
	if allow(t, s, request(2, time.Hour)).Allowed {
		t.Error("allowed although the limit was lowered")
	}
}

func testCanceled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := s.Limiter.Allow(ctx, request(1, time.Hour))
	if res != (limit.Result{}) || rdb.Reason(err) != "canceled" {
		t.Errorf("Allow = %+v, %v, want no result and the reason canceled", res, err)
	}
}

func testRetryAfterExactly(t *testing.T, s Subject) {
	r := request(4, time.Hour)
	for range 3 {
		allow(t, s, r)
		s.Advance(7*time.Minute + 13*time.Microsecond)
	}
	for round := range 6 {
		denied := exhaust(t, s, r)
		s.Advance(denied.RetryAfter - time.Microsecond)
		early := allow(t, s, r)
		if early.Allowed || early.RetryAfter != time.Microsecond {
			t.Fatalf("round %d: a microsecond too early: %+v", round, early)
		}
		s.Advance(time.Microsecond)
		if res := allow(t, s, r); !res.Allowed {
			t.Fatalf("round %d: denied at the announced time: %+v", round, res)
		}
	}
}

func testForgotten(t *testing.T, s Subject) {
	r := request(5, time.Minute)
	for range 6 {
		allow(t, s, r)
	}
	s.Advance(2 * time.Minute)
	if res := allow(t, s, r); !res.Allowed || res.Remaining != 4 {
		t.Errorf("after two windows: %+v, want all but one remaining", res)
	}
}

// testLoweredLimit checks the announced time when several requests must leave
// before one can enter.
func testLoweredLimit(t *testing.T, s Subject) {
	for range 5 {
		allow(t, s, request(5, time.Hour))
		s.Advance(time.Minute)
	}
	lowered := request(2, time.Hour)
	denied := allow(t, s, lowered)
	if denied.Allowed {
		t.Fatal("allowed although the limit was lowered")
	}
	s.Advance(denied.RetryAfter - time.Microsecond)
	if allow(t, s, lowered).Allowed {
		t.Error("allowed before the announced time")
	}
	s.Advance(time.Microsecond)
	if !allow(t, s, lowered).Allowed {
		t.Error("denied at the announced time")
	}
}
