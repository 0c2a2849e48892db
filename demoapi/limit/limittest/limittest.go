// Package limittest holds what every limiter must do, whatever its algorithm,
// as tests and benchmarks.
package limittest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
)

// Limiter is what is held to the contract.
type Limiter interface {
	Allow(ctx context.Context, r limit.Request) (limit.Result, error)
}

// Subject is a limiter with the clock of its store.
type Subject struct {
	Limiter Limiter
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
	if why := broken(res, r.Quota); why != "" {
		t.Fatalf("%+v: %s", res, why)
	}
	return res
}

func broken(res limit.Result, q limit.Quota) string {
	switch {
	case res.Limit != q.Limit || res.Window != q.Window:
		return "it does not repeat the quota"
	case res.Remaining < 0 || res.Remaining > q.Limit:
		return "remaining is out of range"
	case res.ResetAfter <= 0 || res.ResetAfter > q.Window:
		return "reset after is out of range"
	case res.Allowed && res.RetryAfter != -1:
		return "allowed, but retry after is not -1"
	case !res.Allowed && (res.RetryAfter != res.ResetAfter || res.Remaining != 0):
		return "denied, but retry after is not reset after, or something remains"
	case res.At.IsZero():
		return "no time"
	}
	return ""
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
	const clients, each, most = 64, 4, 30
	var allowed, failed atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				res, err := s.Limiter.Allow(context.Background(), request(most, time.Hour))
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
	r := request(3, 300*time.Millisecond)
	for range 3 {
		allow(t, s, r)
	}
	denied := allow(t, s, r)
	if denied.Allowed {
		t.Skip("the machine was too slow: the burst took longer than the window")
	}
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
	for range 4 {
		allow(t, s, r)
		s.Advance(7*time.Minute + 13*time.Microsecond)
	}
	for round := range 6 {
		denied := allow(t, s, r)
		if denied.Allowed {
			t.Fatalf("round %d: more than the limit was allowed", round)
		}
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

// Benchmark times decisions: allowed ones, denied ones, and those of many
// subjects from all processors.
func Benchmark(b *testing.B, l Limiter) {
	ask := func(b *testing.B, r limit.Request) {
		if _, err := l.Allow(context.Background(), r); err != nil {
			b.Error(err)
		}
	}
	b.Run("allowed", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r := request(100, time.Hour)
			r.Subject = fmt.Sprint("bench-", i/90) // never reaches the limit
			ask(b, r)
		}
	})
	b.Run("denied", func(b *testing.B) {
		b.ReportAllocs()
		r := request(1, time.Hour)
		ask(b, r)
		for b.Loop() {
			ask(b, r)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			r := request(100, time.Hour)
			r.Subject = fmt.Sprint("parallel-", next.Add(1))
			for pb.Next() {
				ask(b, r)
			}
		})
	})
}
