// Package redisinfo reads a Redis server's own figures: one INFO a round.
package redisinfo

import (
	"context"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Collector reads INFO of each node. It implements collectors.Collector and
// collectors.Noter.
type Collector struct {
	server *redisconn.Server
	notes  []snapshot.Note // of the last reading
}

// New makes a Collector on server, which it shares and does not close.
func New(server *redisconn.Server) *Collector { return &Collector{server: server} }

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.server.Name().Raw()), Kind: snapshot.KindRedis}
}

// Collect implements collectors.Collector; it gives a [snapshot.Redis] of the
// nodes that answered, and the first error where one did not.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	c.notes = nil
	nodes, err := c.server.Nodes(ctx)
	r := &snapshot.Redis{At: time.Now(), Mode: snapshot.RedisSingle}
	for _, node := range nodes {
		if failed := c.read(ctx, node, r); failed != nil && err == nil {
			err = failed
		}
	}
	if len(r.Nodes) == 0 {
		return nil, err
	}
	return r, err
}

// read adds what a node says to r.
func (c *Collector) read(ctx context.Context, node *redisconn.Conn, r *snapshot.Redis) error {
	text, own, err := node.Info(ctx)
	if err != nil {
		return err
	}
	f := fieldsOf(text)
	n := reading(f)
	n.At, n.Node = time.Now(), node.Name()
	n.OwnHits, n.OwnMisses, n.OwnCommands = float64(own.Hits), float64(own.Misses), float64(own.Commands)
	if f["redis_mode"] == "embedded" || f["server_name"] == "miniredis" {
		r.Mode = snapshot.RedisEmbedded
	}
	r.Nodes = append(r.Nodes, n)
	c.notes = append(c.notes, notes(f)...)
	return nil
}

// Notes implements collectors.Noter: a server that is loading, a replica without
// its master, a node of a cluster.
func (c *Collector) Notes() []snapshot.Note { return c.notes }
