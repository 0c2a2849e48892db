// Package redisinfo reads a Redis server's own figures: one INFO a round, and
// every few seconds what INFO does not tell.
package redisinfo

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Collector reads INFO of each node. It implements collectors.Collector and
// collectors.Noter.
type Collector struct {
	server *redisconn.Server
	probes map[*redisconn.Conn]*probes
	notes  []snapshot.Note // of the last reading
}

// New makes a Collector on server, which it shares and does not close.
func New(server *redisconn.Server) *Collector { return &Collector{server: server} }

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.server.Name().Raw()), Kind: snapshot.KindRedis}
}

// answer is what a node said.
type answer struct {
	node  *snapshot.RedisNode // nil: nothing
	mode  snapshot.RedisMode
	notes []snapshot.Note
	err   error
}

// Collect implements collectors.Collector; it gives a [snapshot.Redis] of the
// nodes that answered. Nodes are asked at the same time: a slow one does not keep
// the others waiting. One that fails among others is a note and no failure, as a
// failing source is asked more seldom; the error is the first when all fail, and
// that of the question which nodes there are.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	nodes, err := c.server.Nodes(ctx)
	c.notes = c.server.Notes()
	c.follow(nodes)
	answers := make([]answer, len(nodes))
	var wg sync.WaitGroup
	for i, node := range nodes {
		p := c.probes[node]
		wg.Go(func() { answers[i] = read(ctx, node, p) })
	}
	wg.Wait()
	r := &snapshot.Redis{At: time.Now(), Mode: c.server.Mode()}
	for i, a := range answers {
		if a.err != nil && len(nodes) > 1 {
			c.note(snapshot.NodeNote(nodes[i].Name(), a.err))
		} else {
			err = cmp.Or(err, a.err)
		}
		if a.node == nil {
			continue
		}
		r.Nodes = append(r.Nodes, *a.node)
		r.Mode = cmp.Or(a.mode, r.Mode)
		c.note(a.notes...)
	}
	if len(r.Nodes) == 0 {
		return nil, cmp.Or(err, firstOf(answers))
	}
	return r, err
}

// note adds notes; what several nodes say alike is said once.
func (c *Collector) note(notes ...snapshot.Note) {
	for _, n := range notes {
		if !slices.Contains(c.notes, n) {
			c.notes = append(c.notes, n)
		}
	}
}

func firstOf(answers []answer) error {
	for _, a := range answers {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// follow keeps probes for each node that there is.
func (c *Collector) follow(nodes []*redisconn.Conn) {
	old := c.probes
	c.probes = make(map[*redisconn.Conn]*probes, len(nodes))
	for _, n := range nodes {
		if c.probes[n] = old[n]; c.probes[n] == nil {
			c.probes[n] = &probes{}
		}
	}
}

// read asks one node. What a lost connection did not give is missing beside the
// figures of INFO.
func read(ctx context.Context, node *redisconn.Conn, p *probes) answer {
	text, own, err := node.Info(ctx)
	if err != nil {
		return answer{err: err}
	}
	f := fieldsOf(text)
	n := reading(f)
	n.At, n.Node = time.Now(), node.Name()
	n.OwnHits, n.OwnMisses, n.OwnCommands = float64(own.Hits), float64(own.Misses), float64(own.Commands)
	n.OwnByName = ownCalls(own.ByName, n.CommandStats)
	a := answer{node: &n, mode: modeOf(f), notes: notes(f)}
	if a.mode != snapshot.RedisEmbedded { // which has none of it
		a.err = p.ask(ctx, node.Gate(), &n)
		a.notes = append(a.notes, missing(node.Gate())...)
	}
	return a
}

// modeOf is the mode where only the node itself knows it; else empty.
func modeOf(f fields) snapshot.RedisMode {
	if f["redis_mode"] == "embedded" || f["server_name"] == "miniredis" {
		return snapshot.RedisEmbedded
	}
	return ""
}

// missing says which of the probes' commands may not be sent.
func missing(gate *redisconn.Gate) []snapshot.Note {
	var list []snapshot.Note
	for _, r := range gate.Refusals() {
		switch r.Command {
		case "latency|histogram":
			list = append(list, r.Note("percentiles of commands are since the server's start, not of now"))
		case "slowlog|len", "slowlog|get":
			list = append(list, r.Note("how many commands are slow is unknown"))
		case "config|get":
			list = append(list, r.Note("what counts as slow is unknown, and how fast use is forgotten is taken from Redis' defaults"))
		}
	}
	return list
}

// Notes implements collectors.Noter: a server that is loading, a replica without
// its master, a node of a cluster, what the user may not do.
func (c *Collector) Notes() []snapshot.Note { return c.notes }
