package limit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
)

const (
	// pipelines are the batches under way at a time: while the server works on one,
	// the callers of the others go on.
	pipelines = 3
	batchMost = 16 // calls in one: the last one's answer waits for all of them
)

// batcher runs a script, and decides on requests that come at the same time
// together. There is no goroutine of its own: the caller who finds no batch under
// way sends at once; those who come meanwhile wait, and one of them then sends for
// all of them.
type batcher struct {
	client  Client
	source  string
	hash    string
	guard   *rdb.Guard
	timeout time.Duration // of a call, waiting included

	mu      sync.Mutex
	leading int      // batches under way; guarded by mu
	waiting []*call  // oldest first; guarded by mu
	spare   []*batch // at most as many as were under way; guarded by mu
}

// turn ends a call's wait.
type turn int

const (
	answered turn = iota // outcome and err are there
	lead                 // it is its turn to send, for all who wait
)

// do decides on c.
func (b *batcher) do(ctx context.Context, c *call) {
	b.mu.Lock()
	if b.leading < pipelines {
		b.leading++
		b.mu.Unlock()
		b.lead(c)
		return
	}
	c.since, c.waited = time.Now(), true
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	var t turn
	select {
	case t = <-c.turn:
	case <-ctx.Done():
		if b.leave(c) {
			c.err = ctx.Err()
			return
		}
		t = <-c.turn // too late to leave; it is soon over
	}
	if t == lead {
		b.lead(c)
	}
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

// take is c and as many of those who wait as go into one batch.
func (b *batcher) take(c *call) *batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	var t *batch
	if n := len(b.spare); n > 0 {
		t, b.spare = b.spare[n-1], b.spare[:n-1]
	} else {
		t = &batch{}
	}
	n := min(len(b.waiting), batchMost-1)
	t.calls = append(append(t.calls, c), b.waiting[:n]...)
	b.waiting = slices.Delete(b.waiting, 0, n)
	return t
}

// pass makes the next one lead, if there is one, and lets the batch go.
func (b *batcher) pass(t *batch) {
	for _, c := range t.calls[1:] {
		c.turn <- answered
	}
	t.clear()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare = append(b.spare, t)
	if len(b.waiting) > 0 {
		b.waiting[0].turn <- lead
		b.waiting = slices.Delete(b.waiting, 0, 1)
	} else {
		b.leading--
	}
}

// run sends a batch and gives each call its outcome or its error. The time limit
// is that of the oldest call, the first, so that nobody waits longer than that.
func (b *batcher) run(t *batch) {
	ctx := context.Background() // the guard's limit will do
	if first := t.calls[0]; first.waited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, first.since.Add(b.timeout))
		defer cancel()
	}
	told := false    // each call has what the server said of it
	err := ctx.Err() // what only waited says nothing about Redis
	if err == nil {
		err = b.guard.Do(ctx, func(ctx context.Context) error {
			reply, err := b.send(ctx, t)
			if err == nil {
				told, err = true, t.read(reply)
			}
			return err
		})
	}
	if !told {
		t.fail(err)
	}
}

// send runs the script, and once more if the server does not know it yet.
func (b *batcher) send(ctx context.Context, t *batch) ([]any, error) {
	t.command(b.hash)
	cmd := redis.NewSliceCmd(ctx, t.args...)
	if err := b.client.Process(ctx, cmd); redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = redis.NewSliceCmd(ctx, t.args...)
		pipe := b.client.Pipeline()
		pipe.ScriptLoad(ctx, b.source)
		_ = pipe.Process(ctx, cmd) // only queues it
		_, _ = pipe.Exec(ctx)      // each command has its own
	}
	return cmd.Result()
}
