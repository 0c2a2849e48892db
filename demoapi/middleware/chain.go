// Package middleware has what every request of the demo API passes through, a
// file each: request id, log, route, metrics, recovery, identity, rate limit,
// authorisation. [Info] carries what one finds out to the others.
package middleware

import (
	"context"
	"net/http"
	"slices"
	"time"

	"apitop/demoapi/limit"
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
	Route     string // Route: "/products/{id}"; "" when no route matches

	Subject  string     // Identify: whom the limiter counts, "42" or "guest-17"
	Tier     limit.Tier // Identify
	UserID   int64      // Identify: 0 for a guest
	BadToken bool       // Identify: there was a token, but not a valid one

	Cache string // the handler: "hit" or "miss"; "" when no cache was asked
	Err   error  // the handler: why it answered with a problem; nil for none

	Status int           // Observe, when the answer is out
	Bytes  int64         // Observe: length of the answer's body
	Took   time.Duration // Observe
}

type infoKey struct{}

// InfoFrom returns the request's Info. Outside of the chain it is an empty one,
// never nil.
func InfoFrom(ctx context.Context) *Info {
	if info, ok := ctx.Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}
