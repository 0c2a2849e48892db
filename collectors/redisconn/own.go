package redisconn

import (
	"maps"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Own is our part in the server's counters so far.
type Own struct {
	Hits, Misses uint64            // of keyspace_hits and keyspace_misses
	Commands     uint64            // of total_commands_processed
	ByName       map[string]uint64 // of the calls of each command, by its name in lower case: "get", "memory|usage"
}

// withoutLastInfo takes the INFO off that was answered last: the server counts
// it when it is done, after it wrote its figures.
func (o *Own) withoutLastInfo() {
	o.Commands--
	o.ByName["info"]--
}

// Own is what we caused so far.
func (c *Conn) Own() Own {
	g := c.guard
	return Own{Hits: g.hits.Load(), Misses: g.misses.Load(), Commands: g.commands.Load(), ByName: g.names.all()}
}

// namedCounts counts commands by their names. Names are those of the guard's
// list: there are few.
type namedCounts struct {
	mu sync.Mutex // of n
	n  map[string]uint64
}

func (c *namedCounts) add(name string, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]uint64{}
	}
	c.n[name] += n
}

// all is a copy of the counts.
func (c *namedCounts) all() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		return map[string]uint64{}
	}
	return maps.Clone(c.n)
}

// ran adds an answered command to our share of the server's commands.
func (g *guard) ran(cmd redis.Cmder) {
	if executed(cmd.Err()) {
		g.sent(nameOf(cmd))
	}
}

// sent adds one command by name.
func (g *guard) sent(name string) { g.sentMany(name, 1) }

// sentMany adds n commands of one name.
func (g *guard) sentMany(name string, n int) {
	if n > 0 {
		g.commands.Add(uint64(n))
		g.names.add(name, uint64(n))
	}
}

// executed tells whether the server ran the command, be it to an error. It does
// not count what it refuses before: without permission, unknown, or in a state in
// which it takes no commands.
func executed(err error) bool {
	if err == nil {
		return true
	}
	if !serverSaid(err) {
		return false // the answer was lost
	}
	return ranTo(newReplyError(err.Error()))
}

// ranTo tells whether the server ran the command that it sent the error for.
func ranTo(e *ReplyError) bool {
	switch e.Code {
	case "NOPERM", "NOAUTH", "LOADING", "MASTERDOWN", "DENIED", "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN", "BUSY":
		return false
	default:
		return !e.Unknown()
	}
}
