// Package cache keeps answers as JSON in the memory of each process and, for all
// of them, in Redis, in front of a slower store.
//
//   - Lives grow with the rate of reads and differ at random ([Policy]). A value
//     whose fresh life is over is still served for a while and refreshed in the
//     background; one that is read often is refreshed before.
//   - A value that nobody has is loaded once for all who want it: once in a
//     process, and with a short lock in Redis once among the processes.
//   - What the source does not have is remembered too, for half a minute.
//   - Deletions reach all processes, and loads that began before a deletion do
//     not bring the old value back.
//   - With Redis down values come from memory and the store. A call of Redis takes
//     15 ms at most, a lookup makes none after one that failed, and there are no
//     calls at all while the breaker is open.
package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"apitop/demoapi/rdb"
)

// Observer is told what a cache cannot return. Its methods are called
// concurrently and must not block.
type Observer interface {
	// CacheLoaded is called after each load of the store.
	CacheLoaded(cache string, took time.Duration, err error)
	// CacheWaited is called for a lookup that waits for the load of another one:
	// by is "singleflight" in this process, "lock" in another.
	CacheWaited(cache, by string)
	// CacheRefreshed is called when a value is about to be loaded anew in the
	// background: reason is "early" or "stale".
	CacheRefreshed(cache, reason string)
	// CacheStored is called with the fresh life chosen for a loaded value.
	CacheStored(cache string, ttl time.Duration)
	// CacheFailed is called after each failure of Redis: op is "get", "lock",
	// "set", "delete", "flush", "subscribe" or "count", reason as in
	// [rdb.Reason].
	CacheFailed(op, reason string)
}

// Loader gets a value from the store. Its context is not the request's, though
// it has its values: the result may be waited for by several.
type Loader func(context.Context) (any, error)

// Config has a usable zero value.
type Config struct {
	Policy      Policy        // zero: DefaultPolicy
	L1          L1Options     // bounds of the local layer
	Redis       rdb.Options   // bounds of calls to Redis
	LoadTimeout time.Duration // of one load, the same in all processes; 0: 5 s
	// NotFound is the error of loads whose source has no such thing: errors that
	// match it are kept for Policy.Negative. nil: none is.
	NotFound error
	Observer Observer // may be nil
}

// Cache is safe for concurrent use. Close must be called in the end.
type Cache struct {
	client   redis.UniversalClient
	cfg      Config
	local    *local
	remote   *remote
	bus      *bus
	loads    singleflight.Group
	refresh  refreshes
	usual    usuals
	owed     owed
	accesses *accesses
	switches switches
	running  sync.WaitGroup // loads, refreshes, and the goroutines of New
	ctx      context.Context
	stop     context.CancelFunc
}

// New returns a cache kept in client, which should be made by [rdb.Open], and
// starts counting reads and listening to the deletions of other processes.
func New(client redis.UniversalClient, cfg Config) *Cache {
	if cfg.Policy == (Policy{}) {
		cfg.Policy = DefaultPolicy()
	}
	if cfg.LoadTimeout <= 0 {
		cfg.LoadTimeout = 5 * time.Second
	}
	if cfg.Observer == nil {
		cfg.Observer = unobserved{}
	}
	c := &Cache{
		client: client, cfg: cfg, local: newLocal(cfg.L1), accesses: newAccesses(),
		refresh: refreshes{keys: map[string]struct{}{}}, usual: usuals{times: map[string]time.Duration{}},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.remote = newRemote(client, cfg, c.failed)
	c.bus = &bus{client: client, self: random(), gone: c.goneElsewhere, failed: c.failed}
	c.running.Go(func() { c.count(c.ctx) })
	c.running.Go(func() { c.bus.run(c.ctx) })
	return c
}

// Close writes the last counts and waits for loads under way. Get must not be
// called any more.
func (c *Cache) Close() {
	c.stop()
	c.running.Wait()
	c.local.close()
}

// Get returns the item's value as JSON. The bytes are shared and must not be
// changed. The error is that of load, or of ctx; for what was remembered not to
// exist it wraps Config.NotFound.
func (c *Cache) Get(ctx context.Context, item Item, load Loader) ([]byte, Lookup, error) {
	if c.switches.bypassed(item.Cache) {
		c.accesses.of(item.Key, time.Now()).read()
		value, err := c.direct(ctx, item, load)
		return value, Lookup{Miss, LayerStore}, err
	}
	if c.switches.l1() {
		if e := c.local.get(item.Key); e != nil {
			e.reads.read()
			return e.answer(LayerL1)
		}
	}
	j := &job{item: item, load: load, reads: c.accesses.of(item.Key, time.Now())}
	j.reads.read()
	return c.answer(ctx, j)
}

// answer is how a lookup that was answered by an entry ends.
func (e *localEntry) answer(layer Layer) ([]byte, Lookup, error) {
	if e.missing {
		return nil, Lookup{Negative, layer}, e.err
	}
	return e.value, Lookup{Hit, layer}, nil
}

// isMissing reports whether err says that the source has no such thing.
func (c *Cache) isMissing(err error) bool {
	return c.cfg.NotFound != nil && errors.Is(err, c.cfg.NotFound)
}

// Delete removes items after their source has changed, in all processes. A load
// that began before does not bring the old value back. A process that does not
// hear of it, its connection being broken, keeps its own copy for five seconds at
// most. When Redis cannot be reached the items are gone from this process only,
// the deletion is repeated until it succeeds, and the error says why.
func (c *Cache) Delete(ctx context.Context, items ...Item) error {
	if len(items) == 0 {
		return nil
	}
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	c.forget(keys)
	err := c.remote.remove(ctx, keys, c.bus.message(keys))
	if err != nil {
		c.owed.add(keys)
	}
	c.forget(keys) // what was read from Redis meanwhile
	return err
}

// forget removes keys from this process. Who comes now loads anew.
func (c *Cache) forget(keys []string) {
	for _, key := range keys {
		c.loads.Forget(key)
	}
	c.local.remove(keys...)
}

// goneElsewhere handles a deletion in another process; without keys, anything
// may have been deleted.
func (c *Cache) goneElsewhere(keys []string) {
	if len(keys) == 0 {
		c.local.clear()
		return
	}
	c.forget(keys)
}

// L1Entries is about the number of values in the local layer.
func (c *Cache) L1Entries() int { return c.local.cache.EstimatedSize() }

// count writes the counts of reads and repeats failed deletions about once a
// second until ctx ends, and once more then.
func (c *Cache) count(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.payOwed(context.Background())
			c.flushCounts()
			return
		}
		c.payOwed(ctx)
		c.flushCounts()
		if n%pruneEvery == 0 {
			c.accesses.prune(time.Now())
		}
	}
}

func (c *Cache) flushCounts() {
	if c.remote.guard.Open() {
		return // the reads stay pending
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := c.accesses.flush(ctx, c.client, time.Now()); err != nil {
		c.failed("count", err)
	}
}

func (c *Cache) failed(op string, err error) { c.cfg.Observer.CacheFailed(op, rdb.Reason(err)) }

// unobserved is an [Observer] that does nothing.
type unobserved struct{}

func (unobserved) CacheLoaded(string, time.Duration, error) {}
func (unobserved) CacheWaited(string, string)               {}
func (unobserved) CacheRefreshed(string, string)            {}
func (unobserved) CacheStored(string, time.Duration)        {}
func (unobserved) CacheFailed(string, string)               {}
