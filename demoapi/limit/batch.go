package limit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
)

const (
	// pipelines under way at a time: while the server works on one, the callers of
	// the other go on.
	pipelines = 2
	batchMost = 32 // calls in one
)

// batcher runs a script, and sends calls that come at the same time together.
// There is no goroutine of its own: the caller who finds no pipeline under way
// sends at once; those who come meanwhile wait, and one of them then sends for
// all of them.
type batcher struct {
	client  Client
	source  string
	hash    string
	guard   *rdb.Guard
	timeout time.Duration // of a call, waiting included

	mu      sync.Mutex
	leading int     // pipelines under way; guarded by mu
	waiting []*call // oldest first; guarded by mu
}

// call is one run of the script.
type call struct {
	args  []any
	since time.Time
	turn  chan turn // nil: it never waited
	reply []int64
	err   error
}

// turn ends a call's wait.
type turn int

const (
	answered turn = iota // reply and err are there
	lead                 // it is its turn to send, for all who wait
)

// do runs the script with args, which begin with EVALSHA and its hash.
func (b *batcher) do(ctx context.Context, args []any) ([]int64, error) {
	c := &call{args: args, since: time.Now()}
	b.mu.Lock()
	if b.leading < pipelines {
		b.leading++
		b.mu.Unlock()
		b.lead(c)
		return c.reply, c.err
	}
	c.turn = make(chan turn, 1)
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	var t turn
	select {
	case t = <-c.turn:
	case <-ctx.Done():
		if b.leave(c) {
			return nil, ctx.Err()
		}
		t = <-c.turn // too late to leave; it is soon over
	}
	if t == lead {
		b.lead(c)
	}
	return c.reply, c.err
}

// leave takes c out of those who wait; false: it is not among them any more.
func (b *batcher) leave(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, c)
	if i < 0 {
		return false
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	return true
}

// lead sends c together with those who wait.
func (b *batcher) lead(c *call) {
	batch := b.take(c)
	defer b.pass(batch)
	b.run(batch)
}

// take is c and as many of those who wait as go into one pipeline.
func (b *batcher) take(c *call) []*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), batchMost-1)
	batch := make([]*call, 0, n+1)
	batch = append(append(batch, c), b.waiting[:n]...)
	b.waiting = slices.Delete(b.waiting, 0, n)
	return batch
}

// pass makes the next one lead, if there is one, and lets the batch go.
func (b *batcher) pass(batch []*call) {
	b.mu.Lock()
	if len(b.waiting) > 0 {
		b.waiting[0].turn <- lead
		b.waiting = slices.Delete(b.waiting, 0, 1)
	} else {
		b.leading--
	}
	b.mu.Unlock()
	for _, c := range batch[1:] {
		c.turn <- answered
	}
}

// run sends a batch and gives each call its reply or its error. The time limit is
// that of the oldest call, the first, so that nobody waits longer than that.
func (b *batcher) run(batch []*call) {
	ctx := context.Background() // the guard's limit will do
	if batch[0].turn != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, batch[0].since.Add(b.timeout))
		defer cancel()
	}
	err := ctx.Err() // what only waited says nothing about Redis
	if err == nil {
		err = b.guard.Do(ctx, func(ctx context.Context) error { return b.send(ctx, batch) })
	}
	for _, c := range batch {
		switch {
		case c.reply != nil: // those before a failure may have theirs
			c.err = nil
		case err != nil && !isReply(c.err):
			c.err = err
		}
	}
}

// send sends a batch, and once more what the server has no script for. The error
// is nil if a call was answered: the server works, then.
func (b *batcher) send(ctx context.Context, batch []*call) error {
	b.exec(ctx, batch, false)
	unknown := make([]*call, 0, 8)
	for _, c := range batch {
		if redis.HasErrorPrefix(c.err, "NOSCRIPT") {
			unknown = append(unknown, c)
		}
	}
	if len(unknown) > 0 {
		b.exec(ctx, unknown, true)
	}
	return verdict(batch)
}

// verdict is what a batch says about the server: an error if a call was not
// answered, or if none was answered well.
func verdict(batch []*call) error {
	good := false
	for _, c := range batch {
		if c.err != nil && !isReply(c.err) {
			return c.err
		}
		good = good || c.err == nil
	}
	if good {
		return nil
	}
	return batch[0].err
}

// exec sends calls in one go, after the script itself if load is set.
func (b *batcher) exec(ctx context.Context, calls []*call, load bool) {
	cmds := make([]*redis.IntSliceCmd, len(calls))
	for i, c := range calls {
		cmds[i] = redis.NewIntSliceCmd(ctx, c.args...)
	}
	if len(calls) == 1 && !load {
		_ = b.client.Process(ctx, cmds[0]) // the command has it
	} else {
		pipe := b.client.Pipeline()
		if load {
			pipe.ScriptLoad(ctx, b.source)
		}
		for _, cmd := range cmds {
			_ = pipe.Process(ctx, cmd) // only queues it
		}
		_, _ = pipe.Exec(ctx) // each command has its own
	}
	for i, c := range calls {
		c.reply, c.err = cmds[i].Result()
		if c.err != nil {
			c.reply = nil
		}
	}
}

// isReply tells an error that the server sent from having no answer.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}
