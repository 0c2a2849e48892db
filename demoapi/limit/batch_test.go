package limit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// held is a client that keeps its callers waiting and counts what they send.
type held struct {
	limit.Client
	free  chan struct{}
	sends atomic.Int64
}

func (h *held) wait() {
	h.sends.Add(1)
	<-h.free
}

func (h *held) Process(ctx context.Context, cmd redis.Cmder) error {
	h.wait()
	return h.Client.Process(ctx, cmd)
}

func (h *held) Pipeline() redis.Pipeliner {
	h.wait()
	return h.Client.Pipeline()
}

func orders(subject string, most int) limit.Request {
	return limit.Request{Subject: subject, Class: limit.Orders, Quota: limit.Quota{Limit: most, Window: time.Hour}}
}

// until waits for something that other goroutines do.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestBatch: callers at the same time share a pipeline, the first ones go at once,
// and who goes away meanwhile is not counted.
func TestBatch(t *testing.T) {
	f := newFake(t)
	h := &held{Client: f.client, free: make(chan struct{})}
	l := shared(t, limit.GCRA, h, patient())
	prime := shared(t, limit.GCRA, f.client, patient()) // the server has the script
	if _, err := prime.Allow(t.Context(), orders("0", 1)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var allowed atomic.Int64
	ask := func(ctx context.Context, subject string) error {
		res, err := l.Allow(ctx, orders(subject, 10))
		if res.Allowed {
			allowed.Add(1)
		}
		return err
	}
	for range limit.Pipelines {
		wg.Go(func() { _ = ask(t.Context(), "7") })
	}
	until(t, "the first ones send", func() bool { return h.sends.Load() == limit.Pipelines })
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- ask(ctx, "gone") }()
	for range 3 * limit.BatchMost {
		wg.Go(func() { _ = ask(t.Context(), "7") })
	}
	leave()
	if err := <-left; rdb.Reason(err) != "canceled" {
		t.Errorf("who went away got %v", err)
	}
	until(t, "all others wait", func() bool { return limit.Waiting(l) == 3*limit.BatchMost })
	close(h.free)
	wg.Wait()
	// Those who wait fill three pipelines; leaders in a race may share the last.
	if n := h.sends.Load(); n < limit.Pipelines+3 || n > 2*limit.Pipelines+3 {
		t.Errorf("sent %d times for %d callers, want %d", n, limit.Pipelines+3*limit.BatchMost, limit.Pipelines+3)
	}
	if allowed.Load() != 10 {
		t.Errorf("%d allowed, want the limit of 10", allowed.Load())
	}
	if f.Exists("rate_gcra:gone:/orders") {
		t.Error("who went away was counted")
	}
}

// TestBatchKeepsErrorsApart: a key of another type fails those who ask for it,
// and nobody else in the pipeline; it does not open the breaker.
func TestBatchKeepsErrorsApart(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		client := servertest.StartRedis(t).Client()
		t.Cleanup(func() { client.Close() })
		for _, key := range []string{"rate_gcra:bad:/orders", "rate_limit:bad:/orders"} {
			client.HSet(t.Context(), key, "f", "v")
		}
		h := &held{Client: client, free: make(chan struct{})}
		l := shared(t, a, h, rdb.Options{Timeout: 10 * time.Second, Failures: 1})
		var wg sync.WaitGroup
		ask := func(subject, want string) {
			wg.Go(func() {
				if _, err := l.Allow(t.Context(), orders(subject, 1)); rdb.Reason(err) != want {
					t.Errorf("%s: %v, want the reason %q", subject, err, want)
				}
			})
		}
		for range limit.Pipelines {
			ask("good", "")
		}
		until(t, "the first ones send", func() bool { return h.sends.Load() == limit.Pipelines })
		for i := range limit.BatchMost / 2 { // they go together
			ask("good"+strconv.Itoa(i), "")
			ask("bad", "reply")
		}
		until(t, "all others wait", func() bool { return limit.Waiting(l) == limit.BatchMost })
		close(h.free)
		wg.Wait()
		ask("good", "")
		wg.Wait()
	})
}

// TestBatchIsOneByOne: what is decided on together comes out as if each request had
// come alone: bursts of one subject, other terms, denied ones and broken keys too.
func TestBatchIsOneByOne(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		batched, alone := newFake(t), newFake(t)
		alone.now = batched.now
		for _, f := range []*fake{batched, alone} {
			f.HSet("rate_gcra:3:/orders", "not", "ours")
			f.HSet("rate_limit:3:/orders", "not", "ours")
			f.advance(0)
		}
		o := rdb.Options{Timeout: 10 * time.Second, Failures: 1 << 30}
		together, single := shared(t, a, batched.client, o), shared(t, a, alone.client, o)
		rng := rand.New(rand.NewPCG(3, 4))
		denied, failed := 0, 0
		for round := range 150 {
			requests := burst(rng)
			results, errs := limit.Together(together, requests)
			for i, r := range requests {
				want, err := single.Allow(t.Context(), r)
				if (err == nil) != (errs[i] == nil) || rdb.Reason(err) != rdb.Reason(errs[i]) || err == nil && results[i] != want {
					t.Fatalf("round %d, request %d of %+v: %+v (%v), alone %+v (%v)", round, i, requests, results[i], errs[i], want, err)
				}
				if err != nil {
					failed++
				} else if !want.Allowed {
					denied++
				}
			}
			if got, want := everything(batched), everything(alone); got != want {
				t.Fatalf("round %d, after %+v:\n%s\nwant\n%s", round, requests, got, want)
			}
			step := time.Duration(rng.IntN(20_000)) * time.Millisecond
			batched.advance(step)
			alone.advance(step)
		}
		if denied < 100 || failed < 100 {
			t.Errorf("only %d were denied and %d failed", denied, failed)
		}
	})
}

