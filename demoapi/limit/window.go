package limit

import (
	"context"
	_ "embed" // for the script
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

//go:embed window.lua
var windowLua string

// Window is a sliding log: exactly Limit requests in any period of the quota's
// length, however they are spread. Its state in Redis:
//
//	rate_limit:{subject}:{class}  sorted set; a member "<µs>-<n>" per allowed
//	                              request, score = unix seconds
//	rate_limit_meta:{subject}     hash; tier, window (seconds), and for each
//	                              class limit:<class>, allowed:<class>,
//	                              denied:<class> (since the hash was born)
//
// The log expires one window after its last write, the hash one window after
// its last use. A log costs about 50 bytes per request in the window below 129
// entries, about 120 above.
//
// It is safe for concurrent use.
type Window struct {
	rdb     redis.Scripter
	script  *redis.Script
	timeout time.Duration
	breaker *gobreaker.CircuitBreaker[Result]
}

// Options are the bounds of a limiter's own cost; the zero value is usable.
type Options struct {
	// Timeout is how long a request waits for a decision at most; 0: 15 ms.
	Timeout time.Duration
	// Failures in a row after which Redis is left alone; 0: 5.
	Failures int
	// Pause is how long it is then left alone before one request tries it; 0: 1 s.
	Pause time.Duration
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Millisecond
	}
	if o.Failures <= 0 {
		o.Failures = 5
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	return o
}

// NewWindow returns a sliding log kept in rdb. The client needs
// ContextTimeoutEnabled for the timeout to hold.
func NewWindow(rdb redis.Scripter, o Options) *Window {
	o = o.withDefaults()
	return &Window{
		rdb:     rdb,
		script:  redis.NewScript(windowLua),
		timeout: o.Timeout,
		breaker: gobreaker.NewCircuitBreaker[Result](gobreaker.Settings{
			Name:        "limiter",
			Timeout:     o.Pause,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(o.Failures) },
			// A caller that went away says nothing about Redis.
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		}),
	}
}

// Allow decides on r and counts it if it is allowed. An error means that there
// is no decision; it comes within the timeout. What to do then is the caller's
// choice.
func (w *Window) Allow(ctx context.Context, r Request) (Result, error) {
	res, err := w.breaker.Execute(func() (Result, error) { return w.decide(ctx, r) })
	if err != nil {
		return Result{}, fmt.Errorf("limit: decide on %s: %w", r.Class, err)
	}
	return res, nil
}

func (w *Window) decide(ctx context.Context, r Request) (Result, error) {
	limited, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	keys := []string{LogKey(r.Subject, r.Class), MetaKey(r.Subject)}
	reply, err := w.script.Run(limited, w.rdb, keys,
		r.Quota.Limit, r.Quota.Window.Microseconds(), string(r.Tier), string(r.Class)).Int64Slice()
	switch {
	case err == nil:
		return read(reply, r.Quota)
	case ctx.Err() != nil:
		return Result{}, ctx.Err() // the caller's own deadline or departure
	case limited.Err() != nil:
		return Result{}, fmt.Errorf("%w: %w", errTimeout, err)
	}
	return Result{}, err
}

// read turns the script's reply into a result.
func read(reply []int64, q Quota) (Result, error) {
	if len(reply) != 4 {
		return Result{}, fmt.Errorf("%w: %d numbers, want 4", errReply, len(reply))
	}
	allowed, used, now, wait := reply[0] == 1, int(reply[1]), reply[2], time.Duration(reply[3])*time.Microsecond
	res := Result{
		Allowed: allowed, Limit: q.Limit, Window: q.Window, Remaining: max(0, q.Limit-used),
		RetryAfter: -1, ResetAfter: wait, At: time.UnixMicro(now),
	}
	if !allowed {
		res.RetryAfter = wait
	}
	return res, nil
}

// LogKey is the Redis key of a subject's allowed requests in a class.
func LogKey(subject string, class Class) string {
	return "rate_limit:" + subject + ":" + string(class)
}

// MetaKey is the Redis key of the hash about a subject.
func MetaKey(subject string) string { return "rate_limit_meta:" + subject }
