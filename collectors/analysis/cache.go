package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// cacheState follows Redis' own counters and the reads of single keys.
type cacheState struct {
	opt     Options
	nodes   map[safe.Text]*nodeState
	reads   *growth[safe.Text]
	hits    Value // by the service's own count, which knows all layers of its cache
	lookups Value
	redis   *snapshot.Redis
	keys    *snapshot.Keys
	sizes   sizes
	missed  []missedReading // the newest ones, oldest first
	section *Cache
	trends  keyTrends
}

func newCacheState(opt Options) cacheState {
	return cacheState{opt: opt, nodes: map[safe.Text]*nodeState{}, reads: newSampledGrowth[safe.Text](opt), sizes: sizes{keys: map[safe.Text]*sizeTrack{}}}
}

// step returns what is worth a mark on the charts.
func (c *cacheState) step(s snapshot.Snapshot, app httpState) []Event {
	var events []Event
	if s.Redis != nil {
		events = c.takeServer(s)
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

// takeServer takes the counters of each node.
func (c *cacheState) takeServer(s snapshot.Snapshot) []Event {
	first := c.redis == nil
	c.redis = s.Redis
	var events []Event
	mark := func(text string) { events = append(events, Event{At: s.At, Kind: "restart", Text: text}) }
	for _, n := range s.Redis.Nodes {
		state := c.nodes[n.Node]
		if state == nil {
			if !first {
				mark(c.appeared(n))
			}
			state = newNodeState(n, c.opt)
			c.nodes[n.Node] = state
		}
		if state.take(n) {
			mark(c.restartText(n))
		}
	}
	return events
}

// appeared says what it means that a node is there that was not before: it
// replaces one that does not answer any more, which is forgotten, or is one more.
func (c *cacheState) appeared(n snapshot.RedisNode) string {
	for _, old := range slices.SortedFunc(maps.Keys(c.nodes), func(a, b safe.Text) int { return strings.Compare(a.Raw(), b.Raw()) }) {
		if !slices.ContainsFunc(c.redis.Nodes, func(r snapshot.RedisNode) bool { return r.Node == old }) {
			delete(c.nodes, old)
			return "redis failed over: " + old.String() + " to " + n.Node.String()
		}
	}
	return "redis node " + n.Node.String() + " appeared"
}

func (c *cacheState) restartText(n snapshot.RedisNode) string {
	if len(c.redis.Nodes) > 1 {
		return "redis " + n.Node.String() + " restarted"
	}
	return "redis restarted"
}

// sum adds up what a function says of the nodes of the newest reading; unknown
// when it is of one of them.
func (c *cacheState) sum(of func(*nodeState) Value) Value {
	total := Value{OK: len(c.redis.Nodes) > 0}
	for _, n := range c.redis.Nodes {
		v := of(c.nodes[n.Node])
		total = Value{V: total.V + v.V, OK: total.OK && v.OK}
	}
	return total
}

func (c *cacheState) rate(name string) Value {
	return c.sum(func(n *nodeState) Value { return n.server.rate(name) })
}

func (c *cacheState) takeKeys(k *snapshot.Keys) {
	c.keys = k
	c.takeMissed(k)
	c.sizes.take(k.Cache)
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
	c.keyspace(out)
	if c.keys != nil {
		c.trends.follow(c.keys.At, out.HotKeys)
	}
	c.live(out)
	if out.HitRatio = over(c.hits, c.lookups); out.HitRatio.OK {
		out.HitRatioFrom = "metrics"
	}
	if c.redis == nil {
		return out
	}
	if !c.lookups.OK {
		if out.HitRatio = c.hitRatio(); out.HitRatio.OK {
			out.HitRatioFrom = "redis"
		}
	}
	c.health(out)
	return out
}

// elapsed is the time that the figures of the first node cover.
func (c *cacheState) elapsed() Value {
	if c.redis == nil || len(c.redis.Nodes) == 0 {
		return Value{}
	}
	return c.nodes[c.redis.Nodes[0].Node].server.elapsed()
}

// minus is a - b, not below zero; unknown when a is.
func minus(a, b Value) Value {
	return Value{V: max(a.V-b.V, 0), OK: a.OK}
}

// hotKeys are the followed keys, most reads first, then the biggest.
func (c *cacheState) hotKeys() []HotKey {
	if c.keys == nil {
		return nil
	}
	list := make([]HotKey, 0, len(c.keys.Cache))
	total := 0.0
	for _, k := range c.keys.Cache {
		h := c.hotKey(k)
		total += h.ReadsPerSecond.V
		list = append(list, h)
	}
	for i := range list {
		if r := list[i].ReadsPerSecond; r.OK && total > 0 {
			list[i].Share = snapshot.Known(r.V / total)
		}
	}
	slices.SortStableFunc(list, func(a, b HotKey) int {
		return cmp.Or(
			cmp.Compare(rank(b.ReadsPerSecond), rank(a.ReadsPerSecond)),
			cmp.Compare(b.Bytes.V, a.Bytes.V),
		)
	})
	return list
}

// hotKey is a key with its rate: by the app's own count where there is one, else
// as the collector found it.
func (c *cacheState) hotKey(k snapshot.CacheKey) HotKey {
	h := HotKey{
		Key: k.Key, Node: k.Node, Type: k.Type,
		Method: string(k.Method), AtLeast: k.AtLeast,
		TTLSeconds: k.TTLSeconds, NoTTL: k.NoTTL,
		Bytes: k.Bytes, GrowthPerSec: c.sizes.growth(k.Key),
		AgeSeconds: c.since(k.At), prefix: k.Prefix,
	}
	switch {
	case k.Reads.OK:
		h.ReadsPerSecond, h.RateAge = c.reads.rate(k.Key), snapshot.Known(0)
	case k.Rate.OK:
		h.ReadsPerSecond, h.RateAge = k.Rate, c.since(k.RateAt)
	}
	return h
}

// since is how many seconds before the reading of the keys something was.
func (c *cacheState) since(at time.Time) Value {
	return snapshot.Known(max(c.keys.At.Sub(at).Seconds(), 0))
}

// rank sorts unknown values below all known ones.
func rank(v Value) float64 {
	if !v.OK {
		return -1
	}
	return v.V
}
