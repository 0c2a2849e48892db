package redisconn

import (
	"context"
	"net"
	"time"
)

// changed tells whether there is a reason to ask which nodes there are.
func (c *Conn) changed() bool { return c.moved.Load() || c.lost.Load() || c.demoted.Load() }

// settle is called when it was found out which nodes there are: c is one, among
// others or alone.
func (c *Conn) settle(others bool) {
	c.moved.Store(false)
	c.demoted.Store(false)
	c.hurry.Store(others)
}

// leashTime is how long a node among others may take that did not answer the last
// time, beside six round trips to connect: TCP, TLS and the greeting.
const leashTime = 400 * time.Millisecond

// leash shortens ctx for a node that did not answer the last time while others
// wait for their turn to be shown.
func (c *Conn) leash(ctx context.Context) (context.Context, context.CancelFunc) {
	if !c.hurry.Load() || !c.lost.Load() {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, leashTime+6*time.Duration(c.dialNanos.Load()))
}

// dial is [Target.dial] with a look at the time it takes.
func (c *Conn) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	start := time.Now()
	conn, err := c.target.dial(ctx, network, addr)
	if _, failed := conn.(unreached); !failed {
		c.dialNanos.Store(int64(time.Since(start)))
	}
	return conn, err
}