// everything is all that is in Redis.
func everything(f *fake) string {
	var all strings.Builder
	all.WriteString(f.Dump())
	for _, key := range f.Keys() {
		fmt.Fprintln(&all, key, f.TTL(key))
	}
	return all.String()
}

// burst is a few requests, often several of one kind after another.
func burst(rng *rand.Rand) []limit.Request {
	var all []limit.Request
	for n := 1 + rng.IntN(limit.BatchMost); len(all) < n; {
		r := orders(strconv.Itoa(1+rng.IntN(3)), 5+2*rng.IntN(2))
		r.Quota.Window = time.Minute
		if rng.IntN(3) == 0 {
			r.Class = limit.Search
		}
		if rng.IntN(2) == 0 {
			r.Tier, r.Overall = limit.Basic, limit.Quota{Limit: 8 + 3*rng.IntN(2), Window: time.Minute}
		}
		for range min(1+rng.IntN(5), n-len(all)) {
			all = append(all, r)
		}
	}
	return all
}

// TestBatchOfManyTerms: each request of a batch is decided on by its own terms.
func TestBatchOfManyTerms(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		client := servertest.StartRedis(t).Client()
		t.Cleanup(func() { client.Close() })
		h := &held{Client: client, free: make(chan struct{})}
		l := shared(t, a, h, patient())
		var wg sync.WaitGroup
		for range limit.Pipelines {
			wg.Go(func() { _, _ = l.Allow(t.Context(), orders("first", 1)) })
		}
		until(t, "the first ones send", func() bool { return h.sends.Load() == limit.Pipelines })
		for i := range limit.BatchMost {
			wg.Go(func() { testTerms(t, l, client, i) })
		}
		until(t, "all others wait", func() bool { return limit.Waiting(l) == limit.BatchMost })
		close(h.free)
		wg.Wait()
	})
}

// testTerms asks once on the i-th terms, of which some are the same.
func testTerms(t *testing.T, l limit.Limiter, client *redis.Client, i int) {
	r := limit.Request{
		Subject: strconv.Itoa(i), Tier: []limit.Tier{limit.Basic, limit.Admin}[i%2], Class: []limit.Class{limit.Orders, limit.Search}[i/2%2],
		Quota: limit.Quota{Limit: 100 + i/5, Window: time.Minute + time.Duration(i/4)*time.Millisecond},
	}
	want := map[string]string{
		"tier": string(r.Tier), "window": strconv.FormatFloat(r.Quota.Window.Seconds(), 'f', -1, 64),
		"limit:" + string(r.Class): strconv.Itoa(r.Quota.Limit), "allowed:" + string(r.Class): "1",
	}
	overall := limit.Use{}
	if i%3 > 0 {
		r.Overall = limit.Quota{Limit: 200 + i/5, Window: r.Quota.Window}
		overall.Remaining = r.Overall.Limit - 1
		want["limit:all"], want["allowed:all"] = strconv.Itoa(r.Overall.Limit), "1"
	}
	res, err := l.Allow(t.Context(), r)
	if err != nil || !res.Allowed || res.Limit != r.Quota.Limit || res.Window != r.Quota.Window ||
		res.Remaining != r.Quota.Limit-1 || res.Overall.Remaining != overall.Remaining {
		t.Errorf("%+v: %+v, %v", r, res, err)
	}
	about := client.HGetAll(t.Context(), limit.MetaKey(r.Subject)).Val()
	delete(about, "renewed")
	if !maps.Equal(about, want) {
		t.Errorf("%+v: hash %v, want %v", r, about, want)
	}
}

// TestScriptForgotten: a server that lost its scripts gets them again, and no
// request counts twice for it.
func TestScriptForgotten(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		client := servertest.StartRedis(t).Client()
		t.Cleanup(func() { client.Close() })
		l := shared(t, a, client, patient())
		var wg sync.WaitGroup
		var allowed atomic.Int64
		for i := range 32 {
			wg.Go(func() {
				for j := range 20 {
					if i == 0 && j%4 == 0 {
						client.ScriptFlush(t.Context())
					}
					res, err := l.Allow(t.Context(), orders("7", 10_000))
					if err != nil {
						t.Error(err)
					} else if res.Allowed {
						allowed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		n, err := client.HGet(t.Context(), "rate_limit_meta:7", "allowed:/orders").Int64()
		if err != nil || n != 640 || allowed.Load() != 640 {
			t.Errorf("%d allowed, %d counted (%v), want 640", allowed.Load(), n, err)
		}
	})
}

// TestOwnDeadline: a caller in a hurry does not wait for those before it.
func TestOwnDeadline(t *testing.T) {
	f := newFake(t)
	h := &held{Client: f.client, free: make(chan struct{})}
	l := shared(t, limit.GCRA, h, patient())
	first := make(chan error, limit.Pipelines)
	for range limit.Pipelines {
		go func() {
			_, err := l.Allow(t.Context(), orders("7", 1))
			first <- err
		}()
	}
	until(t, "the first ones send", func() bool { return h.sends.Load() == limit.Pipelines })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := l.Allow(ctx, orders("8", 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	close(h.free)
	for range limit.Pipelines {
		if err := <-first; err != nil {
			t.Error(err)
		}
	}
}
