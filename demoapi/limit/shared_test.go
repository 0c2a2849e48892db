package limit_test

import (
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

func TestMain(m *testing.M) {
	if a, socket, ok := strings.Cut(os.Getenv(crashEnv), " "); ok {
		crashClient(socket, limit.Algorithm(a))
	}
	logging.Disable() // the Redis client reports each failed dial on stderr
	// The client's probe of a dead server ends a second after Close by itself.
	probe := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
	goleak.VerifyTestMain(m, probe)
}

// patient is for tests of decisions, not of time limits.
func patient() rdb.Options { return rdb.Options{Timeout: 10 * time.Second} }

// shared is a limiter kept in client.
func shared(tb testing.TB, a limit.Algorithm, client limit.Client, o rdb.Options) *limit.Shared {
	tb.Helper()
	l, err := limit.New(a, client, o)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// each runs a test for every algorithm.
func each(t *testing.T, test func(*testing.T, limit.Algorithm)) {
	for _, a := range limit.Algorithms() {
		t.Run(string(a), func(t *testing.T) { test(t, a) })
	}
}

func TestOnRedis(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		server := servertest.StartRedis(t)
		runs := 0
		limittest.Run(t, func(t *testing.T) limittest.Subject {
			client := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Socket, DB: runs, ContextTimeoutEnabled: true})
			t.Cleanup(func() { client.Close() })
			runs++ // each test has a database of its own, so none needs to be emptied
			return limittest.Subject{Limiter: shared(t, a, client, patient())}
		})
	})
}

// fake is a miniredis whose clock the test moves.
type fake struct {
	*miniredis.Miniredis
	client *redis.Client
	now    time.Time
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{Miniredis: miniredis.RunT(t), now: time.Date(2026, 11, 24, 9, 0, 0, 123457000, time.UTC)}
	f.SetTime(f.now)
	f.ClockTTL(true)
	f.client = redis.NewClient(&redis.Options{Addr: f.Addr(), ContextTimeoutEnabled: true, DialerRetries: 1})
	t.Cleanup(func() { f.client.Close() })
	return f
}

func (f *fake) advance(d time.Duration) {
	f.now = f.now.Add(d)
	f.SetTime(f.now)
}

func TestOnMiniredis(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		subject := func(t *testing.T) limittest.Subject {
			f := newFake(t)
			return limittest.Subject{Limiter: shared(t, a, f.client, patient()), Advance: f.advance}
		}
		limittest.Run(t, subject)
		limittest.RunWithClock(t, subject)
	})
}

func TestNew(t *testing.T) {
	f := newFake(t)
	if _, err := limit.New("leaky", f.client, rdb.Options{}); err == nil {
		t.Error("no error for an algorithm that does not exist")
	}
	if _, err := shared(t, "", f.client, patient()).Allow(t.Context(), limit.Request{
		Subject: "7", Class: limit.Orders, Quota: limit.Quota{Limit: 1, Window: time.Minute},
	}); err != nil || !f.Exists("rate_gcra:7:/orders") {
		t.Errorf("the default is not GCRA (%v)", err)
	}
}

// TestWindowIsExact compares random traffic with a plain list of times: what
// must be allowed is allowed, and each announced wait is right.
func TestWindowIsExact(t *testing.T) {
	f := newFake(t)
	w := shared(t, limit.SlidingLog, f.client, patient())
	rng := rand.New(rand.NewPCG(1, 2))
	q := limit.Quota{Limit: 7, Window: 10 * time.Second}
	var log []time.Time // allowed requests, oldest first
	for i := range 2000 {
		f.advance(time.Duration(rng.IntN(3_000_000)) * time.Microsecond)
		for len(log) > 0 && !log[0].After(f.now.Add(-q.Window)) {
			log = log[1:]
		}
		res, err := w.Allow(t.Context(), limit.Request{Subject: "7", Tier: limit.Basic, Class: limit.Default, Quota: q})
		if err != nil {
			t.Fatal(err)
		}
		want := len(log) < q.Limit
		if want {
			log = append(log, f.now)
		}
		wait := log[0].Add(q.Window).Sub(f.now)
		if res.Allowed != want || res.Remaining != q.Limit-len(log) || res.ResetAfter != wait || !res.At.Equal(f.now) {
			t.Fatalf("request %d: %+v, want allowed %v, %d remaining, reset after %v", i, res, want, q.Limit-len(log), wait)
		}
	}
}

func TestRedisDown(t *testing.T) {
	silent := silentServer(t)
	tests := map[string]struct {
		addr   string
		reason string
	}{
		"refused": {closedAddr(t), "unreachable"},
		"silent":  {silent, "timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client, err := rdb.Open("redis://" + tt.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			w := shared(t, limit.SlidingLog, client, rdb.Options{})
			r := limit.Request{Subject: "1", Tier: limit.Guest, Class: limit.Orders, Quota: limit.Quota{Limit: 1, Window: time.Minute}}
			quickest := time.Hour
			for i := range 5 {
				start := time.Now()
				_, err := w.Allow(t.Context(), r)
				quickest = min(quickest, time.Since(start))
				if got := rdb.Reason(err); got != tt.reason {
					t.Fatalf("request %d: reason %q (%v), want %q", i, got, err, tt.reason)
				}
			}
			// The best of five: a busy machine may delay any single one.
			if quickest > 40*time.Millisecond {
				t.Errorf("no decision after %v at best, want about 15ms", quickest)
			}
			_, err = w.Allow(t.Context(), r)
			if got := rdb.Reason(err); got != "breaker_open" {
				t.Errorf("after 5 failures: reason %q (%v), want breaker_open", got, err)
			}
		})
	}
}

func TestRecovery(t *testing.T) {
	f := newFake(t)
	w := shared(t, limit.SlidingLog, f.client, rdb.Options{Timeout: 5 * time.Second, Failures: 2, Pause: time.Millisecond})
	r := limit.Request{Subject: "1", Tier: limit.Guest, Class: limit.Orders, Quota: limit.Quota{Limit: 5, Window: time.Minute}}
	f.SetError("LOADING Redis is loading the dataset in memory")
	for range 3 {
		if _, err := w.Allow(t.Context(), r); err == nil {
			t.Fatal("no error while Redis loads")
		}
	}
	f.SetError("")
	for deadline := time.Now().Add(10 * time.Second); ; {
		if res, err := w.Allow(t.Context(), r); err == nil {
			if !res.Allowed || res.Remaining != 4 {
				t.Errorf("after the recovery: %+v", res)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the limiter never came back")
		}
	}
}

// TestForeignKey: a key of another type in the limiter's place is an error, not
// a decision.
func TestForeignKey(t *testing.T) {
	f := newFake(t)
	if err := f.Set("rate_limit:1:/orders", "x"); err != nil {
		t.Fatal(err)
	}
	_, err := shared(t, limit.SlidingLog, f.client, patient()).Allow(t.Context(), limit.Request{
		Subject: "1", Tier: limit.Guest, Class: limit.Orders, Quota: limit.Quota{Limit: 1, Window: time.Minute},
	})
	if rdb.Reason(err) != "reply" {
		t.Errorf("error %v with reason %q, want reply", err, rdb.Reason(err))
	}
}

// closedAddr is an address where nothing listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silentServer accepts connections and never says a word.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			held = append(held, c)
		}
		for _, c := range held {
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}
