package rdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/sony/gobreaker/v2"
	"go.uber.org/goleak"

	"apitop/demoapi/rdb"
)

func TestMain(m *testing.M) {
	logging.Disable() // the Redis client reports each failed dial on stderr
	goleak.VerifyTestMain(m)
}

func TestOpen(t *testing.T) {
	server := miniredis.RunT(t)
	client, err := rdb.Open("redis://" + server.Addr() + "/0")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenKeepsSecrets(t *testing.T) {
	for _, url := range []string{"http://:hunter2@host", "redis://:hunter2@host:port", "redis://:hunter2@h/%zz", ""} {
		_, err := rdb.Open(url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q): error %v, want one without the password", url, err)
		}
	}
}

func TestGuardTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := rdb.NewGuard("test", rdb.Options{})
		start := time.Now()
		err := g.Do(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return io.ErrUnexpectedEOF // as a client may that was cut off
		})
		if took := time.Since(start); took != 15*time.Millisecond {
			t.Errorf("a hanging call took %v, want 15ms", took)
		}
		if got := rdb.Reason(err); got != "timeout" {
			t.Errorf("reason %q (%v), want timeout", got, err)
		}
	})
}

func TestGuardBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := rdb.NewGuard("test", rdb.Options{Failures: 3, Pause: 2 * time.Second})
		calls := 0
		do := func(err error) error {
			return g.Do(t.Context(), func(context.Context) error { calls++; return err })
		}
		// Answers, and callers that went away, are no failures.
		for range 10 {
			_ = do(redis.Nil)
			_ = do(fmt.Errorf("x: %w", context.Canceled))
		}
		for range 3 {
			if g.Open() {
				t.Fatal("open too early")
			}
			_ = do(io.EOF)
		}
		calls = 0
		if err := do(nil); rdb.Reason(err) != "breaker_open" || calls != 0 || !g.Open() {
			t.Errorf("after 3 failures: error %v and %d calls, want breaker_open and none", err, calls)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		if err := do(nil); err != nil || calls != 1 || g.Open() {
			t.Errorf("after the pause: error %v and %d calls, want one successful", err, calls)
		}
	})
}

// TestGuardTellsStates follows a breaker through all its states.
func TestGuardTellsStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []string
		g := rdb.NewGuard("cache", rdb.Options{
			Failures: 2, Pause: time.Second,
			OnState: func(name string, to int) { states = append(states, fmt.Sprint(name, " ", to)) },
		})
		for _, err := range []error{io.EOF, io.EOF, nil, io.EOF, nil} {
			_ = g.Do(t.Context(), func(context.Context) error { return err })
			if len(states) > 0 {
				time.Sleep(time.Second + time.Millisecond)
			}
		}
		// Two failures; a good try; a single failure, which is not enough.
		want := []string{"cache 2", "cache 1", "cache 0"}
		if !slices.Equal(states, want) {
			t.Errorf("states %q, want %q", states, want)
		}
	})
}

func TestGuardCallerGone(t *testing.T) {
	g := rdb.NewGuard("test", rdb.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := g.Do(ctx, func(ctx context.Context) error { cancel(); <-ctx.Done(); return io.EOF })
	if rdb.Reason(err) != "canceled" {
		t.Errorf("error %v, want canceled", err)
	}
}

type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}

func TestReason(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"none":          {nil, ""},
		"deadline":      {fmt.Errorf("x: %w", context.DeadlineExceeded), "timeout"},
		"pool":          {redis.ErrPoolTimeout, "timeout"},
		"network":       {&net.OpError{Op: "read", Err: timeoutError{}}, "timeout"},
		"canceled":      {context.Canceled, "canceled"},
		"half-open":     {gobreaker.ErrTooManyRequests, "breaker_open"},
		"open":          {gobreaker.ErrOpenState, "breaker_open"},
		"server's word": {fmt.Errorf("x: %w", redisError("LOADING")), "reply"},
		"eof":           {io.EOF, "unreachable"},
		"other":         {errors.New("x"), "unreachable"},
	}
	for name, tt := range tests {
		got := rdb.Reason(tt.err)
		if got != tt.want {
			t.Errorf("%s: Reason(%v) = %q, want %q", name, tt.err, got, tt.want)
		}
		if got != "" && !slices.Contains(rdb.Reasons(), got) {
			t.Errorf("%s: %q is not in Reasons", name, got)
		}
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
