// Package redislive listens to a Redis server for a moment: to all commands
// (MONITOR), to the names of keys that change (CLIENT TRACKING), to lookups that
// find nothing (keyspace events), and it reads the server's own ranking of keys
// (HOTKEYS).
//
// Listening costs the server time for each command, so each of it is for a
// moment only, on a connection of its own that is closed at once, with hard
// limits on lines, bytes and time. Of what is heard only names of commands and
// keys, client addresses and numbers are kept, never a value.
package redislive

import (
	"context"
	"errors"
	"time"

	"apitop/collectors/redisconn"
)

// Options says what a user allows; the zero value allows nothing that costs the
// server more than a few reads.
type Options struct {
	Monitor  bool // moments of MONITOR
	Hotkeys  bool // HOTKEYS sessions, on servers that have them
	Tracking bool // moments of CLIENT TRACKING, to find limiter keys
}

// mostName is how long, in bytes, a key's name may be to be kept.
const mostName = 1024

// begin sends a command that makes a connection a stream. What the server
// refuses is a [redisconn.ReplyError].
func begin(ctx context.Context, raw *redisconn.Raw, words ...string) error {
	if err := raw.Send(ctx, words...); err != nil {
		return err
	}
	reply, err := raw.ReadReply(ctx)
	if err != nil {
		return err
	}
	if refusal, ok := reply.(*redisconn.ReplyError); ok {
		return refusal
	}
	return nil
}

// Refused tells whether an error is the server's no to a command: it does not
// have it, or the user may not send it. Asking again soon is no use.
func Refused(err error) (unknown, ok bool) {
	e, ok := errors.AsType[*redisconn.ReplyError](err)
	return ok && e.Unknown(), ok
}

// over tells whether the time of ctx is up. The connection may notice it a little
// sooner than ctx does.
func over(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}
