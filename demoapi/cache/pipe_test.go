package cache_test

import (
	"context"
	"io"
	"net"
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
	down atomic.Bool // every command hangs until its deadline
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
		Addr: "pipe", DialerRetries: 1, MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true, Protocol: 2, PoolSize: 50,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			w.Server().ServeConn(theirs)
			return ours, nil
		},
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
			return next(ctx, cmd)
		}
		<-ctx.Done()
		cmd.SetErr(io.ErrUnexpectedEOF)
		return io.ErrUnexpectedEOF
	}
}
