package redislive

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
)

// meanwhile does something again and again until the returned function is called.
func meanwhile(do func()) (stop func()) {
	var wg sync.WaitGroup
	end := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				do()
			}
		}
	})
	return func() { close(end); wg.Wait() }
}

func TestChanged(t *testing.T) {
	srv := redistest.Start(t)
	conn := open(t, srv.URL())
	i := 0
	stop := meanwhile(func() {
		i++
		srv.Do("SET", fmt.Sprintf("rate:%d", i%5), "1")
		srv.Do("SET", "limiter:x\n", "1")
		srv.Do("SET", "other:1", "1")
		srv.Do("GET", "rate:read")
	})
	names, err := Changed(t.Context(), conn, []string{"rate:", "", "limiter:", "rate:1", "rate:"}, 300*time.Millisecond)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"limiter:x\n", "rate:0", "rate:1", "rate:2", "rate:3", "rate:4"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %q", names)
	}
	if list := srv.Do("CLIENT", "LIST"); strings.Contains(list, "flags=tB") {
		t.Errorf("still tracking: %s", list)
	}
}

func TestChangedEnds(t *testing.T) {
	srv := redistest.Start(t)
	conn := open(t, srv.URL())
	if names, err := Changed(t.Context(), conn, []string{""}, time.Hour); err != nil || names != nil {
		t.Errorf("without a prefix: %v, %v", names, err)
	}
	start := time.Now()
	if names, err := Changed(t.Context(), conn, []string{"x"}, 50*time.Millisecond); err != nil || len(names) != 0 {
		t.Errorf("silence: %v, %v", names, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Changed(ctx, conn, []string{"x"}, time.Second); err == nil {
		t.Error("cancelled, and no error")
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	stop := meanwhile(func() {
		srv.Do("EVAL", `for i = 1, 5000 do redis.call('SET', 'x' .. i, '1') end`, "0")
		srv.Do("FLUSHDB") // a message without names; the server is the test's own
	})
	names, err := Changed(t.Context(), conn, []string{"x"}, 2*time.Second)
	stop()
	if err != nil || len(names) != mostChanged {
		t.Errorf("%d names, %v", len(names), err)
	}
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all", "-client|tracking")
	if _, err := Changed(t.Context(), open(t, "unix://mon:pw@"+srv.Sock), []string{"x"}, time.Second); err == nil {
		t.Error("refused, and no error")
	} else if _, ok := Refused(err); !ok {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestApart(t *testing.T) {
	if got := apart([]string{"rate:", "", "rate:x", "a", "ab", "b", "rate:"}); !reflect.DeepEqual(got, []string{"a", "b", "rate:"}) {
		t.Errorf("got %q", got)
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("%03d:", i))
	}
	if got := apart(many); len(got) != mostPrefixes {
		t.Errorf("%d prefixes", len(got))
	}
}

func TestEventsOf(t *testing.T) {
	for setting, want := range map[string]Events{
		"":       {},
		"AKE":    {}, // all, which these are not part of
		"xE":     {},
		"m":      {}, // without a channel
		"Em":     {channel: "__keyevent@3__:keymiss"},
		"AKEm":   {channel: "__keyevent@3__:keymiss"},
		"Km":     {pattern: "__keyspace@3__:*"},
		"gxKEtm": {channel: "__keyevent@3__:keymiss"},
	} {
		if got := EventsOf(setting, 3); got != want || got.On() != (want != Events{}) {
			t.Errorf("%q: %+v", setting, got)
		}
	}
}

// TestMisses listens to the events of a server on which somebody has switched
// them on.
func TestMisses(t *testing.T) {
	for _, setting := range []string{"Em", "AKm"} {
		t.Run(setting, func(t *testing.T) {
			srv := redistest.Start(t, "--notify-keyspace-events", setting)
			conn := open(t, srv.URL())
			e, err := AskEvents(t.Context(), conn.Gate(), 0)
			if err != nil || !e.On() {
				t.Fatalf("%+v, %v", e, err)
			}
			srv.Do("SET", "there", "1")
			stop := meanwhile(func() {
				srv.Do("MGET", "gone:__:\n", "there", "gone:__:\n", "b")
				srv.Do("SET", "there", "1")
			})
			counts, took, err := Misses(t.Context(), conn, e, 300*time.Millisecond)
			stop()
			if err != nil {
				t.Fatal(err)
			}
			if len(counts) != 2 || counts["b"] < 3 || counts["gone:__:\n"] < 2*counts["b"]-2 || took <= 0 {
				t.Errorf("got %v in %v", counts, took)
			}
		})
	}
}

func TestEventsRefused(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all", "-config", "resetchannels")
	conn := open(t, "unix://mon:pw@"+srv.Sock)
	for range 2 {
		if _, err := AskEvents(t.Context(), conn.Gate(), 0); err == nil {
			t.Error("not permitted, and no error")
		}
	}
	if e, err := AskEvents(t.Context(), open(t, srv.URL()).Gate(), 0); err != nil || e.On() {
		t.Errorf("off by default: %+v, %v", e, err)
	}
	if _, _, err := Misses(t.Context(), conn, EventsOf("Em", 0), time.Second); err == nil {
		t.Error("no channel may be heard, and no error")
	}
	if stats := srv.Do("INFO", "errorstats"); !strings.Contains(stats, "errorstat_NOPERM:count=2\r") {
		t.Errorf("not one refusal each of the command and the channel: %s", stats)
	}
}

func FuzzMissed(f *testing.F) {
	f.Add("message", "__keyevent@0__:keymiss", "a", "")
	f.Add("pmessage", "__keyspace@0__:*", "__keyspace@0__:a", "keymiss")
	f.Fuzz(func(_ *testing.T, a, b, c, d string) {
		for _, reply := range []any{[]any{a, b, c, d}, []any{a, b, c}, []any{a}, a, nil, redisconn.Push{a, b}} {
			missed(reply)
			invalidated(reply, map[string]struct{}{})
			_, _ = sessionOf(reply)
		}
	})
}
