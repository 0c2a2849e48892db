// Package limit decides whether a caller's request is within its quota.
//
// The state lies in Redis, so that all instances of the API count together; the
// decision is one script run there by the server's own clock. What is in Redis
// is laid out for any viewer to read, see [Window].
package limit

import "time"

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

// replyError is an answer of the server that makes no sense. It counts as an
// error of the server's, see [rdb.Reason].
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError marks it as an answer, as opposed to no answer.
func (replyError) RedisError() {}
