package rediskeys

import (
	"context"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// facts are the answers about one key; nil or an error where they were refused
// or not asked for.
type facts struct {
	ttl, kind, bytes any
	use              any
	typed, sized     bool // asked for
}

// probeBatch is how many keys are looked at in one pipeline.
const probeBatch = 100 / 4

// probe looks at cache keys, as many as the round has time for.
func (w *walker) probe(ctx context.Context, keys []string) error {
	for batch := range slices.Chunk(keys, probeBatch) {
		if !w.hasTime(ctx) {
			return nil // the rest comes next round
		}
		all, err := w.facts(ctx, batch)
		if err != nil {
			return err
		}
		clock := w.head.now()
		for i, key := range batch {
			w.cache.probed(key, all[i], clock)
		}
	}
	return nil
}

// facts asks for the lifetime and the use of keys, and for their type and size
// when that was long ago.
func (w *walker) facts(ctx context.Context, keys []string) ([]facts, error) {
	now := time.Now()
	all := make([]facts, len(keys))
	var asks [][]string
	var into []*any
	ask := func(at *any, command ...string) {
		if command != nil {
			asks, into = append(asks, command), append(into, at)
		}
	}
	for i, key := range keys {
		f, k := &all[i], w.cache.keys[key]
		f.typed, f.sized = now.Sub(k.typed) >= typeEvery || k.gone, now.Sub(k.sized) >= sizeEvery || k.gone
		ask(&f.ttl, "pttl", key)
		if f.typed {
			ask(&f.kind, "type", key)
		}
		if f.sized {
			ask(&f.bytes, "memory", "usage", key)
		}
		ask(&f.use, w.cache.how.ask(key)...)
	}
	replies, err := w.gate.do(ctx, asks)
	if err != nil {
		return nil, err
	}
	for i, r := range replies {
		*into[i] = r
	}
	return all, nil
}

// probed takes the answers about a key. One that is gone is dropped, unless the
// app counts its reads: it will be back.
func (c *cacheKeys) probed(key string, f facts, clock float64) {
	k := c.keys[key]
	if k == nil {
		return
	}
	nothing := f.typed && f.sized && f.none()
	if k.gone = f.gone(); (k.gone || nothing) && !k.counted {
		delete(c.keys, key)
		c.stale = true
		return
	}
	was := k.CacheKey
	k.CacheKey = f.cacheKey(key)
	k.Prefix, k.Reads = was.Prefix, was.Reads
	if f.typed {
		k.typed = k.At
	} else {
		k.Type = was.Type
	}
	if f.sized {
		k.sized = k.At
	} else {
		k.Bytes = was.Bytes
	}
	if n, ok := f.use.(int64); ok {
		c.how.take(&k.meter, float64(n), clock)
	} else {
		c.how.refused(f.use)
	}
	c.stale = true
}

// cacheKey is what the answers say of a key, now.
func (f facts) cacheKey(key string) snapshot.CacheKey {
	k := snapshot.CacheKey{
		Key: safe.Short(key, shownCells), Type: f.typeName(), NoTTL: f.ttl == int64(-1), At: time.Now(),
	}
	if ms, ok := f.ttl.(int64); ok && ms >= 0 {
		k.TTLSeconds = snapshot.Known(float64(ms) / 1000)
	}
	if n, ok := f.bytes.(int64); ok {
		k.Bytes = snapshot.Known(float64(n))
	}
	return k
}

// none tells that nothing about the key may be known.
func (f facts) none() bool {
	_, ttl := f.ttl.(int64)
	_, bytes := f.bytes.(int64)
	return !ttl && !bytes && f.typeName() == ""
}

func (f facts) gone() bool { return f.ttl == int64(-2) || f.kind == "none" }

func (f facts) typeName() string {
	s, _ := f.kind.(string)
	return safe.Clean(s, 24)
}
