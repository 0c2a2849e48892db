// Package cache keeps answers as JSON in Redis, in front of a slower store.
//
// Concurrent misses of one key load it once per process. Lives differ at random
// and grow with the rate of reads. With Redis down everything is loaded, after
// a wait of 15 ms at most, and none while the breaker is open.
package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"apitop/demoapi/rdb"
)

// Result says where a value came from.
type Result string

// The results.
const (
	Hit  Result = "hit"  // from Redis
	Miss Result = "miss" // from the store: not in Redis, or Redis did not answer
)

// Observer is told what a cache cannot return. Its methods are called
// concurrently and must not block.
type Observer interface {
	// CacheLoaded is called after each load of the store.
	CacheLoaded(cache string, took time.Duration, err error)
	// CacheFailed is called after each failure of Redis: op is "get", "set",
	// "delete" or "count", reason as in [rdb.Reason].
	CacheFailed(op, reason string)
}

// Loader gets a value from the store. Its context is not the request's: the
// value may be waited for by several.
type Loader func(context.Context) (any, error)

// Config has a usable zero value.
type Config struct {
	Policy      Policy        // zero: DefaultPolicy
	Redis       rdb.Options   // bounds of calls to Redis
	LoadTimeout time.Duration // of one load; 0: 5 s
	Observer    Observer      // may be nil
}

// Cache is safe for concurrent use. Close must be called in the end.
type Cache struct {
	client   redis.UniversalClient
	guard    *rdb.Guard
	cfg      Config
	loads    singleflight.Group
	flights  flights
	accesses *accesses
	running  sync.WaitGroup // loads, and the counting goroutine
	stop     context.CancelFunc
}

// New returns a cache kept in client, which should be made by [rdb.Open], and
// starts counting reads.
func New(client redis.UniversalClient, cfg Config) *Cache {
	if cfg.Policy == (Policy{}) {
		cfg.Policy = DefaultPolicy()
	}
	if cfg.LoadTimeout <= 0 {
		cfg.LoadTimeout = 5 * time.Second
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Cache{
		client: client, cfg: cfg, guard: rdb.NewGuard("cache", cfg.Redis),
		flights: flights{open: map[string]*flight{}}, accesses: newAccesses(), stop: stop,
	}
	c.running.Go(func() { c.count(ctx) })
	return c
}

// Close writes the last counts and waits for loads under way. Get must not be
// called any more.
func (c *Cache) Close() {
	c.stop()
	c.running.Wait()
}

// Get returns the item's value as JSON, from Redis or else by load. The bytes
// are shared and must not be changed. The error is that of load, or of ctx.
func (c *Cache) Get(ctx context.Context, item Item, load Loader) ([]byte, Result, error) {
	c.accesses.read(item.Key, time.Now())
	raw, err := c.fromRedis(ctx, item.Key)
	if err == nil {
		return raw, Hit, nil
	}
	answered := errors.Is(err, redis.Nil)
	raw, err = c.fromStore(ctx, item, answered, load)
	return raw, Miss, err
}

// Delete removes items after their source has changed. A load that began before
// does not bring the old value back, if it runs in this process; one in another
// process may, until the value expires.
func (c *Cache) Delete(ctx context.Context, items ...Item) error {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
		c.flights.spoil(item.Key)
		c.loads.Forget(item.Key) // who comes now loads anew
	}
	err := c.guard.Do(ctx, func(ctx context.Context) error { return c.client.Del(ctx, keys...).Err() })
	if err != nil {
		c.failed("delete", err)
		return fmt.Errorf("cache: delete: %w", err)
	}
	return nil
}

// fromRedis returns [redis.Nil] on a miss.
func (c *Cache) fromRedis(ctx context.Context, key string) (raw []byte, err error) {
	err = c.guard.Do(ctx, func(ctx context.Context) (err error) {
		raw, err = c.client.Get(ctx, key).Bytes()
		return err
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		c.failed("get", err)
	}
	return raw, err
}

// fromStore loads the item, together with all who want it at this time. The
// value is stored only if Redis answered before: a second wait would be in vain.
func (c *Cache) fromStore(ctx context.Context, item Item, answered bool, load Loader) ([]byte, error) {
	type result struct {
		raw any
		err error
	}
	done := make(chan result, 1)
	// In a goroutine of its own the load survives a caller that goes away, for
	// the sake of the others. (DoChan would start one that Close cannot see.)
	c.running.Go(func() {
		raw, err, _ := c.loads.Do(item.Key, func() (any, error) {
			return c.load(context.WithoutCancel(ctx), item, answered, load)
		})
		done <- result{raw, err}
	})
	select {
	case r := <-done:
		raw, _ := r.raw.([]byte) // nil beside an error
		return raw, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Cache) load(ctx context.Context, item Item, answered bool, load Loader) (raw []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	flight := c.flights.begin(item.Key)
	defer c.flights.end(item.Key, flight)
	raw, err = c.call(ctx, item, load)
	if err != nil || !answered {
		return raw, err
	}
	flight.store(func() { c.set(ctx, item.Key, raw) })
	return raw, nil
}

// call runs load. A panic becomes its error: it would end the process, since it
// happens outside of the request's goroutine.
func (c *Cache) call(ctx context.Context, item Item, load Loader) (raw []byte, err error) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: load %s: panic: %v", item.Key, p)
		}
		if c.cfg.Observer != nil {
			c.cfg.Observer.CacheLoaded(item.Cache, time.Since(start), err)
		}
	}()
	v, err := load(ctx)
	if err != nil {
		return nil, err
	}
	if raw, err = json.Marshal(v); err != nil {
		return nil, fmt.Errorf("cache: encode %s: %w", item.Key, err)
	}
	return raw, nil
}

func (c *Cache) set(ctx context.Context, key string, raw []byte) {
	ttl := c.cfg.Policy.TTL(c.accesses.rate(key, time.Now()), 2*rand.Float64()-1)
	err := c.guard.Do(ctx, func(ctx context.Context) error { return c.client.Set(ctx, key, raw, ttl).Err() })
	if err != nil {
		c.failed("set", err)
	}
}

// count writes the counts of reads about once a second until ctx ends, and once
// more then.
func (c *Cache) count(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.flush()
			return
		}
		c.flush()
		c.accesses.prune(time.Now())
	}
}

func (c *Cache) flush() {
	if c.guard.Open() {
		return // the reads stay pending
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := c.accesses.flush(ctx, c.client); err != nil {
		c.failed("count", err)
	}
}

func (c *Cache) failed(op string, err error) {
	if c.cfg.Observer != nil {
		c.cfg.Observer.CacheFailed(op, rdb.Reason(err))
	}
}
