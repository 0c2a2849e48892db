package limit_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// reasons notes why Redis did not decide.
type reasons struct {
	mu   sync.Mutex
	seen []string // guarded by mu
}

func (r *reasons) LimiterFailed(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, reason)
}

// TestFailover stops a real server in the middle: a request is limited all the
// same, soon and by what this process knows, until the server is back.
func TestFailover(t *testing.T) {
	server := servertest.StartRedis(t)
	client, err := rdb.Open("unix://" + server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	var why reasons
	// Time enough for a busy machine; a pause so short that the test is, too.
	l := limit.NewFailover(shared(t, limit.GCRA, client, rdb.Options{Pause: time.Millisecond, Timeout: time.Second}),
		limit.NewLocal(limit.LocalOptions{}), &why)
	r := limit.Request{Subject: "42", Tier: limit.Guest, Class: limit.Orders, Quota: limit.Quota{Limit: 5, Window: time.Hour}}
	ask := func() limit.Result {
		t.Helper()
		res, err := l.Allow(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := ask(); res.Local || res.Remaining != 4 || len(why.seen) != 0 {
		t.Fatalf("with Redis: %+v, failures %q", res, why.seen)
	}
	server.Stop()
	for i := range 8 {
		if res := ask(); !res.Local || res.Allowed != (i < 5) {
			t.Errorf("request %d without Redis: %+v, want the first 5 allowed by this process", i+1, res)
		}
	}
	if len(why.seen) != 8 || slices.Contains(why.seen, "") {
		t.Errorf("failures %q, want 8 with a reason each", why.seen)
	}
	server.Start()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if res := ask(); !res.Local {
			if !res.Allowed || res.Remaining != 4 { // the server came back empty
				t.Errorf("with Redis again: %+v", res)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("never back to Redis")
		}
	}
}

// TestFailoverIsQuick: a server that accepts and says nothing costs one time
// limit, for one caller as for many at once.
func TestFailoverIsQuick(t *testing.T) {
	client, err := rdb.Open("redis://" + silentServer(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	var why reasons
	l := limit.NewFailover(shared(t, "", client, rdb.Options{Failures: 1000}), limit.NewLocal(limit.LocalOptions{}), &why)
	quickest := time.Hour
	for range 5 {
		var wg sync.WaitGroup
		start := time.Now()
		for range 64 {
			wg.Go(func() {
				res, err := l.Allow(t.Context(), limit.Request{
					Subject: "42", Class: limit.Orders, Quota: limit.Quota{Limit: 1000, Window: time.Hour},
				})
				if err != nil || !res.Local || !res.Allowed {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
		wg.Wait()
		quickest = min(quickest, time.Since(start))
	}
	// The best of five: a busy machine may delay any single one.
	if quickest > 60*time.Millisecond {
		t.Errorf("64 callers decided after %v at best, want about 15ms", quickest)
	}
	if len(why.seen) != 5*64 || slices.ContainsFunc(why.seen, func(s string) bool { return s != "timeout" }) {
		t.Errorf("%d failures: %q, want 320 timeouts", len(why.seen), slices.Compact(slices.Sorted(slices.Values(why.seen))))
	}
}

// failing is a limiter that is out of order.
type failing struct{ err error }

func (f failing) Allow(ctx context.Context, _ limit.Request) (limit.Result, error) {
	return limit.Result{}, cmp.Or(ctx.Err(), f.err)
}

func TestFailoverWithoutSecond(t *testing.T) {
	var why reasons
	second := errors.New("second")
	l := limit.NewFailover(failing{context.DeadlineExceeded}, failing{second}, &why)
	if _, err := l.Allow(t.Context(), limit.Request{}); !errors.Is(err, second) {
		t.Errorf("error %v, want that of the second", err)
	}
	if !slices.Equal(why.seen, []string{"timeout"}) {
		t.Errorf("failures %q", why.seen)
	}
	// A caller that went away is no failure of Redis.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Allow(ctx, limit.Request{}); errors.Is(err, second) || len(why.seen) != 1 {
		t.Errorf("error %v, failures %q", err, why.seen)
	}
}

// TestFailoverConforms: with Redis down it is as good a limiter as any.
func TestFailoverConforms(t *testing.T) {
	limittest.Run(t, func(*testing.T) limittest.Subject {
		return limittest.Subject{Limiter: limit.NewFailover(failing{errors.New("down")}, limit.NewLocal(limit.LocalOptions{}), &reasons{})}
	})
}
