package redisconn

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// sweepKeys are asked for in these tests: of every kind, and some that are none.
func sweepKeys(srv *redistest.Server) []string {
	srv.Do("SET", "a:text", "x", "PX", "60000")
	srv.Do("ZADD", "a:set", "1", "m")
	srv.Do("HSET", "b:hash", "f", "v")
	srv.Do("SET", "b:\r\n$9\r\n", "line feeds")
	return []string{"a:text", "a:set", "b:hash", "b:\r\n$9\r\n", "a:none", "b:"}
}

func everyAsk(keys []string) []Ask {
	var asks []Ask
	for _, v := range []Verb{AskFreq, AskIdle, AskTTL, AskBytes} {
		for _, k := range keys {
			asks = append(asks, Ask{Verb: v, Key: k})
		}
	}
	return append(asks, Ask{Verb: AskPage, Key: "0", Count: 50})
}

// TestSweepAsDo: a sweep gives what Do gives, over a connection of its own, and
// what it did to the server's figures is known exactly under any policy.
func TestSweepAsDo(t *testing.T) {
	for _, policy := range []string{"allkeys-lfu", "allkeys-lru"} {
		t.Run(policy, func(t *testing.T) {
			srv := redistest.Start(t, "--maxmemory-policy", policy)
			keys := sweepKeys(srv)
			c := open(t, srv.URL())
			asks := everyAsk(keys)
			commands := make([][]string, len(asks))
			for i, a := range asks {
				commands[i] = a.words()
			}
			want, err := c.Do(t.Context(), commands...)
			if err != nil {
				t.Fatal(err)
			}
			want[len(want)-1] = pageOf(want[len(want)-1])
			srv.Do("CONFIG", "RESETSTAT")
			before := c.Own()
			got := make([]any, len(asks))
			if done, err := c.Sweep(t.Context(), asks, got); !done || err != nil {
				t.Fatalf("%v, %v", done, err)
			}
			hits, misses := srv.Info("keyspace_hits"), srv.Info("keyspace_misses")
			if own := c.Own(); float64(own.Hits-before.Hits) != hits || float64(own.Misses-before.Misses) != misses || hits < 8 || misses < 4 {
				t.Errorf("own %d and %d, the server counted %v and %v", own.Hits-before.Hits, own.Misses-before.Misses, hits, misses)
			}
			for i, a := range asks {
				if a.Verb == AskTTL { // time goes on
					_, number := got[i].(int64)
					if !number {
						t.Errorf("%v: %v", a, got[i])
					}
					continue
				}
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("%v: %#v, want %#v", a, got[i], want[i])
				}
			}
			for name, n := range map[string]uint64{"object|freq": 6, "pttl": 6, "memory|usage": 6, "scan": 1} {
				if ran := c.Own().ByName[name] - before.ByName[name]; ran != n {
					t.Errorf("%d %s counted, want %d", ran, name, n)
				}
			}
		})
	}
}

// TestSweepInfo: INFO never counts a half of a sweep, however they meet.
func TestSweepInfo(t *testing.T) {
	srv := redistest.Start(t, "--maxmemory-policy", "allkeys-lfu")
	asks := everyAsk(sweepKeys(srv))
	c := open(t, srv.URL())
	srv.Do("CONFIG", "RESETSTAT")
	var wg sync.WaitGroup
	wg.Go(func() {
		replies := make([]any, len(asks))
		for range 200 {
			if done, err := c.Sweep(t.Context(), asks, replies); !done || err != nil {
				t.Errorf("%v, %v", done, err)
				return
			}
		}
	})
	for range 50 {
		text, own, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if hits, misses := infoNumber(text, "keyspace_hits"), infoNumber(text, "keyspace_misses"); own.Hits != hits || own.Misses != misses {
			t.Fatalf("own %d and %d, the server counted %d and %d", own.Hits, own.Misses, hits, misses)
		}
	}
	wg.Wait()
}

func infoNumber(text, name string) uint64 {
	n, _ := number([]byte(field(text, name)))
	return uint64(n)
}

// TestSweepReconnects: a connection that the server closed is opened again, and
// meanwhile there is another way.
func TestSweepReconnects(t *testing.T) {
	srv := redistest.Start(t)
	keys := sweepKeys(srv)
	c := open(t, srv.URL())
	asks := []Ask{{Verb: AskIdle, Key: keys[0]}, {Verb: AskPage, Key: "0", Count: 10}}
	for i := range 5 {
		replies := make([]any, len(asks))
		if err := c.Gate().Sweep(t.Context(), asks, replies); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if p, ok := replies[1].(Page); !ok || len(p.Keys) != 4 || replies[0] != int64(0) {
			t.Errorf("round %d: %v", i, replies)
		}
		srv.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	}
	srv.Kill()
	if err := c.Gate().Sweep(t.Context(), asks, make([]any, 2)); snapshot.FailureOf(err) == nil {
		t.Errorf("a dead server: %v", err)
	}
	_ = c.Close()
	if done, err := c.Sweep(t.Context(), asks, make([]any, 2)); done {
		t.Errorf("a closed connection: %v, %v", done, err)
	}
}

