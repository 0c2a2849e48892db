package cache

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// mostOwed bounds the memory for failed deletions, at about 100 bytes each.
const mostOwed = 10_000

// owed are deletions that Redis did not take. Until it does, its values of these
// keys are out of date.
type owed struct {
	any  atomic.Bool       // whether has needs to look
	mu   sync.Mutex        // guards the rest
	keys map[string]uint64 // when each was added last, by adds
	all  uint64            // when there were too many, so that everything is to be deleted; 0: not
	adds uint64
}

func (o *owed) add(keys []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.adds++
	if o.keys == nil {
		o.keys = map[string]uint64{}
	}
	for _, key := range keys {
		o.keys[key] = o.adds
	}
	if len(o.keys) > mostOwed {
		o.keys, o.all = nil, o.adds
	}
	o.any.Store(true)
}

func (o *owed) has(key string) bool {
	if !o.any.Load() {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, is := o.keys[key]
	return is || o.all > 0
}

func (o *owed) list() (keys map[string]uint64, all uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.keys), o.all
}

// paid strikes the key out, unless it was added again after it was listed.
func (o *owed) paid(key string, listed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys[key] == listed {
		delete(o.keys, key)
	}
	o.any.Store(o.all > 0 || len(o.keys) > 0)
}

// paidAll is paid for everything.
func (o *owed) paidAll(listed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == listed {
		o.all = 0
	}
	o.any.Store(o.all > 0 || len(o.keys) > 0)
}

const owedBatch = 500 // keys a command

// payOwed repeats failed deletions.
func (c *Cache) payOwed(ctx context.Context) {
	if !c.owed.any.Load() || c.remote.guard.Open() {
		return
	}
	keys, all := c.owed.list()
	if all > 0 {
		if _, err := c.Flush(ctx); err == nil {
			c.owed.paidAll(all)
		}
	}
	for batch := range slices.Chunk(slices.Collect(maps.Keys(keys)), owedBatch) {
		if c.remote.remove(ctx, batch, c.bus.message(batch)) != nil {
			return // later again
		}
		for _, key := range batch {
			c.owed.paid(key, keys[key])
		}
	}
}
