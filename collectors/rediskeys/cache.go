package rediskeys

import (
	"cmp"
	"context"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// cacheKeys are the cache keys that are followed.
type cacheKeys struct {
	keys map[string]*cacheKey
}

// cacheKey is what is known of one.
type cacheKey struct {
	snapshot.CacheKey
	counted bool // among the keys that the app counts reads of
}

const (
	mostCacheKeys = 256
	probeEvery    = 5 * time.Second
	probeKeys     = 33 // a round: three commands each
	shownCells    = 120
)

func newCacheKeys() cacheKeys { return cacheKeys{keys: map[string]*cacheKey{}} }

// found takes a key that the explorer came across, if there is room.
func (c *cacheKeys) found(key string) {
	if c.keys[key] == nil && len(c.keys) < mostCacheKeys {
		c.add(key)
	}
}

func (c *cacheKeys) add(key string) *cacheKey {
	k := &cacheKey{CacheKey: snapshot.CacheKey{Key: safe.Short(key, shownCells)}}
	c.keys[key] = k
	return k
}

// counted takes the app's own counts of reads. Such keys always find room.
func (c *cacheKeys) counted(list []counted) {
	for _, k := range c.keys {
		k.counted, k.Reads, k.Method = false, snapshot.Value{}, ""
	}
	for _, n := range list {
		if len(n.key) > mostName {
			continue
		}
		k := c.keys[n.key]
		if k == nil {
			c.makeRoom()
			k = c.add(n.key)
		}
		k.counted, k.Reads, k.Method = true, snapshot.Known(n.reads), "app"
	}
}

// makeRoom drops a key that is not counted when the set is full.
func (c *cacheKeys) makeRoom() {
	if len(c.keys) < mostCacheKeys {
		return
	}
	for key, k := range c.keys {
		if !k.counted {
			delete(c.keys, key)
			return
		}
	}
}

// due are the keys to look at again, those longest not seen first.
func (c *cacheKeys) due(now time.Time) []string {
	var list []string
	for key, k := range c.keys {
		if now.Sub(k.At).Abs() >= probeEvery {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(c.keys[a].At.Compare(c.keys[b].At), cmp.Compare(a, b))
	})
	return list[:min(len(list), probeKeys)]
}

// list is every key that was looked at.
func (c *cacheKeys) list() []snapshot.CacheKey {
	var list []snapshot.CacheKey
	for _, k := range c.keys {
		if !k.At.IsZero() {
			list = append(list, k.CacheKey)
		}
	}
	slices.SortFunc(list, func(a, b snapshot.CacheKey) int {
		return cmp.Or(cmp.Compare(b.Reads.V, a.Reads.V), cmp.Compare(a.Key.Raw(), b.Key.Raw()))
	})
	return list
}

// probe looks at the cache keys that are due.
func (c *Collector) probe(ctx context.Context, now time.Time) error {
	keys := c.cache.due(now)
	if len(keys) == 0 {
		return nil
	}
	var asks [][]string
	for _, key := range keys {
		asks = append(asks, []string{"PTTL", key}, []string{"TYPE", key}, []string{"MEMORY", "USAGE", key})
	}
	replies, _, err := c.ask(ctx, asks)
	if err != nil {
		return err
	}
	for i, key := range keys {
		c.cache.probed(key, now, probeReplies{
			ttl:   c.rights.take(rightTTL, replies[3*i]),
			kind:  c.rights.take(rightType, replies[3*i+1]),
			bytes: c.rights.take(rightMemory, replies[3*i+2]),
		})
	}
	return nil
}

// probeReplies are the answers about one key; nil where they were refused.
type probeReplies struct{ ttl, kind, bytes any }

// probed takes the answers about a key. One that is gone is dropped, unless the
// app counts its reads: then it is a key that is asked for and missed.
func (c *cacheKeys) probed(key string, now time.Time, r probeReplies) {
	k := c.keys[key]
	ttl, known := r.ttl.(int64)
	if known && ttl == -2 && !k.counted {
		delete(c.keys, key)
		return
	}
	k.At = now
	k.NoTTL = known && ttl == -1
	k.TTLSeconds = snapshot.Value{}
	if known && ttl >= 0 {
		k.TTLSeconds = snapshot.Known(float64(ttl) / 1000)
	}
	k.Type, _ = r.kind.(string)
	if k.Type == "none" {
		k.Type = ""
	}
	k.Bytes = snapshot.Value{}
	if n, ok := r.bytes.(int64); ok {
		k.Bytes = snapshot.Known(float64(n))
	}
}
