package rediskeys

import (
	"cmp"
	"context"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// cacheKeys are the cache keys that are followed: those whose reads the app
// counts, then the biggest of those that the explorer found.
type cacheKeys struct {
	keys map[string]*cacheKey
	dull dull

	counting bool      // the app counts reads
	asked    time.Time // when that was last seen
}

// cacheKey is what is known of one.
type cacheKey struct {
	snapshot.CacheKey      // At is zero until it was looked at; its TTL was right then
	counted           bool // among the keys that the app counts reads of
	gone              bool // not there when last looked at, but counted
}

const (
	mostCacheKeys = 256
	probeEvery    = 5 * time.Second
	missingEvery  = time.Second // a counted key that is gone comes back with its next read
	shownCells    = 120
)

func newCacheKeys() cacheKeys {
	return cacheKeys{keys: map[string]*cacheKey{}, dull: newDull(dullCacheKey)}
}

func (c *cacheKeys) knows(key string) bool { return c.keys[key] != nil || c.dull.has(key) }

// askCounts tells whether to ask for the app's counts now. Where there are none
// each question is a miss in the server's figures.
func (c *cacheKeys) askCounts(now time.Time) bool {
	return c.counting || now.Sub(c.asked) >= whenNone
}

// counts takes the app's own counts of reads. Such keys always find room.
func (c *cacheKeys) counts(list []counted, at time.Time) {
	c.counting, c.asked = len(list) > 0, at
	for _, k := range c.keys {
		k.counted, k.Reads, k.Method = false, snapshot.Value{}, ""
	}
	for _, n := range list {
		k := c.keys[n.key]
		if k == nil {
			k = &cacheKey{CacheKey: snapshot.CacheKey{Key: safe.Short(n.key, shownCells)}}
			c.keys[n.key] = k
		}
		k.counted, k.Reads, k.Method = true, snapshot.Known(n.reads), snapshot.MethodApp
	}
	for key, k := range c.keys {
		if k.gone && !k.counted {
			delete(c.keys, key)
		}
	}
	for len(c.keys) > mostCacheKeys {
		smallest, _ := c.smallest()
		delete(c.keys, smallest)
	}
}

// smallest is the key to give up for a better one, and its size; empty when all
// are counted.
func (c *cacheKeys) smallest() (key string, bytes float64) {
	for name, k := range c.keys {
		if !k.counted && (key == "" || k.Bytes.V < bytes) {
			key, bytes = name, k.Bytes.V
		}
	}
	return key, bytes
}

// due are the keys to look at again, those longest not seen first.
func (c *cacheKeys) due(now, lost time.Time) []string {
	var list []string
	for key, k := range c.keys {
		wait := probeEvery
		if k.gone {
			wait = missingEvery
		}
		if now.Sub(k.At) >= wait || k.At.Before(lost) {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(c.keys[a].At.Compare(c.keys[b].At), cmp.Compare(a, b))
	})
	return list
}

// list is every key that was looked at since lost and was there: most reads
// first, then the biggest. A lifetime is counted down to now.
func (c *cacheKeys) list(lost time.Time) []snapshot.CacheKey {
	list := make([]snapshot.CacheKey, 0, len(c.keys))
	now := time.Now()
	for _, k := range c.keys {
		if k.gone || !k.At.After(lost) {
			continue
		}
		copied := k.CacheKey
		if copied.TTLSeconds.OK {
			copied.TTLSeconds.V = max(copied.TTLSeconds.V-now.Sub(k.At).Seconds(), 0)
		}
		list = append(list, copied)
	}
	slices.SortFunc(list, func(a, b snapshot.CacheKey) int {
		return cmp.Or(cmp.Compare(b.Reads.V, a.Reads.V), cmp.Compare(b.Bytes.V, a.Bytes.V), cmp.Compare(a.Key.Raw(), b.Key.Raw()))
	})
	return list
}

// facts are the answers about one key; nil or an error where they were refused.
type facts struct{ ttl, kind, bytes any }

// probeBatch is how many keys are looked at in one pipeline.
const probeBatch = 100 / 3

// probe looks at cache keys, as many as the round has time for.
func (c *walker) probe(ctx context.Context, keys []string) error {
	for batch := range slices.Chunk(keys, probeBatch) {
		if !c.hasTime(ctx) {
			return nil // the rest comes next round
		}
		all, err := c.facts(ctx, batch)
		if err != nil {
			return err
		}
		for i, key := range batch {
			c.cache.probed(key, all[i])
		}
	}
	return nil
}

func (c *walker) facts(ctx context.Context, keys []string) ([]facts, error) {
	asks := make([][]string, 0, 3*len(keys))
	for _, key := range keys {
		asks = append(asks, []string{"pttl", key}, []string{"type", key}, []string{"memory", "usage", key})
	}
	replies, err := c.gate.do(ctx, asks)
	if err != nil {
		return nil, err
	}
	all := make([]facts, len(keys))
	for i := range all {
		all[i] = facts{ttl: replies[3*i], kind: replies[3*i+1], bytes: replies[3*i+2]}
	}
	return all, nil
}

// probed takes the answers about a key. One that is gone is dropped, unless the
// app counts its reads: it will be back.
func (c *cacheKeys) probed(key string, f facts) {
	k := c.keys[key]
	if k == nil {
		return
	}
	if k.gone = f.gone(); (k.gone || f.none()) && !k.counted {
		delete(c.keys, key)
		return
	}
	was := k.CacheKey
	k.CacheKey = f.cacheKey(key)
	k.Reads, k.Method = was.Reads, was.Method
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

// cached tells the types in which answers are cached; an unknown type may be.
func (f facts) cached() bool {
	t := f.typeName()
	return t == "string" || t == "hash" || t == ""
}

// consider looks at keys that the explorer found and takes those for which
// there is room, or that are bigger than the smallest that is followed. When
// there is no room their sizes are asked first: that is not a lookup in the
// server's figures. It tells whether the round had time for all.
func (c *walker) consider(ctx context.Context, keys []string) (all bool, err error) {
	room := max(mostCacheKeys-len(c.cache.keys), 0)
	if room < len(keys) {
		if !c.hasTime(ctx) {
			return false, nil
		}
		bigger, err := c.bigger(ctx, keys[room:])
		if err != nil {
			return false, err
		}
		keys = append(keys[:room:room], bigger...)
	}
	for batch := range slices.Chunk(keys, probeBatch) {
		if !c.hasTime(ctx) {
			return false, nil
		}
		all, err := c.facts(ctx, batch)
		if err != nil {
			return false, err
		}
		for i, key := range batch {
			c.takeOn(key, all[i])
		}
	}
	return true, nil
}

// bigger are those of keys that are bigger than the smallest that is followed.
func (c *walker) bigger(ctx context.Context, keys []string) ([]string, error) {
	asks := make([][]string, len(keys))
	for i, key := range keys {
		asks[i] = []string{"memory", "usage", key}
	}
	replies, err := c.gate.do(ctx, asks)
	if err != nil {
		return nil, err
	}
	var out []string
	_, least := c.cache.smallest()
	for i, key := range keys {
		switch n, ok := replies[i].(int64); {
		case ok && float64(n) > least:
			out = append(out, key)
		case len(c.cache.keys) >= mostCacheKeys: // else there may be room in the next pass
			c.cache.dull.add(key)
		}
	}
	return out, nil
}

// takeOn follows a key from now on, in place of the smallest if need be.
func (c *walker) takeOn(key string, f facts) {
	if f.gone() || f.none() {
		return
	}
	n, _ := f.bytes.(int64)
	if len(c.cache.keys) >= mostCacheKeys {
		smallest, bytes := c.cache.smallest()
		if smallest == "" || float64(n) <= bytes || !f.cached() {
			c.cache.dull.add(key)
			return
		}
		delete(c.cache.keys, smallest)
		c.cache.dull.add(smallest)
	} else if !f.cached() {
		c.cache.dull.add(key)
		return
	}
	c.cache.keys[key] = &cacheKey{CacheKey: snapshot.CacheKey{Key: safe.Short(key, shownCells)}}
	c.cache.probed(key, f)
}
