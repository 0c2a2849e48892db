package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// job is a lookup that the local layer could not answer.
type job struct {
	item  Item
	load  Loader
	reads *access // may be nil
	since uint64  // for [local.put]: before Redis was asked
	last  seen    // what Redis held
	redis bool    // Redis answered
}

// outcome is the answer to a job.
type outcome struct {
	entry *localEntry
	look  Lookup
}

// answer asks Redis, then the store.
func (c *Cache) answer(ctx context.Context, j *job) ([]byte, Lookup, error) {
	j.since = c.local.since(j.item.Key)
	if !c.owed.has(j.item.Key) { // else Redis still has what was deleted
		var err error
		j.last, err = c.remote.get(ctx, j.item.Key)
		j.redis = err == nil
	}
	e := j.last.entry
	if e == nil || e.missing && c.cfg.NotFound == nil {
		return c.miss(ctx, j)
	}
	protect := c.switches.protect()
	now := time.Now()
	if !e.staleAt(now) {
		if protect && early(e.fresh.Sub(now), e.delta, 1-rand.Float64()) {
			c.refreshLater(*j, "early")
		}
		return c.keep(j, e).answer(LayerRedis)
	}
	if protect && !e.missing {
		c.refreshLater(*j, "stale")
		return e.value, Lookup{Stale, LayerRedis}, nil
	}
	return c.miss(ctx, j)
}

// keep takes what came from Redis or the store into the local layer.
func (c *Cache) keep(j *job, e *entry) *localEntry {
	l := &localEntry{entry: e, reads: j.reads}
	if e.missing {
		l.err = fmt.Errorf("cache: %s was not there a short time ago: %w", j.item.Key, c.cfg.NotFound)
	}
	if c.switches.l1() {
		l.life = localLifeOf(time.Until(e.fresh), e.delta)
		c.local.put(j.item.Key, l, j.since)
	}
	return l
}

// miss loads the item, together with all who want it at this time.
func (c *Cache) miss(ctx context.Context, j *job) ([]byte, Lookup, error) {
	type result struct {
		outcome
		err error
	}
	done := make(chan result, 1)
	// In a goroutine of its own the load survives a caller that goes away, for
	// the sake of the others. (DoChan would start one that Close cannot see.)
	c.running.Go(func() {
		o, err := c.together(context.WithoutCancel(ctx), j)
		done <- result{o, err}
	})
	select {
	case r := <-done:
		if r.err != nil {
			return nil, Lookup{Miss, LayerStore}, r.err
		}
		return r.entry.value, r.look, r.entry.err
	case <-ctx.Done():
		return nil, Lookup{Miss, LayerStore}, ctx.Err()
	}
}

// together fills the item, once for all in this process who call it at a time.
func (c *Cache) together(ctx context.Context, j *job) (outcome, error) {
	if !c.switches.protect() {
		return c.fill(ctx, j)
	}
	led := false
	v, err, _ := c.loads.Do(j.item.Key, func() (any, error) {
		led = true
		return c.fill(ctx, j)
	})
	if !led {
		c.cfg.Observer.CacheWaited(j.item.Cache, "singleflight")
	}
	o, _ := v.(outcome) // zero beside an error
	return o, err
}

// fill gets the item from the store, or from a process that loads it already.
func (c *Cache) fill(ctx context.Context, j *job) (outcome, error) {
	var t ticket
	if j.redis {
		var found *entry
		if found, t = c.claim(ctx, j); found != nil {
			return outcome{c.keep(j, found), Lookup{Miss, LayerRedis}}, nil
		}
	}
	e, err := c.loadAndStore(ctx, j, t)
	return outcome{e, Lookup{Miss, LayerStore}}, err
}

// claim waits until this process may load the item, or has waited long enough
// for another one to, and returns what that one stored. Without an answer of
// Redis the ticket is empty.
func (c *Cache) claim(ctx context.Context, j *job) (*entry, ticket) {
	lock := c.switches.protect()
	deadline := time.Now().Add(waitBound(c.usual.of(j.item.Cache)))
	for n := 0; ; n++ {
		found, t, err := c.remote.begin(ctx, j.item.Key, j.last, lock)
		if err != nil {
			return nil, ticket{}
		}
		if e := found.entry; e != nil && !bytes.Equal(found.raw, j.last.raw) && !e.staleAt(time.Now()) {
			return e, t
		}
		j.last = found
		if !lock || t.token != "" || !time.Now().Before(deadline) {
			return nil, t
		}
		if n == 0 {
			c.cfg.Observer.CacheWaited(j.item.Cache, "lock")
		}
		time.Sleep(pollPause(n))
	}
}

// loadAndStore loads the item and keeps what it brings, in Redis if the ticket
// says so. Errors are kept only when they say that there is no such thing.
func (c *Cache) loadAndStore(ctx context.Context, j *job, t ticket) (*localEntry, error) {
	value, took, err := c.call(ctx, j.item, j.load)
	now := time.Now()
	e := &entry{value: value, created: now, delta: took}
	life := c.cfg.Policy.Negative
	switch {
	case c.isMissing(err):
		e.missing, e.fresh = true, now.Add(life)
	case err == nil:
		ttl := c.cfg.Policy.TTL(c.accesses.rate(j.item.Key, now), 2*rand.Float64()-1)
		c.cfg.Observer.CacheStored(j.item.Cache, ttl)
		e.fresh, life = now.Add(ttl), ttl+c.cfg.Policy.Stale(ttl)
	}
	if err != nil && !e.missing || took > c.cfg.LoadTimeout { // longer than a mark of deletion is sure to last
		c.remote.finish(ctx, j.item.Key, t, nil, 0)
		return &localEntry{entry: e}, err
	}
	if c.remote.finish(ctx, j.item.Key, t, e, life) {
		return &localEntry{entry: e}, err // deleted meanwhile: good enough for who asked before
	}
	return c.keep(j, e), err
}

// direct loads without keeping anything.
func (c *Cache) direct(ctx context.Context, item Item, load Loader) ([]byte, error) {
	value, _, err := c.call(ctx, item, load)
	return value, err
}

// call runs load. A panic becomes its error: it would end the process, since it
// happens outside of the request's goroutine.
func (c *Cache) call(ctx context.Context, item Item, load Loader) (value []byte, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: load %s: panic: %v", item.Key, p)
		}
		took = time.Since(start)
		if err == nil || c.isMissing(err) {
			c.usual.loaded(item.Cache, took)
		}
		c.cfg.Observer.CacheLoaded(item.Cache, took, err)
	}()
	v, err := load(ctx)
	if err != nil {
		return nil, 0, err
	}
	if value, err = json.Marshal(v); err != nil {
		return nil, 0, fmt.Errorf("cache: encode %s: %w", item.Key, err)
	}
	return value, 0, nil
}
