// Package rediskeys finds the keys of a Redis that matter, and keeps looking at
// them: cache keys with their size, lifetime and reads, and the state of every
// rate-limit key.
//
// It is made for a production server with millions of keys: SCAN pages of 100
// with a kept cursor, pipelines of at most 100 commands, one in flight, all of
// it within a small share of the time (2 % by default), less when the server
// slows down. It keeps a bounded number of keys and never reads a value.
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
	// Duty is the share of the time, 0..1, that exploring may keep the server
	// busy, measured by our own round trips; 0 is 2 %.
	Duty float64
}

// doer sends commands in one pipeline; *[redisconn.Conn] is one.
type doer interface {
	Do(ctx context.Context, commands ...[]string) ([]any, error)
}

// Collector explores a Redis. It implements collectors.Collector.
type Collector struct {
	name     safe.Text
	conn     doer
	budget   budget
	explorer explorer
	cache    cacheKeys
	limiters limiters
	rights   rights
}

// New makes a Collector on conn, which it shares and does not close.
func New(conn *redisconn.Conn, cfg Config) *Collector {
	return newCollector(conn.Name(), conn, cfg)
}

func newCollector(name safe.Text, conn doer, cfg Config) *Collector {
	if cfg.Duty <= 0 {
		cfg.Duty = 0.02
	}
	layouts := ratelimit.Layouts()
	return &Collector{
		name:     name,
		conn:     conn,
		budget:   newBudget(cfg.Duty),
		cache:    newCacheKeys(),
		limiters: newLimiters(layouts),
	}
}

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.name.Raw() + " keys"), Kind: snapshot.KindRedis}
}

// Notes implements collectors.Noter: what the user of the connection may not do.
func (c *Collector) Notes() []snapshot.Note {
	return append(c.rights.notes(), c.limiters.notes()...)
}

// Collect implements collectors.Collector; it gives a [snapshot.Keys]. Times are
// by the server's clock.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	head, err := c.lookAround(ctx)
	if err != nil {
		return nil, err
	}
	c.cache.counted(head.reads)
	if err := c.explore(ctx, head); err != nil {
		return nil, err
	}
	if err := c.probe(ctx, head.now); err != nil {
		return nil, err
	}
	if err := c.readLimiters(ctx, head.now); err != nil {
		return nil, err
	}
	return &snapshot.Keys{
		At:       head.now,
		Cache:    c.cache.list(),
		Limiters: c.limiters.list(),
		Coverage: c.explorer.coverage(head.size),
	}, nil
}

// around is what a round begins with.
type around struct {
	now   time.Time // the server's clock
	size  float64   // keys in the database; 0 when that may not be asked
	reads []counted // the app's own counts of reads, most first
	slow  bool      // the server takes much longer than it can
}

// counted is a key and how often the app says that it was read.
type counted struct {
	key   string
	reads float64
}

// appCounts is the sorted set in which an app may count the reads of its cache
// keys: member = key, score = reads so far.
const appCounts = "access_frequency"

// topCounted is how many of them are followed.
const topCounted = 50

// lookAround asks for the clock, the size and the app's own counts.
func (c *Collector) lookAround(ctx context.Context) (around, error) {
	replies, took, err := c.ask(ctx, [][]string{
		{"TIME"},
		{"DBSIZE"},
		{"ZRANGE", appCounts, "0", strconv.Itoa(topCounted - 1), "REV", "WITHSCORES"},
	})
	if err != nil {
		return around{}, err
	}
	a := around{now: clock(c.rights.take(rightTime, replies[0])), slow: c.budget.slow(took)}
	if n, ok := c.rights.take(rightSize, replies[1]).(int64); ok {
		a.size = float64(n)
	}
	a.reads = pairs(c.rights.take(rightCounts, replies[2]))
	return a, nil
}

// ask sends one pipeline and charges its time.
func (c *Collector) ask(ctx context.Context, commands [][]string) ([]any, time.Duration, error) {
	start := time.Now()
	replies, err := c.conn.Do(ctx, commands...)
	took := time.Since(start)
	c.budget.spend(took)
	return replies, took, err
}

// clock reads the reply to TIME: seconds and microseconds. Where that is not
// permitted the local clock has to do.
func clock(reply any) time.Time {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return time.Now()
	}
	s, _ := list[0].(string)
	us, _ := list[1].(string)
	seconds, err := strconv.ParseInt(s, 10, 64)
	micros, err2 := strconv.ParseInt(us, 10, 64)
	if err != nil || err2 != nil {
		return time.Now()
	}
	return time.Unix(seconds, micros*1000)
}

// unix is t as the limiter's scores are: seconds with a fraction.
func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

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
		if ok && ok2 && err == nil {
			out = append(out, counted{key, n})
		}
	}
	return out
}
