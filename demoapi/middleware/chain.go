// Package middleware has what every request of the demo API passes through, a
// file each: request id, log, route, metrics, recovery, identity, rate limit,
// authorisation. [Info] carries what one finds out to the others.
package middleware

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/store"
)

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain joins middleware; the first is the outermost.
func Chain(all ...Middleware) Middleware {
	return func(h http.Handler) http.Handler {
		for _, m := range slices.Backward(all) {
			h = m(h)
		}
		return h
	}
}

// Info is what is known about one request. It belongs to the request's
// goroutine; fields are zero until the middleware named has run.
type Info struct {
	RequestID string // RequestID
	Route     string // At: "/products/{id}"; "" when no route matches

	Subject  string     // Identify: whom the limiter counts, "42" or "guest-17"
	Tier     limit.Tier // Identify
	UserID   int64      // Identify: 0 for a guest
	BadToken bool       // Identify: there was a token, but not a valid one

	Cache string // the handler: how the cache answered, "hit"; "" when none was asked
	Layer string // the handler: which layer of it, "l1"
	Err   error  // the handler: why it answered with a problem; nil for none

	Status int           // Observe, when the answer is out
	Bytes  int64         // Observe: length of the answer's body
	Took   time.Duration // Observe
}

// Database is what a request asked of the database. Loads for the cache may go
// on when the request has ended, so it is safe for concurrent use.
type Database struct {
	Queries atomic.Int64 // statements sent
	Nanos   atomic.Int64 // time spent waiting for them
}

// Asking returns a context whose statements and time until done count.
func (d *Database) Asking(ctx context.Context) (counting context.Context, done func()) {
	start := time.Now()
	return store.CountQueries(ctx, &d.Queries), func() { d.Nanos.Add(int64(time.Since(start))) }
}

type (
	infoKey     struct{}
	databaseKey struct{}
)

// call is the context of a request: what the values of the chain hang on, in
// one piece of memory.
type call struct {
	context.Context //nolint:containedctx // it is one

	info     Info
	database Database
}

// Value implements [context.Context].
func (c *call) Value(key any) any {
	switch key.(type) {
	case infoKey:
		return &c.info
	case databaseKey:
		return &c.database
	}
	return c.Context.Value(key)
}

// InfoFrom returns the request's Info. Outside of the chain it is an empty one,
// never nil.
func InfoFrom(ctx context.Context) *Info {
	if info, ok := ctx.Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}

// DatabaseFrom returns what the request asked of the database. Outside of the
// chain it is an empty one, never nil.
func DatabaseFrom(ctx context.Context) *Database {
	if d, ok := ctx.Value(databaseKey{}).(*Database); ok {
		return d
	}
	return &Database{}
}
