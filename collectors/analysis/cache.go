package analysis

import (
	"cmp"
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// cacheState follows Redis' own counters and the reads of single keys.
type cacheState struct {
	server  *growth[string]
	own     *growth[string] // what we added to its counters ourselves
	reads   *growth[safe.Text]
	runID   string
	hits    Value // by the service's own count, which knows all layers of its cache
	lookups Value
	redis   *snapshot.Redis
	keys    *snapshot.Keys
	section *Cache
}

func newCacheState(opt Options) cacheState {
	return cacheState{
		server: newGrowth[string](opt),
		own:    newGrowth[string](opt),
		reads:  newSampledGrowth[safe.Text](opt),
	}
}

// step returns what is worth a mark on the charts.
func (c *cacheState) step(s snapshot.Snapshot, app httpState) []Event {
	var events []Event
	if s.Redis != nil && c.takeServer(s.Redis) {
		events = append(events, Event{At: s.At, Kind: "restart", Text: "redis restarted"})
	}
	if s.Keys != nil {
		c.takeKeys(s.Keys)
	}
	if len(s.HTTP) > 0 {
		c.hits, c.lookups = app.cacheUse()
	}
	if s.Redis != nil || s.Keys != nil || c.lookups.OK {
		c.section = c.report()
	}
	return events
}

// takeServer tells whether the server is another one than before.
func (c *cacheState) takeServer(r *snapshot.Redis) (restarted bool) {
	restarted = c.redis != nil && r.RunID != c.runID
	c.redis, c.runID = r, r.RunID
	c.server.begin(r.At, restarted)
	c.server.put("commands", r.Commands)
	c.server.put("hits", r.KeyspaceHits)
	c.server.put("misses", r.KeyspaceMisses)
	c.server.put("evicted", r.EvictedKeys)
	c.server.put("expired", r.ExpiredKeys)
	c.server.put("errors", r.ErrorReplies)
	c.server.end()
	c.own.begin(r.At, false)
	c.own.put("hits", snapshot.Known(r.OwnHits))
	c.own.put("misses", snapshot.Known(r.OwnMisses))
	c.own.put("commands", snapshot.Known(r.OwnCommands))
	c.own.end()
	return restarted
}

func (c *cacheState) takeKeys(k *snapshot.Keys) {
	c.keys = k
	c.reads.begin(k.At, false)
	for _, key := range k.Cache {
		if key.Reads.OK {
			c.reads.add(key.Key, []float64{key.Reads.V}, 0) // scores may decay
		}
	}
	c.reads.end()
}

func (c *cacheState) report() *Cache {
	out := &Cache{HotKeys: c.hotKeys()}
	if out.HitRatio = over(c.hits, c.lookups); out.HitRatio.OK {
		out.HitRatioFrom = "metrics"
	}
	r := c.redis
	if r == nil {
		return out
	}
	if !c.lookups.OK {
		if out.HitRatio = c.hitRatio(); out.HitRatio.OK {
			out.HitRatioFrom = "redis"
		}
	}
	out.OpsPerSecond = minus(c.server.rate("commands"), c.own.rate("commands"))
	out.EvictedPerSecond = c.server.rate("evicted")
	out.ExpiredPerSecond = c.server.rate("expired")
	out.ErrorsPerSecond = c.server.rate("errors")
	out.MemoryBytes, out.MaxMemoryBytes = r.UsedMemoryBytes, r.MaxMemoryBytes
	out.Clients, out.Keys = r.Clients, r.Keys
	return out
}

// hitRatio is the share of lookups on the server in the window that found their
// key, without those that we made ourselves: looking at a key counts as a hit.
// All of the server's users are in it, such as a limiter.
func (c *cacheState) hitRatio() Value {
	hits, misses := c.server.one("hits"), c.server.one("misses")
	if !hits.OK || !misses.OK {
		return Value{}
	}
	h := max(hits.V-c.own.one("hits").V, 0)
	m := max(misses.V-c.own.one("misses").V, 0)
	return ratio(h, h+m)
}

// minus is a - b, not below zero; unknown when a is.
func minus(a, b Value) Value {
	return Value{V: max(a.V-b.V, 0), OK: a.OK}
}

func (c *cacheState) hotKeys() []HotKey {
	if c.keys == nil {
		return nil
	}
	list := make([]HotKey, 0, len(c.keys.Cache))
	for _, k := range c.keys.Cache {
		list = append(list, HotKey{
			Key:            k.Key,
			ReadsPerSecond: c.reads.rate(k.Key),
			Method:         k.Method,
			TTLSeconds:     k.TTLSeconds,
			NoTTL:          k.NoTTL,
			Bytes:          k.Bytes,
			Type:           k.Type,
			AgeSeconds:     snapshot.Known(max(c.keys.At.Sub(k.At).Seconds(), 0)),
		})
	}
	slices.SortStableFunc(list, func(a, b HotKey) int {
		return cmp.Or(
			cmp.Compare(rank(b.ReadsPerSecond), rank(a.ReadsPerSecond)),
			cmp.Compare(b.Bytes.V, a.Bytes.V),
		)
	})
	return list
}

// rank sorts unknown values below all known ones.
func rank(v Value) float64 {
	if !v.OK {
		return -1
	}
	return v.V
}
