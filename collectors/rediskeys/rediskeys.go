// Package rediskeys finds the keys of a Redis that matter, and keeps looking at
// them: cache keys with their size, lifetime and reads, and the state of every
// rate-limit key.
//
// It is made for a production server with millions of keys: SCAN pages of 100
// with a kept cursor, pipelines of at most 100 commands, one in flight, all of
// it within a small share of the time (2 % by default), less when the server
// slows down. It keeps a bounded number of keys and never reads a cached value.
package rediskeys

import (
	"context"
	"strconv"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Config sets up a Collector; the zero value is ready to use.
type Config struct {
	// Duty is the share of the time, 0..1, that our requests may take, measured
	// by their round trips and averaged over ten seconds; 0 is 2 %.
	Duty float64
}

// Collector explores a Redis. It implements collectors.Collector and
// collectors.Noter.
type Collector struct {
	name     safe.Text
	gate     gate
	explorer explorer
	cache    cacheKeys
	limiters limiters
	head     head      // of this round
	lost     time.Time // when the server last failed: what was seen before is not shown
}

// New makes a Collector on conn, which it shares and does not close.
func New(conn *redisconn.Conn, cfg Config) *Collector {
	return newCollector(conn.Name(), conn, cfg)
}

func newCollector(name safe.Text, conn doer, cfg Config) *Collector {
	if cfg.Duty <= 0 {
		cfg.Duty = 0.02
	}
	return &Collector{
		name:     name,
		gate:     newGate(conn, min(cfg.Duty, 1)),
		cache:    newCacheKeys(),
		limiters: newLimiters(ratelimit.Layouts()),
	}
}

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.name.Raw() + " keys"), Kind: snapshot.KindRedis}
}

// Notes implements collectors.Noter: what the connection's user may not do, and
// what there is too much of.
func (c *Collector) Notes() []snapshot.Note {
	return append(append(c.gate.notes(), c.limiters.notes()...), c.explorer.notes()...)
}

// Collect implements collectors.Collector; it gives a [snapshot.Keys]. What is
// known comes first, the search for more with what is left of the budget. When
// something fails underway, what was read before is given with the error.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	now := time.Now()
	c.gate.budget.refill(now)
	c.cache.dull.age(now)
	c.limiters.dull.age(now)
	if err := c.lookAround(ctx); err != nil {
		c.fail()
		return nil, err
	}
	err := c.readKnown(ctx)
	if err == nil {
		err = c.explore(ctx)
	}
	r := &snapshot.Keys{
		At:       c.head.at,
		Cache:    c.cache.list(c.lost),
		Limiters: c.limiters.list(c.lost),
		Coverage: c.explorer.coverage(c.head.size),
	}
	if err != nil {
		c.fail()
	}
	return r, err
}

// readKnown looks again at the keys that are followed.
func (c *Collector) readKnown(ctx context.Context) error {
	if _, err := c.readLimiters(ctx, c.limiters.due(c.head.at, c.lost)); err != nil {
		return err
	}
	return c.probe(ctx, c.cache.due(c.head.at, c.lost))
}

// fail prepares for a server that may be another one when it answers again.
func (c *Collector) fail() {
	c.lost = time.Now()
	c.explorer.restart()
	clear(c.cache.dull.keys)
	clear(c.limiters.dull.keys)
	c.gate.forget()
}

// head is what a round begins with.
type head struct {
	at     time.Time // when it was read, by our clock
	server float64   // the server's clock then, in unix seconds
	size   float64   // keys in the database; 0 when that may not be asked
}

// now is the server's clock now, in unix seconds.
func (h head) now() float64 { return h.server + time.Since(h.at).Seconds() }

// appCounts is the sorted set in which an app may count the reads of its cache
// keys: member = key, score = reads so far.
const appCounts = "access_frequency"

const (
	topCounted = 50                     // of its members are followed
	whenNone   = 5 * time.Second        // how often it is looked for where there is none
	mostRound  = 250 * time.Millisecond // of round trips that need not be, in one round
)

// lookAround asks for the clock, the size and the app's own counts.
func (c *Collector) lookAround(ctx context.Context) error {
	asks := [][]string{{"time"}, {"dbsize"}}
	counts := c.cache.askCounts(time.Now())
	if counts {
		// From the end and not REV, which servers before 6.2 do not know.
		asks = append(asks, []string{"zrange", appCounts, strconv.Itoa(-topCounted), "-1", "withscores"})
	}
	start := time.Now()
	replies, err := c.gate.do(ctx, asks)
	if err != nil {
		return err
	}
	c.head = head{at: time.Now()}
	c.gate.budget.look(c.head.at.Sub(start))
	c.head.server = clock(replies[0], c.head.at)
	if n, ok := replies[1].(int64); ok {
		c.head.size = float64(n)
	}
	if counts {
		c.cache.counts(pairs(replies[2]), c.head.at)
	}
	return nil
}

// hasTime tells whether a round may still do what need not be done in it.
func (c *Collector) hasTime(ctx context.Context) bool {
	if ctx.Err() != nil || time.Since(c.head.at) > mostRound || !c.gate.budget.enough() {
		return false
	}
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) > 2*c.gate.budget.baseline+noise
}

// clock reads the reply to TIME, seconds and microseconds, as unix seconds.
// Where that is not permitted our own clock has to do.
func clock(reply any, at time.Time) float64 {
	own := float64(at.UnixMicro()) / 1e6
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return own
	}
	s, _ := list[0].(string)
	us, _ := list[1].(string)
	seconds, err := strconv.ParseInt(s, 10, 64)
	micros, err2 := strconv.ParseInt(us, 10, 64)
	if err != nil || err2 != nil {
		return own
	}
	return float64(seconds) + float64(micros)/1e6
}

// counted is a key and how often the app says that it was read.
type counted struct {
	key   string
	reads float64
}

// pairs reads a reply of members with scores.
func pairs(reply any) []counted {
	list, ok := reply.([]any)
	if !ok {
		return nil
	}
	var out []counted
	for i := 0; i+1 < len(list); i += 2 {
		key, ok := list[i].(string)
		score, ok2 := list[i+1].(string)
		n, err := strconv.ParseFloat(score, 64)
		if ok && ok2 && err == nil && len(key) <= mostName {
			out = append(out, counted{key, n})
		}
	}
	return out
}
