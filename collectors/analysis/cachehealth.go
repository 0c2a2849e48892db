package analysis

import (
	"cmp"
	"slices"

	"apitop/collectors/snapshot"
)

// What a report lists at most.
const (
	maxCommands = 50
	maxCodes    = 30
)

// health fills in what the servers say of themselves.
func (c *cacheState) health(out *Cache) {
	out.Mode = string(c.redis.Mode)
	if len(c.redis.Nodes) == 0 {
		return
	}
	out.Server, out.Policy = c.redis.Nodes[0].Server, c.redis.Nodes[0].Policy
	out.OpsPerSecond = c.sum((*nodeState).ops)
	out.OwnPerSecond = c.sum(func(n *nodeState) Value { return n.own.rate("commands") })
	out.EvictedPerSecond = c.rate("evicted")
	out.ExpiredPerSecond = c.rate("expired")
	out.ErrorsPerSecond = c.rate("errors")
	out.RejectedPerSecond = c.rate("rejected")
	out.ConnectsPerSecond = c.rate("connections")
	out.NetInPerSecond = c.rate("in")
	out.NetOutPerSecond = c.rate("out")
	out.SlowPerSecond = c.sum(func(n *nodeState) Value { return n.slow.rate("slow") })
	out.MemoryBytes = c.total(func(n *snapshot.RedisNode) Value { return n.UsedMemoryBytes })
	out.MaxMemoryBytes = c.total(func(n *snapshot.RedisNode) Value { return n.MaxMemoryBytes })
	out.RSSBytes = c.total(func(n *snapshot.RedisNode) Value { return n.RSSBytes })
	out.Clients = c.total(func(n *snapshot.RedisNode) Value { return n.Clients })
	out.MaxClients = c.total(func(n *snapshot.RedisNode) Value { return n.MaxClients })
	out.BlockedClients = c.total(func(n *snapshot.RedisNode) Value { return n.BlockedClients })
	out.Keys = c.total(func(n *snapshot.RedisNode) Value { return n.Keys })
	out.ExpiringKeys = c.total(func(n *snapshot.RedisNode) Value { return n.Expires })
	out.AvgTTLSeconds = c.avgTTL()
	out.FragmentationRatio = c.worst(func(n *nodeState) Value { return n.last.Fragmentation })
	out.CPURatio = c.worst(func(n *nodeState) Value { return n.server.rate("cpu") })
	out.Commands = c.commands()
	out.Errors = c.errors()
	out.KeySizes = c.keySizes()
	if c.redis.Mode == snapshot.RedisCluster || len(c.redis.Nodes) > 1 {
		out.Nodes = c.nodeRows()
	}
}

// total adds up a gauge of the nodes of the newest reading.
func (c *cacheState) total(of func(*snapshot.RedisNode) Value) Value {
	return c.sum(func(n *nodeState) Value { return of(&n.last) })
}

// worst is the highest of what the nodes tell.
func (c *cacheState) worst(of func(*nodeState) Value) Value {
	var most Value
	for _, n := range c.redis.Nodes {
		if v := of(c.nodes[n.Node]); v.OK && (!most.OK || v.V > most.V) {
			most = v
		}
	}
	return most
}

// avgTTL is the average of the nodes' averages, each for the keys that it has
// with a lifetime.
func (c *cacheState) avgTTL() Value {
	var seconds, keys float64
	for _, n := range c.redis.Nodes {
		if n.AvgTTLSeconds.OK && n.Expires.OK {
			seconds += n.AvgTTLSeconds.V * n.Expires.V
			keys += n.Expires.V
		}
	}
	return ratio(seconds, keys)
}

// hitRatio is the share of lookups on the server in the window that found their
// key, without those that we made ourselves. All of the server's users are in
// it, such as a limiter.
func (c *cacheState) hitRatio() Value {
	h, m := c.sum((*nodeState).hits), c.sum((*nodeState).misses)
	return over(h, Value{V: h.V + m.V, OK: h.OK && m.OK})
}

// errors lists the codes of the error replies since the servers' start.
func (c *cacheState) errors() []RedisError {
	type code struct {
		RedisError
		grown float64
	}
	byCode := map[string]*code{}
	for _, n := range c.redis.Nodes {
		state := c.nodes[n.Node]
		for _, e := range n.Errors {
			x := byCode[e.Code.Raw()]
			if x == nil {
				x = &code{RedisError: RedisError{Code: e.Code}}
				byCode[e.Code.Raw()] = x
			}
			x.Total = plus(x.Total, Value{V: e.Count, OK: true})
			x.PerSecond = plus(x.PerSecond, state.errors.rate(e.Code.Raw()))
			x.grown += state.errors.one(e.Code.Raw()).V
		}
	}
	list := make([]*code, 0, len(byCode))
	for _, x := range byCode {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *code) int {
		return cmp.Or(cmp.Compare(b.grown, a.grown), cmp.Compare(b.Total.V, a.Total.V), cmp.Compare(a.Code.Raw(), b.Code.Raw()))
	})
	out := make([]RedisError, 0, len(list))
	for _, x := range list[:min(len(list), maxCodes)] {
		out = append(out, x.RedisError)
	}
	return out
}

// keySizes adds up the servers' own histograms.
func (c *cacheState) keySizes() []KeySizes {
	type family struct{ kind, unit string }
	byFamily := map[family]map[float64]float64{}
	for _, n := range c.redis.Nodes {
		for _, s := range n.KeySizes {
			f := family{s.Type, "elements"}
			if s.Bytes {
				f.unit = "bytes"
			}
			if byFamily[f] == nil {
				byFamily[f] = map[float64]float64{}
			}
			below := 0.0
			for _, b := range s.Buckets {
				byFamily[f][b.Le] += max(b.Count-below, 0)
				below = max(below, b.Count)
			}
		}
	}
	var out []KeySizes
	for f, buckets := range byFamily {
		out = append(out, KeySizes{Type: f.kind, Unit: f.unit, Buckets: countsOf(buckets)})
	}
	slices.SortFunc(out, func(a, b KeySizes) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Unit, b.Unit)) })
	return out
}

func countsOf(buckets map[float64]float64) []Count {
	list := make([]Count, 0, len(buckets))
	for upTo, n := range buckets {
		list = append(list, Count{UpTo: Value{V: upTo, OK: true}, N: n})
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Compare(a.UpTo.V, b.UpTo.V) })
	return list
}

func (c *cacheState) nodeRows() []CacheNode {
	rows := make([]CacheNode, 0, len(c.redis.Nodes))
	for _, n := range c.redis.Nodes {
		state := c.nodes[n.Node]
		h, m := state.hits(), state.misses()
		rows = append(rows, CacheNode{
			Node:         n.Node,
			Server:       n.Server,
			OpsPerSecond: state.ops(),
			HitRatio:     over(h, Value{V: h.V + m.V, OK: h.OK && m.OK}),
			MemoryBytes:  n.UsedMemoryBytes,
			Keys:         n.Keys,
			Clients:      n.Clients,
			CPURatio:     state.server.rate("cpu"),
		})
	}
	return rows
}
