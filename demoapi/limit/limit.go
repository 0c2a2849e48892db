// Package limit decides whether a caller's request is within its quota.
//
// The state lies in Redis, so that all instances of the API count together; the
// decision is one script run there by the server's own clock. What is in Redis
// is laid out for any viewer to read, see [Window].
package limit

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

// Request is a request to be decided on.
type Request struct {
	Subject string // who asks: "42", "guest-17"; never empty
	Tier    Tier
	Class   Class
	Quota   Quota
}

// Result is one decision. The zero value is no decision.
type Result struct {
	// Allowed says whether the request may go on. It was counted if so.
	Allowed bool
	// Limit is the quota's number of requests, >= 1.
	Limit int
	// Window is the quota's period.
	Window time.Duration
	// Remaining is how many more requests would be allowed now: 0..Limit. It
	// is 0 when this one was denied.
	Remaining int
	// RetryAfter is the time until the next request can be allowed, if no other
	// takes the place: > 0 when denied, -1 when allowed.
	RetryAfter time.Duration
	// ResetAfter is the time until the next counted request leaves the window
	// and Remaining grows by one: 0 < ResetAfter <= Window. It equals RetryAfter
	// when denied.
	ResetAfter time.Duration
	// At is when the decision was made, by the clock of the store.
	At time.Time
}

// Errors of [Window.Allow] that mean "no decision", by cause. See [Reason].
var (
	errTimeout = errors.New("no answer in time")
	errReply   = errors.New("unexpected reply")
)

// Reason puts an error of Allow into one of a few words, fit for a metric's
// label: "timeout", "breaker_open", "unreachable", "canceled", "reply". It is ""
// for nil.
func Reason(err error) string {
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return "breaker_open"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout):
		return "timeout"
	case errors.Is(err, errReply):
		return "reply"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	}
	var answer redis.Error
	if errors.As(err, &answer) {
		return "reply" // the server answered, but with an error
	}
	return "unreachable"
}
