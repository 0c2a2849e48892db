package analysis

import (
	"slices"

	"apitop/collectors/snapshot"
)

// nodeState follows the counters of one node.
type nodeState struct {
	last     snapshot.RedisNode
	server   *growth[string]
	own      *growth[string]      // what we added to its counters ourselves
	commands *growth[string]      // by name, with the totals of cmFields
	ours     *growth[string]      // calls of each command that we sent ourselves
	errors   *growth[string]      // by code
	ladders  *growth[string]      // histograms by command, of those that were asked for
	slow     *growth[string]      // the slow log, when it was asked for
	bounds   map[string][]float64 // of the ladders
}

// The vector of a command's totals.
const (
	cmCalls = iota
	cmSeconds
	cmFailed // with those rejected
	cmFields
)

func newNodeState(n snapshot.RedisNode, opt Options) *nodeState {
	return &nodeState{
		last:     n,
		server:   newGrowth[string](opt),
		own:      newGrowth[string](opt),
		commands: newGrowth[string](opt),
		ours:     newGrowth[string](opt),
		errors:   newGrowth[string](opt),
		ladders:  newSampledGrowth[string](opt),
		slow:     newSampledGrowth[string](opt),
		bounds:   map[string][]float64{},
	}
}

// take tells whether the node is another server than before. After a restart its
// counters count from zero; our own part of the step is not known to be in them
// and left out. When they were reset, at a time that is not known, all of the
// step is left out: the parts of others and of us have to be of the same time.
func (n *nodeState) take(r snapshot.RedisNode) (restarted bool) {
	restarted = n.last.RunID != r.RunID
	reset := !restarted && wasReset(&n.last, &r)
	n.last = r
	for _, g := range []*growth[string]{n.server, n.commands, n.errors} {
		g.begin(r.At, restarted)
		if reset {
			g.rebase()
		}
	}
	for _, g := range []*growth[string]{n.own, n.ours} {
		g.begin(r.At, false)
		if restarted || reset {
			g.rebase()
		}
	}
	n.takeTotals(&r)
	n.takeCommands(&r)
	for _, e := range r.Errors {
		n.errors.add(e.Code.Raw(), []float64{e.Count}, 1)
	}
	for _, g := range []*growth[string]{n.server, n.commands, n.errors, n.own, n.ours} {
		g.end()
	}
	n.takeSamples(&r, restarted, reset)
	return restarted
}

// wasReset tells whether CONFIG RESETSTAT ran between two readings: counters
// fell, of which at least that of commands rises with each reading.
func wasReset(before, now *snapshot.RedisNode) bool {
	fell := func(a, b Value) bool { return a.OK && b.OK && b.V < a.V }
	return fell(before.Commands, now.Commands) || fell(before.KeyspaceHits, now.KeyspaceHits) ||
		fell(before.KeyspaceMisses, now.KeyspaceMisses) || fell(before.Connections, now.Connections) ||
		fell(before.NetInBytes, now.NetInBytes) || fell(before.NetOutBytes, now.NetOutBytes) ||
		fell(before.ExpiredKeys, now.ExpiredKeys) || fell(before.EvictedKeys, now.EvictedKeys)
}

func (n *nodeState) takeTotals(r *snapshot.RedisNode) {
	n.server.put("commands", r.Commands)
	n.server.put("hits", r.KeyspaceHits)
	n.server.put("misses", r.KeyspaceMisses)
	n.server.put("evicted", r.EvictedKeys)
	n.server.put("expired", r.ExpiredKeys)
	n.server.put("errors", r.ErrorReplies)
	n.server.put("connections", r.Connections)
	n.server.put("rejected", r.RejectedConns)
	n.server.put("in", r.NetInBytes)
	n.server.put("out", r.NetOutBytes)
	n.server.put("cpu", r.CPUSeconds)
	n.own.put("hits", snapshot.Known(r.OwnHits))
	n.own.put("misses", snapshot.Known(r.OwnMisses))
	n.own.put("commands", snapshot.Known(r.OwnCommands))
}

func (n *nodeState) takeCommands(r *snapshot.RedisNode) {
	for i := range r.CommandStats {
		if c := &r.CommandStats[i]; c.Calls.OK && c.Seconds.OK {
			n.commands.add(c.Name, []float64{c.Calls.V, c.Seconds.V, c.Rejected.V + c.Failed.V}, cmFields)
		}
	}
	for name, calls := range r.OwnByName {
		n.ours.add(name, []float64{calls}, 1)
	}
}

// takeSamples takes what is not in every reading.
func (n *nodeState) takeSamples(r *snapshot.RedisNode, restarted, reset bool) {
	if r.SlowlogEntries.OK {
		n.slow.begin(r.At, restarted)
		n.slow.put("slow", r.SlowlogEntries)
		n.slow.end()
	}
	if !slices.ContainsFunc(r.CommandStats, func(c snapshot.RedisCommand) bool { return len(c.Histogram) > 0 }) {
		return
	}
	n.ladders.begin(r.At, restarted)
	if reset {
		n.ladders.rebase()
	}
	clear(n.bounds)
	for i := range r.CommandStats {
		n.takeLadder(&r.CommandStats[i])
	}
	n.ladders.end()
}

func (n *nodeState) takeLadder(c *snapshot.RedisCommand) {
	if len(c.Histogram) == 0 {
		return
	}
	bounds, counts := make([]float64, len(c.Histogram)), make([]float64, len(c.Histogram))
	for i, b := range c.Histogram {
		bounds[i], counts[i] = b.Le, b.Count
	}
	n.bounds[c.Name] = bounds
	n.ladders.add(c.Name, counts, len(counts))
}

// ops is the commands a second of others than us.
func (n *nodeState) ops() Value { return minus(n.server.rate("commands"), n.own.rate("commands")) }

// hits and misses are the lookups of others in the window: looking at a key
// counts as a hit.
func (n *nodeState) hits() Value   { return minus(n.server.one("hits"), n.own.one("hits")) }
func (n *nodeState) misses() Value { return minus(n.server.one("misses"), n.own.one("misses")) }

// ladder is how long the calls of a command took in the window, ours among them;
// empty where that is not known.
func (n *nodeState) ladder(name string) ladder {
	counts, ok := n.ladders.delta(name, nil)
	bounds := n.bounds[name]
	if !ok || len(counts) == 0 || len(bounds) != len(counts) {
		return ladder{}
	}
	all := counts[len(counts)-1]
	return ladder{bounds: bounds, cum: append(counts, all), count: all}
}
