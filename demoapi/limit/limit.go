// Package limit decides whether a caller's request is within its quotas.
//
// The state lies in Redis, so that all instances of the API count together; the
// decision is one script run there by the server's own clock, see [Shared]. There
// are two algorithms, see [Algorithm]. While Redis does not answer, [Failover]
// lets [Local] decide. What is in Redis is laid out for any viewer to read.
package limit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limiter decides on requests. An error means that there is no decision.
type Limiter interface {
	Allow(ctx context.Context, r Request) (Result, error)
}

// Request is a request to be decided on.
type Request struct {
	Subject string // who asks: "42", "guest-17"; never empty
	Tier    Tier
	Class   Class
	Quota   Quota // of the class
	// Overall is the subject's quota over all classes; zero: there is none. Its
	// window is that of Quota. A request counts in both or in none.
	Overall Quota
}

// The values of [Result].Policy.
const (
	ByClass = "class" // the quota of the request's class
	ByAll   = "all"   // the subject's quota over all classes
)

// Result is one decision. The zero value is no decision.
type Result struct {
	// Allowed says whether the request may go on. It was counted if so.
	Allowed bool
	// Policy says which quota binds, [ByClass] or [ByAll]: the one with less
	// left; when denied, the one that will deny for longer. Limit to ResetAfter
	// speak of that one.
	Policy string
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
	// ResetAfter is the time until one that counts now is counted no longer and
	// Remaining grows by one: > 0, and <= Window unless the window was longer
	// before. It equals RetryAfter when denied.
	ResetAfter time.Duration
	// Class and Overall are how far each quota is used; Overall is zero if there
	// is none.
	Class, Overall Use
	// At is when the decision was made, by the clock of whoever made it.
	At time.Time
	// Local says that it was made without Redis, on what this process alone knows.
	Local bool
}

// Use is how far a quota is used.
type Use struct {
	Remaining  int           // 0..the quota's limit
	ResetAfter time.Duration // until it grows by one; the window if nothing is used
}

// The bits of outcome.refused.
const (
	refusedByClass = 1 << iota
	refusedByAll
)

// outcome is what an algorithm says, in microseconds.
type outcome struct {
	refused      int   // bits; 0: let through
	now          int64 // unix time
	class, whole spent
}

// spent is the state of one quota after the decision.
type spent struct {
	used int64 // requests that count
	wait int64 // until one more may pass, if used up; else until used falls by one
}

func (s spent) use(limit int) Use {
	return Use{Remaining: int(max(0, int64(limit)-s.used)), ResetAfter: time.Duration(s.wait) * time.Microsecond}
}

// result tells of o in the terms of r.
func (o outcome) result(r *Request) Result {
	res := Result{
		Allowed: o.refused == 0, Policy: ByClass, Limit: r.Quota.Limit, Window: r.Quota.Window,
		RetryAfter: -1, Class: o.class.use(r.Quota.Limit), At: time.UnixMicro(o.now),
	}
	binding := res.Class
	if r.Overall.Limit > 0 {
		res.Overall = o.whole.use(r.Overall.Limit)
		if o.boundByAll(res.Class, res.Overall) {
			res.Policy, res.Limit, res.Window = ByAll, r.Overall.Limit, r.Overall.Window
			binding = res.Overall
		}
	}
	res.Remaining, res.ResetAfter = binding.Remaining, binding.ResetAfter
	if !res.Allowed {
		res.RetryAfter = res.ResetAfter
	}
	return res
}

func (o outcome) boundByAll(class, whole Use) bool {
	switch o.refused {
	case 0:
		return whole.Remaining < class.Remaining
	case refusedByClass | refusedByAll:
		return whole.ResetAfter > class.ResetAfter
	default:
		return o.refused == refusedByAll
	}
}

// check reports what no algorithm can decide on.
func (r *Request) check() error {
	switch {
	case r.Subject == "":
		return errors.New("no subject")
	case r.Quota.Limit < 1 || r.Quota.Window < time.Millisecond:
		return fmt.Errorf("a quota of %d requests in %v", r.Quota.Limit, r.Quota.Window)
	case r.Overall.Limit < 0 || r.Overall.Limit > 0 && r.Overall.Window != r.Quota.Window:
		return fmt.Errorf("a quota over all classes of %d requests in %v", r.Overall.Limit, r.Overall.Window)
	}
	return nil
}

// replyError is an answer of the server that makes no sense. It counts as an
// error of the server's, see [rdb.Reason].
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError marks it as an answer, as opposed to no answer.
func (replyError) RedisError() {}
