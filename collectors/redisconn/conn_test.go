package redisconn

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func infoField(t testing.TB, text, field string) uint64 {
	t.Helper()
	for line := range strings.SplitSeq(text, "\r\n") {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("INFO has no %s", field)
	return 0
}

func TestDoReplies(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "s", "v")
	srv.Do("ZADD", "z", "1.5", "m")
	c := open(t, srv.URL())
	got, err := c.Do(t.Context(), []string{"type", "s"}, []string{"pttl", "s"}, []string{"memory", "usage", "gone"},
		[]string{"zrange", "z", "0", "9", "withscores"}, []string{"hlen", "s"}, []string{"object", "encoding", "s"})
	if err != nil {
		t.Fatal(err)
	}
	if got[0] != "string" || got[1] != int64(-1) || got[2] != nil || !slices.Equal(got[3].([]any), []any{"m", "1.5"}) || got[5] != "embstr" {
		t.Errorf("replies %v", got)
	}
	if e, ok := got[4].(*ReplyError); !ok || e.Code != "WRONGTYPE" || e.Denied() || e.KeyDenied() || e.Unknown() {
		t.Errorf("HLEN of a string: %#v", got[4])
	}
	if got, err := c.Do(t.Context()); got != nil || err != nil {
		t.Errorf("no command: %v, %v", got, err)
	}
	if name := srv.Do("CLIENT", "LIST"); !strings.Contains(name, "name=apitop") || strings.Count(name, "name=apitop") != 1 {
		t.Errorf("want one connection named apitop, have %s", name)
	}
	if errs := srv.Do("INFO", "errorstats"); strings.Contains(errs, "errorstat_ERR") {
		t.Errorf("our greeting made errors: %s", errs)
	}
}

// TestRecovery kills the server and starts it again: calls fail at once with
// the reason, and work again at the first try after it is back.
func TestRecovery(t *testing.T) {
	stderr := captureStderr(t)
	srv := redistest.Start(t)
	c := open(t, srv.URL())
	for range 3 {
		if _, err := c.Do(t.Context(), []string{"ping"}); err != nil {
			t.Fatal(err)
		}
		srv.Kill()
		for i := range 30 { // more than any circuit breaker's patience
			start := time.Now()
			_, err := c.Do(t.Context(), []string{"ping"})
			f := snapshot.FailureOf(err)
			if f == nil || f.Kind != snapshot.Unreachable || f.Fix == "" {
				t.Fatalf("try %d on a dead server: %v", i, err)
			}
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("a refusal took %v", took)
			}
		}
		srv.Run()
		back := time.Now()
		if _, err := c.Do(t.Context(), []string{"ping"}); err != nil {
			t.Errorf("first call after the return: %v", err)
		}
		t.Logf("recovered %v after the server answered", time.Since(back))
	}
	if out := stderr(); out != "" {
		t.Errorf("written to stderr: %s", out)
	}
}

// captureStderr redirects the process's stderr into a file; the function it
// returns gives what was written so far.
func captureStderr(t *testing.T) func() string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = f
	t.Cleanup(func() { os.Stderr = old; _ = f.Close() })
	return func() string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// TestHungServer stops the server's process: calls end with the context or
// after the time limit, and work again when it continues.
func TestHungServer(t *testing.T) {
	srv := redistest.Start(t)
	c := open(t, srv.URL())
	if _, err := c.Do(t.Context(), []string{"ping"}); err != nil {
		t.Fatal(err)
	}
	srv.Signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := c.Do(ctx, []string{"ping"})
	if f := snapshot.FailureOf(err); f == nil || f.Kind != snapshot.Unreachable || f.What.String() != "no answer in time" {
		t.Errorf("with a short context: %v", err)
	}
	if took := time.Since(start); took > 400*time.Millisecond {
		t.Errorf("the context's 100 ms lasted %v", took)
	}
	start = time.Now()
	if _, err := c.Do(t.Context(), []string{"ping"}); err == nil {
		t.Error("a stopped server answered")
	}
	if took := time.Since(start); took > 2*ioTimeout+dialTimeout {
		t.Errorf("without a deadline it took %v", took)
	}
	srv.Signal(syscall.SIGCONT)
	srv.Wait("+PONG")
	if _, err := c.Do(t.Context(), []string{"ping"}); err != nil {
		t.Errorf("after SIGCONT: %v", err)
	}
}

func TestTurns(t *testing.T) {
	m := miniredis.RunT(t)
	c := open(t, "redis://"+m.Addr())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := c.Do(t.Context(), []string{"ping"}, []string{"type", "k"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if c.Own().Misses != 400 {
		t.Errorf("%d misses, want 400", c.Own().Misses)
	}
	if n := m.CurrentConnectionCount(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	c.turn <- struct{}{} // somebody is sending
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, []string{"ping"}); snapshot.FailureOf(err) == nil {
		t.Error("two requests in flight")
	}
	if _, _, err := c.Info(ctx); err == nil {
		t.Error("two requests in flight")
	}
	<-c.turn
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), []string{"ping"}); snapshot.FailureOf(err) == nil {
		t.Error("a closed connection answered")
	}
}

func TestKnowsNoTouch(t *testing.T) {
	for version, want := range map[string]bool{"7.0.15": false, "7.2.0": true, "8.6.3": true, "6.2": false, "10.0.0": true, "": false, "x.y": false} {
		if got := knowsNoTouch(&version); got != want {
			t.Errorf("knowsNoTouch(%q) = %v", version, got)
		}
	}
	if knowsNoTouch(nil) {
		t.Error("no version knows it")
	}
}

func TestFailureIsAnError(t *testing.T) {
	c := open(t, "unix:///nonexistent/s")
	_, err := c.Do(t.Context(), []string{"ping"})
	var f *snapshot.Failure
	if !errors.As(err, &f) || f.What.String() != "there is no such socket" {
		t.Errorf("got %v", err)
	}
}
