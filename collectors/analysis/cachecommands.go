package analysis

import (
	"cmp"
	"slices"

	"apitop/collectors/snapshot"
)

// commandSum is one command on all nodes, without what we sent ourselves.
type commandSum struct {
	name     string
	calls    float64 // in the window
	seconds  float64
	rate     Value
	failing  Value
	ever     float64 // calls since the start
	everBusy float64 // seconds since the start
	ladder   ladder
	p50, p99 Value // since the start, the worst node's
}

// commands lists what the servers did, most of their time in the window first,
// then most of it since their start; nil where none of them counts commands.
func (c *cacheState) commands() []RedisCommand {
	byName := map[string]*commandSum{}
	counted := false
	for i := range c.redis.Nodes {
		n := &c.redis.Nodes[i]
		counted = counted || n.CommandStats != nil
		for j := range n.CommandStats {
			cs := &n.CommandStats[j]
			x := byName[cs.Name]
			if x == nil {
				x = &commandSum{name: cs.Name}
				byName[cs.Name] = x
			}
			x.add(c.nodes[n.Node], cs)
		}
	}
	if !counted {
		return nil
	}
	var busy float64
	list := make([]*commandSum, 0, len(byName))
	for _, x := range byName {
		if busy += x.seconds; x.ever > 0 || x.calls > 0 {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b *commandSum) int {
		return cmp.Or(cmp.Compare(b.seconds, a.seconds), cmp.Compare(b.everBusy, a.everBusy), cmp.Compare(a.name, b.name))
	})
	out := make([]RedisCommand, 0, len(list))
	for _, x := range list[:min(len(list), maxCommands)] {
		out = append(out, x.row(busy))
	}
	return out
}

// add adds one node's figures. The server does not tell how long our own calls
// took: they are taken to last as long as the others of their command.
func (x *commandSum) add(n *nodeState, c *snapshot.RedisCommand) {
	own := n.last.OwnByName[c.Name]
	if x.ever += max(c.Calls.V-own, 0); c.Calls.V > own {
		x.everBusy += c.Seconds.V * (c.Calls.V - own) / c.Calls.V
	}
	x.p50, x.p99 = most(x.p50, c.P50), most(x.p99, c.P99)
	x.ladder.add(n.ladder(c.Name))
	var buf [cmFields]float64
	grown, ok := n.commands.delta(c.Name, buf[:0])
	if !ok {
		return
	}
	calls := max(grown[cmCalls]-n.ours.one(c.Name).V, 0)
	elapsed := n.commands.elapsed()
	x.calls += calls
	if grown[cmCalls] > 0 {
		x.seconds += max(grown[cmSeconds], 0) * calls / grown[cmCalls]
	}
	x.rate = plus(x.rate, over(Value{V: calls, OK: true}, elapsed))
	if c.Failed.OK || c.Rejected.OK {
		x.failing = plus(x.failing, over(Value{V: grown[cmFailed], OK: true}, elapsed))
	}
}

// row is the command in the report; busy is the time of all commands.
func (x *commandSum) row(busy float64) RedisCommand {
	r := RedisCommand{Name: x.name, CallsPerSecond: x.rate, FailedPerSecond: x.failing, Mean: ratio(x.seconds, x.calls)}
	if x.rate.OK {
		r.TimeShare = ratio(x.seconds, busy)
	}
	switch {
	case x.ladder.count >= EnoughP99:
		r.P50, _ = x.ladder.quantile(0.5)
		r.P99, _ = x.ladder.quantile(0.99)
		r.LatencyFrom = "window"
	case x.p50.OK || x.p99.OK: // too few calls in the window for its percentiles
		r.P50, r.P99, r.LatencyFrom = x.p50, x.p99, "start"
	case x.ladder.count >= EnoughP50:
		r.P50, _ = x.ladder.quantile(0.5)
		r.LatencyFrom = "window"
	}
	return r
}

// most is the greater of two values, or the known one.
func most(a, b Value) Value {
	if !a.OK || b.OK && b.V > a.V {
		return b
	}
	return a
}
