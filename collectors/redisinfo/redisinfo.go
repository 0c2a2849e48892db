// Package redisinfo reads a Redis server's own figures: one INFO a round.
package redisinfo

import (
	"context"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Collector reads INFO. It implements collectors.Collector and
// collectors.Noter.
type Collector struct {
	conn  *redisconn.Conn
	notes []snapshot.Note // of the last reading
}

// New makes a Collector on conn, which it shares and does not close.
func New(conn *redisconn.Conn) *Collector { return &Collector{conn: conn} }

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.conn.Name().Raw()), Kind: snapshot.KindRedis}
}

// Collect implements collectors.Collector; it gives a [snapshot.Redis].
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	text, own, err := c.conn.Info(ctx)
	at := time.Now()
	if err != nil {
		c.notes = nil
		return nil, err
	}
	f := fieldsOf(text)
	r := reading(f)
	c.notes = notes(f)
	r.At = at
	r.OwnHits, r.OwnMisses, r.OwnCommands = float64(own.Hits), float64(own.Misses), float64(own.Commands)
	return r, nil
}

// Notes implements collectors.Noter: a server that is loading, a replica without
// its master, a node of a cluster.
func (c *Collector) Notes() []snapshot.Note { return c.notes }
