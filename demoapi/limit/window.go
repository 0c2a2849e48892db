package limit

import (
	"context"
	_ "embed" // for the script
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
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
	client redis.Scripter
	script *redis.Script
	guard  *rdb.Guard
}

// NewWindow returns a sliding log kept in client, which should be made by
// [rdb.Open].
func NewWindow(client redis.Scripter, o rdb.Options) *Window {
	return &Window{client: client, script: redis.NewScript(windowLua), guard: rdb.NewGuard("limiter", o)}
}

// Allow decides on r and counts it if it is allowed. An error means that there
// is no decision; it comes within the guard's time limit, and [rdb.Reason] puts
// it into a word. What to do then is the caller's choice.
func (w *Window) Allow(ctx context.Context, r Request) (Result, error) {
	var res Result
	err := w.guard.Do(ctx, func(ctx context.Context) error {
		keys := []string{LogKey(r.Subject, r.Class), MetaKey(r.Subject)}
		reply, err := w.script.Run(ctx, w.client, keys,
			r.Quota.Limit, r.Quota.Window.Microseconds(), string(r.Tier), string(r.Class)).Int64Slice()
		if err != nil {
			return err
		}
		res, err = read(reply, r.Quota)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("limit: decide on %s: %w", r.Class, err)
	}
	return res, nil
}

// read turns the script's reply into a result.
func read(reply []int64, q Quota) (Result, error) {
	if len(reply) != 4 {
		return Result{}, replyError(fmt.Sprintf("the script returned %d numbers, want 4", len(reply)))
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
