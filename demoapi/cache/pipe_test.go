package cache_test

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/cache"
)

// world is an embedded Redis in a synctest bubble: its connections are pipes, so
// that a test can wait until everyone is blocked, and its clock is the bubble's.
type world struct {
	*miniredis.Miniredis
	t    *testing.T
	down atomic.Bool  // every command hangs until its deadline
	left atomic.Int64 // commands until it goes down; 0: it does not

	mu    sync.Mutex // guards conns
	conns []*conn    // the clients' ends
}

// conn is a client's end of a pipe.
type conn struct {
	net.Conn
	mute atomic.Bool // nothing arrives any more
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.mute.Load() {
			return n, err
		}
	}
}

func (w *world) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.Server().ServeConn(theirs)
	c := &conn{Conn: ours}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, c)
	return c, nil
}

// each calls f with all connections made so far.
func (w *world) each(f func(*conn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		f(c)
	}
}

// inBubble runs test in a synctest bubble.
func inBubble(t *testing.T, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{Miniredis: miniredis.NewMiniRedis(), t: t}
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		w.Server().Close() // no network: it would keep time from passing
		t.Cleanup(w.Close)
		test(t, w)
	})
}

// cache returns a cache that listens already, and closes it at the test's end.
func (w *world) cache(cfg cache.Config) *cache.Cache {
	w.t.Helper()
	client := redis.NewClient(&redis.Options{
		// Never dialed. A name would be looked up, and the resolver is not the
		// bubble's.
		Addr: "127.0.0.1:1", DialerRetries: 1, MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true, Protocol: 2, PoolSize: 50,
		Dialer: w.dial,
	})
	client.AddHook(w)
	c := cache.New(client, cfg)
	w.t.Cleanup(func() {
		c.Close()
		client.Close()
		synctest.Wait() // the server's ends
	})
	synctest.Wait() // it listens
	return c
}

// sleep lets time pass for everyone.
func (w *world) sleep(d time.Duration) {
	time.Sleep(d)
	w.FastForward(d)
	synctest.Wait()
}

func (w *world) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *world) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (w *world) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !w.down.Load() {
			if w.left.Load() > 0 && w.left.Add(-1) == 0 {
				w.down.Store(true)
			}
			return next(ctx, cmd)
		}
		<-ctx.Done()
		cmd.SetErr(io.ErrUnexpectedEOF)
		return io.ErrUnexpectedEOF
	}
}
