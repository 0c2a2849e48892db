package cache

import (
	"context"
	_ "embed" // for the scripts
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
)

var (
	//go:embed begin.lua
	beginLua string
	//go:embed finish.lua
	finishLua string
	//go:embed delete.lua
	deleteLua string
)

const (
	lockPrefix = "cache:lock:"
	markPrefix = "cache:deleted:"
)

// names are the Redis keys that belong to a value: itself, the lock of its load
// and the mark of its last deletion. The braces put all three into one slot of a
// cluster; deleting several items at a time still needs a single server.
func names(key string) []string {
	return []string{key, lockPrefix + "{" + key + "}", markPrefix + "{" + key + "}"}
}

// remote is the layer in Redis. All calls are within the guard's bounds.
type remote struct {
	client redis.UniversalClient
	guard  *rdb.Guard
	failed func(op string, err error)

	begins, finishes, deletes *redis.Script
	lockLife                  time.Duration // so long a process that died keeps others waiting
	markLife                  time.Duration // longer than any load whose value gets stored
}

func newRemote(client redis.UniversalClient, cfg Config, failed func(string, error)) *remote {
	return &remote{
		client: client, guard: rdb.NewGuard("cache", cfg.Redis), failed: failed,
		begins: redis.NewScript(beginLua), finishes: redis.NewScript(finishLua), deletes: redis.NewScript(deleteLua),
		lockLife: cfg.LoadTimeout, markLife: 2*cfg.LoadTimeout + time.Second,
	}
}

// seen is what Redis was found to hold under a key.
type seen struct {
	raw   []byte // empty when there is nothing
	entry *entry // nil when there is nothing, or nothing that we can read
}

func newSeen(raw []byte) seen {
	if len(raw) == 0 {
		return seen{}
	}
	e, err := decode(raw)
	if err != nil {
		e = nil // to be replaced: whatever it is, it is no answer
	}
	return seen{raw, e}
}

// get looks key up. The error says that Redis did not answer.
func (r *remote) get(ctx context.Context, key string) (seen, error) {
	var raw []byte
	err := r.do(ctx, "get", func(ctx context.Context) (err error) {
		raw, err = r.client.Get(ctx, key).Bytes()
		return err
	})
	return newSeen(raw), err
}

// ticket is the right to store what a load brings. The zero value is none.
type ticket struct {
	ok    bool   // Redis answered
	token string // of the lock; "" when it is not held
	mark  string // of the key's last deletion
}

// begin prepares a load of key, whose value was last seen as given. With lock it
// also tries to take the lock; the ticket then tells whether that succeeded.
func (r *remote) begin(ctx context.Context, key string, last seen, lock bool) (seen, ticket, error) {
	t := ticket{}
	if lock {
		t.token = random()
	}
	var reply []any
	err := r.do(ctx, "lock", func(ctx context.Context) (err error) {
		reply, err = r.begins.Run(ctx, r.client, names(key), t.token, r.lockLife.Milliseconds(), last.raw).Slice()
		return err
	})
	if err != nil {
		return last, ticket{}, err
	}
	if len(reply) != 3 {
		return last, ticket{}, errors.New("cache: begin: unexpected reply")
	}
	raw, _ := reply[0].(string)
	if taken, _ := reply[1].(int64); taken != 1 {
		t.token = ""
	}
	t.mark, _ = reply[2].(string)
	t.ok = true
	if raw == string(last.raw) {
		return last, t, nil
	}
	return newSeen([]byte(raw)), t, nil
}

// finish ends a load: it stores e for that life, or nothing when e is nil, and
// releases the lock. It reports whether the key was deleted meanwhile, so that
// e is out of date.
func (r *remote) finish(ctx context.Context, key string, t ticket, e *entry, life time.Duration) (outdated bool) {
	if !t.ok || e == nil && t.token == "" {
		return false
	}
	var raw []byte
	if e != nil {
		var err error
		if raw, err = e.encode(); err != nil {
			r.failed("set", err) // cannot be: the value is JSON
			return false
		}
	}
	var stored int
	err := r.do(ctx, "set", func(ctx context.Context) (err error) {
		stored, err = r.finishes.Run(ctx, r.client, names(key), t.token, t.mark, raw, life.Milliseconds()).Int()
		return err
	})
	return err == nil && e != nil && stored == 0
}

// remove deletes keys and publishes message.
func (r *remote) remove(ctx context.Context, keys []string, message string) error {
	var all []string
	for _, key := range keys {
		all = append(all, names(key)...)
	}
	return r.do(ctx, "delete", func(ctx context.Context) error {
		return r.deletes.Run(ctx, r.client, all, random(), r.markLife.Milliseconds(), Channel, message).Err()
	})
}

// do runs a call within bounds and reports its failure.
func (r *remote) do(ctx context.Context, op string, call func(context.Context) error) error {
	err := r.guard.Do(ctx, call)
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		r.failed(op, err)
		return fmt.Errorf("cache: %s: %w", op, err)
	}
	return nil
}

// random is a text that nobody else uses. It guards against accidents, not
// attacks.
func random() string { return strconv.FormatUint(rand.Uint64(), 36) }
