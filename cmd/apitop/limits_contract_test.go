package main

import (
	"context"
	"math"
	"testing"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/rediskeys"
	"apitop/collectors/snapshot"
	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// TestLimitsContract: what the demo's limiter leaves in Redis is what the monitor
// shows, by either algorithm. The two share no code.
func TestLimitsContract(t *testing.T) {
	for _, algorithm := range limit.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			server := servertest.StartRedis(t)
			client := server.Client()
			t.Cleanup(func() { _ = client.Close() })
			l, err := limit.New(algorithm, client, rdb.Options{Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			last := spend(t, l, limit.Login, 12) // 2 more than a guest may
			spend(t, l, limit.Orders, 7)
			testShown(t, algorithm, limiters(t, server.Socket, 3), last)
		})
	}
}

// spend asks n times as user 42, a guest of the demo's plan.
func spend(t *testing.T, l limit.Limiter, class limit.Class, n int) (last limit.Result) {
	t.Helper()
	plan := limit.DefaultPlan()
	for range n {
		var err error
		last, err = l.Allow(t.Context(), limit.Request{
			Subject: "42", Tier: limit.Guest, Class: class,
			Quota: plan.Quota(limit.Guest, class), Overall: plan.OverallQuota(limit.Guest),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// limiters is what the monitor sees when it has found n of them, by endpoint.
func limiters(t *testing.T, socket string, n int) map[string]snapshot.Limiter {
	t.Helper()
	target, err := redisconn.Parse("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = conn.Close() })
	c := rediskeys.New(conn, rediskeys.Config{Duty: 1})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r, err := c.Collect(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		keys := r.(*snapshot.Keys)
		if len(keys.Cache) != 0 {
			t.Fatalf("the limiter's keys are taken for cached answers: %+v", keys.Cache)
		}
		if len(keys.Limiters) == n {
			seen := map[string]snapshot.Limiter{}
			for _, l := range keys.Limiters {
				seen[l.Endpoint.Raw()] = l
			}
			return seen
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d limiters seen, want %d", len(keys.Limiters), n)
		}
	}
}

func testShown(t *testing.T, algorithm limit.Algorithm, seen map[string]snapshot.Limiter, denied limit.Result) {
	t.Helper()
	// When each is unused again, where it is not used up: GCRA gives back one at a
	// time, the log forgets the first one after the whole window.
	unused := map[string]float64{"/orders": 7 * 120, "all": 17 * 24}
	if algorithm == limit.SlidingLog {
		unused = map[string]float64{"/orders": 3600, "all": 3600}
	}
	unused["/auth/login"] = time.Until(denied.At.Add(denied.RetryAfter)).Seconds() // until one more may pass
	tests := map[string]struct{ used, limit, denied, requested float64 }{
		"/auth/login": {10, 10, 2, 12},
		"/orders":     {7, 30, 0, 7},
		"all":         {17, 150, 0, 17},
	}
	for endpoint, want := range tests {
		got := seen[endpoint]
		if got.Used.V != want.used || got.Limit.V != want.limit || got.DeniedTotal.V != want.denied || got.RequestedTotal.V != want.requested {
			t.Errorf("%s: %v of %v used, %v of %v denied, want %+v", endpoint, got.Used, got.Limit, got.DeniedTotal, got.RequestedTotal, want)
		}
		if got.Algorithm != string(algorithm) || got.Subject.String() != "user:42" || got.Tier.Raw() != "guest" || got.WindowSeconds.V != 3600 {
			t.Errorf("%s: %+v", endpoint, got)
		}
		// A slow machine may have let 10 seconds pass between writing and reading.
		if off := got.ResetsSeconds.V - unused[endpoint]; !got.ResetsSeconds.OK || math.Abs(off) > 10 {
			t.Errorf("%s: resets in %v, want about %v s", endpoint, got.ResetsSeconds, unused[endpoint])
		}
	}
}
