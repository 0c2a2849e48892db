package cache

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// switches turn parts of the cache off, so that the trouble which they prevent
// can be shown. The zero value has everything on.
type switches struct {
	bypass      atomic.Pointer[[]string] // nil: none
	unprotected atomic.Bool
	noL1        atomic.Bool
}

func (s *switches) bypassed(cache string) bool {
	p := s.bypass.Load()
	return p != nil && slices.Contains(*p, cache)
}

func (s *switches) protect() bool { return !s.unprotected.Load() }
func (s *switches) l1() bool      { return !s.noL1.Load() && s.protect() }

// Bypass makes every [Cache.Get] of these caches load, whatever is kept. It
// replaces the caches bypassed before; without any, all are normal again.
func (c *Cache) Bypass(caches ...string) {
	if len(caches) == 0 {
		c.switches.bypass.Store(nil)
		return
	}
	caches = slices.Clone(caches)
	c.switches.bypass.Store(&caches)
}

// Protect turns on (normal) or off what prevents stampedes: the local layer,
// loading once for all who wait, the lock, early refreshes and stale values.
func (c *Cache) Protect(on bool) {
	c.switches.unprotected.Store(!on)
	if !on {
		c.local.clear()
	}
}

// UseL1 turns the local layer on (normal) or off.
func (c *Cache) UseL1(on bool) {
	c.switches.noL1.Store(!on)
	if !on {
		c.local.clear()
	}
}

const (
	flushCall  = time.Second // for one command of Flush
	flushCount = 1000        // keys a command
)

// Flush removes all values from the local layer of every process and from
// Redis, key by key, never what is not ours. It returns how many were in Redis.
// A load under way may still store its value.
func (c *Cache) Flush(ctx context.Context) (int64, error) {
	c.local.clear()
	removed, err := c.flushRedis(ctx)
	c.local.clear() // what was read from Redis meanwhile
	if err != nil {
		c.failed("flush", err)
		return removed, fmt.Errorf("cache: flush: %w", err)
	}
	return removed, nil
}

func (c *Cache) flushRedis(ctx context.Context) (removed int64, err error) {
	var cursor uint64
	for {
		keys, next, err := c.scan(ctx, cursor)
		if err != nil {
			return removed, err
		}
		if len(keys) > 0 {
			n, err := c.unlink(ctx, keys)
			removed += n
			if err != nil {
				return removed, err
			}
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	ctx, cancel := context.WithTimeout(ctx, flushCall)
	defer cancel()
	return removed, c.client.Publish(ctx, Channel, c.bus.message(nil)).Err()
}

// scan returns the next keys of ours. One pass over all keys is cheaper than
// one for each pattern.
func (c *Cache) scan(ctx context.Context, cursor uint64) (keys []string, next uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, flushCall)
	defer cancel()
	keys, next, err = c.client.Scan(ctx, cursor, "", flushCount).Result()
	return slices.DeleteFunc(keys, func(key string) bool { return !ours(key) }), next, err
}

func (c *Cache) unlink(ctx context.Context, keys []string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, flushCall)
	defer cancel()
	return c.client.Unlink(ctx, keys...).Result()
}
