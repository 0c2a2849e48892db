package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"apitop/demoapi/limit"
)

// Callers that no account belongs to: tokens are believed, and an id beyond all
// accounts cannot get in the way of one.
const (
	firstMadeUp = 9_000_000 // the hot key's readers
	abuserID    = 9_100_000
	madeUp      = 100 // readers: few enough to be signed at once, enough to stay within their quotas
)

const (
	hotKeyRate  = 120.0
	hotProduct  = 42
	abuserRate  = 40.0
	stormRate   = 20.0
	stormers    = 5
	orderRate   = 4.0
	orderers    = 20 // accounts 1..20, which all demos have
	orderables  = 1000
	burstRoute  = "/products/{id}"
	burstShare  = 3 // of 10
	burstPeriod = 10
)

// readers signs a token for each of the made-up readers.
func (e *env) readers() []string {
	tokens := make([]string, madeUp)
	for i := range tokens {
		tokens[i] = e.Token(firstMadeUp+int64(i), limit.Admin)
	}
	return tokens
}

func hotKey(_ context.Context, e *env) (undo, error) {
	e.Cache.UseL1(false)
	tokens := e.readers()
	path := fmt.Sprintf("/products/%d", hotProduct)
	traffic := e.background(func(ctx context.Context) {
		e.send(ctx, stream{rate: hotKeyRate, most: 32, next: func(i int) call {
			return call{method: http.MethodGet, path: path, token: tokens[i%len(tokens)]}
		}})
	})
	return inOrder(traffic, releasing(func() { e.Cache.UseL1(true) })), nil
}

// abusiveUser is one caller with a token of its own who asks for this and that,
// far over its quota within a quarter of a minute.
func abusiveUser(_ context.Context, e *env) (undo, error) {
	token := e.Token(abuserID, limit.Basic)
	return e.background(func(ctx context.Context) {
		e.send(ctx, stream{rate: abuserRate, most: 16, next: func(i int) call {
			paths := []string{"/products", fmt.Sprintf("/products/%d", 1+i%500), "/categories", fmt.Sprintf("/products/%d", 501+i%500)}
			return call{method: http.MethodGet, path: paths[i%len(paths)], token: token}
		}})
	}), nil
}

// retryStorm tries wrong passwords: a guest's quota of logins is used up after a
// few seconds, and from then on every call comes too early.
func retryStorm(_ context.Context, e *env) (undo, error) {
	return e.background(func(ctx context.Context) {
		e.send(ctx, stream{rate: stormRate, most: 10, next: func(i int) call {
			return call{
				method: http.MethodPost, path: "/auth/login", body: `{"username":"basic1","password":"wrong"}`,
				client: fmt.Sprintf("storm-%d", i%stormers),
			}
		}})
	}), nil
}

// queueStall orders a little, so that the queue grows although nobody else does.
func queueStall(_ context.Context, e *env) (undo, error) {
	tokens := make([]string, orderers)
	for i := range tokens {
		tokens[i] = e.Token(int64(i+1), limit.Admin)
	}
	e.Queue.Pause()
	traffic := e.background(func(ctx context.Context) {
		e.send(ctx, stream{rate: orderRate, most: 8, next: func(i int) call {
			return call{
				method: http.MethodPost, path: "/orders", token: tokens[i%len(tokens)],
				body: fmt.Sprintf(`{"items":[{"product_id":%d,"quantity":1}]}`, 1+i%orderables),
			}
		}})
	})
	return inOrder(traffic, releasing(e.Queue.Resume)), nil
}

// burst lets a share of one route's requests fail.
type burst struct {
	on   atomic.Bool
	seen atomic.Uint64 // requests of the route while on
}

func errorBurst(_ context.Context, e *env) (undo, error) {
	e.burst.on.Store(true)
	return releasing(func() { e.burst.on.Store(false) }), nil
}

// hit spreads the failures evenly, so that the share is right in any stretch.
func (b *burst) hit(route string) bool {
	if !b.on.Load() || route != burstRoute {
		return false
	}
	return b.seen.Add(1)*burstShare%burstPeriod < burstShare
}