// TestSweepOneConnection: behind a proxy that lets in one connection, or leads the
// second one to another server, a sweep goes the other way.
func TestSweepOneConnection(t *testing.T) {
	srv, other := redistest.Start(t), redistest.Start(t)
	sweepKeys(srv)
	for name, second := range map[string]string{"no second": "", "another server": other.Sock} {
		t.Run(name, func(t *testing.T) {
			c := open(t, "unix://"+balancer(t, srv.Sock, second))
			if _, _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				replies := make([]any, 1)
				if err := c.Gate().Sweep(t.Context(), []Ask{{Verb: AskPage, Key: "0", Count: 10}}, replies); err != nil {
					t.Fatal(err)
				}
				if p, ok := replies[0].(Page); !ok || len(p.Keys) != 4 {
					t.Errorf("got %v", replies)
				}
			}
			if c.line.raw != nil {
				t.Error("the second connection is used")
			}
		})
	}
}

// balancer leads its first connection to a socket and all further ones to another,
// or closes them.
func balancer(t *testing.T, first, further string) string {
	t.Helper()
	sock := filepath.Join(t.TempDir(), "p")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var n atomic.Int32
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			to := further
			if n.Add(1) == 1 {
				to = first
			}
			out, err := new(net.Dialer).DialContext(t.Context(), "unix", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			wg.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			wg.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return sock
}

// TestSweepRefused: what a user may not do is learnt at the cost of one refusal
// each, also when it is taken away underway.
func TestSweepRefused(t *testing.T) {
	srv := redistest.Start(t, "--maxmemory-policy", "allkeys-lfu")
	keys := sweepKeys(srv)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~a:*", "+@all", "-memory")
	c := open(t, "unix://mon:pw@"+srv.Sock)
	asks := everyAsk(keys)
	asks = slices.DeleteFunc(asks, func(a Ask) bool { return a.Verb == AskIdle })
	replies := make([]any, len(asks))
	sweep := func() {
		t.Helper()
		if err := c.Gate().Sweep(t.Context(), asks, replies); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		sweep()
	}
	if n, _ := replies[0].(int64); n == 0 || replies[12] != ErrRefused { //nolint:errorlint // replies are not wrapped
		t.Errorf("got %v", replies)
	}
	asks = slices.DeleteFunc(asks, func(a Ask) bool { return a.Verb == AskBytes || strings.HasPrefix(a.Key, "b:") })
	replies = replies[:len(asks)]
	sweep()
	if c.line.raw == nil {
		t.Error("the second connection is not used")
	}
	srv.Do("ACL", "SETUSER", "mon", "-object|freq")
	sweep()
	denied := rejected(srv)
	sweep()
	if again := rejected(srv); again != denied || denied == "" || len(c.Gate().Refusals()) != 2 {
		t.Errorf("refusals %v; the server counted %v, then %v", c.Gate().Refusals(), denied, again)
	}
}

// rejected are the server's counts of what it refused.
func rejected(srv *redistest.Server) string {
	var list []string
	for line := range strings.Lines(srv.Do("INFO", "errorstats")) {
		if strings.HasPrefix(line, "errorstat_NOPERM") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}

func TestSweepLongNames(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", strings.Repeat("k", LongestName), "x")
	srv.Do("SET", strings.Repeat("k", 1<<20), "x")
	c := open(t, srv.URL())
	for range 2 { // by Do first
		replies := make([]any, 1)
		if err := c.Gate().Sweep(t.Context(), []Ask{{Verb: AskPage, Key: "0", Count: 10}}, replies); err != nil {
			t.Fatal(err)
		}
		if p, ok := replies[0].(Page); !ok || len(p.Keys) != 1 || p.Cut != 1 || p.Cursor != "0" {
			t.Errorf("got %v", replies)
		}
	}
}

// TestSweepEnds: a server that does not answer holds nobody longer than they want.
func TestSweepEnds(t *testing.T) {
	srv := redistest.Start(t)
	c := open(t, srv.URL())
	asks := []Ask{{Verb: AskPage, Key: "0", Count: 10}}
	replies := make([]any, 1)
	if done, err := c.Sweep(t.Context(), asks, replies); !done || err != nil {
		t.Fatal(done, err)
	}
	srv.Signal(syscall.SIGSTOP)
	defer srv.Signal(syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := c.Sweep(ctx, asks, replies)
	if took := time.Since(start); snapshot.FailureOf(err) == nil || took > time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// FuzzSweepReply: whatever is sent, a page or a failure comes back.
func FuzzSweepReply(f *testing.F) {
	for _, s := range []string{"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$2\r\n\r\n\r\n", "$-1\r\n", ":-2\r\n", "-ERR x\r\n", "*2\r\n$1\r\n0\r\n*99999\r\n", "*2\r\n$1\r\n0\r\n*1\r\n$1099511627776\r\n"} {
		f.Add([]byte(s), byte(0))
		f.Add([]byte(s), byte(2))
	}
	f.Fuzz(func(t *testing.T, text []byte, verb byte) {
		s := sweep{conn: &Conn{guard: new(guard)}, raw: &Raw{in: bufio.NewReaderSize(bytes.NewReader(text), rawBuffer)}}
		a := Ask{Verb: Verb(verb % verbs), Key: "k"}
		for range 100 {
			v, err := s.reply(a)
			if err != nil {
				return
			}
			switch v := v.(type) {
			case nil, int64, *ReplyError:
			case Page:
				for _, k := range v.Keys {
					if len(k) > LongestName {
						t.Errorf("a name of %d bytes", len(k))
					}
				}
			default:
				t.Errorf("a reply of type %T", v)
			}
		}
	})
}
