package rediskeys

import (
	"context"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// explorer walks over the keyspace, pass after pass.
type explorer struct {
	cursor string    // of SCAN; empty between two passes
	begun  time.Time // of the pass
	seen   float64   // keys in this pass so far
	whole  bool      // a pass was finished
}

const (
	pageKeys   = 100             // keys a page: a larger one stalls the server
	mostPages  = 20              // a round
	betweenRun = 5 * time.Second // a pass starts no sooner after the last one began
	mostName   = 1024            // bytes: longer key names are not kept
)

// explore reads pages of the keyspace while the budget lasts.
func (c *Collector) explore(ctx context.Context, head around) error {
	c.budget.refill(time.Now())
	if head.slow || c.rights.lacks(rightScan) {
		return nil
	}
	for range mostPages {
		if !c.budget.enough() || !c.explorer.begin(head.now) {
			return nil
		}
		replies, _, err := c.ask(ctx, [][]string{{"SCAN", c.explorer.cursor, "COUNT", strconv.Itoa(pageKeys)}})
		if err != nil {
			return err
		}
		reply := c.rights.take(rightScan, replies[0])
		cursor, keys, ok := page(reply)
		if !ok {
			c.explorer.cursor = ""
			return nil
		}
		for _, key := range keys {
			c.sort(key)
		}
		if c.explorer.turn(cursor, len(keys)) {
			return nil // one pass a round is enough
		}
	}
	return nil
}

// begin starts a pass when it is time; false when there is nothing to do.
func (e *explorer) begin(now time.Time) bool {
	if e.cursor != "" {
		return true
	}
	if !e.begun.IsZero() && now.Sub(e.begun).Abs() < betweenRun {
		return false
	}
	e.cursor, e.begun, e.seen = "0", now, 0
	return true
}

// turn goes to the next page and tells whether the pass is over.
func (e *explorer) turn(cursor string, keys int) bool {
	e.seen += float64(keys)
	e.cursor = cursor
	if cursor == "0" {
		e.cursor, e.whole = "", true
	}
	return e.cursor == ""
}

// coverage is the share of the keyspace that was seen, 0..1.
func (e *explorer) coverage(size float64) snapshot.Value {
	switch {
	case e.whole:
		return snapshot.Known(1)
	case size <= 0:
		return snapshot.Value{}
	default:
		return snapshot.Known(min(e.seen/size, 1))
	}
}

// sort gives a key to whom it concerns.
func (c *Collector) sort(key string) {
	if len(key) > mostName || key == appCounts {
		return
	}
	if !c.limiters.found(key) {
		c.cache.found(key)
	}
}

// page reads the reply to SCAN.
func page(reply any) (cursor string, keys []string, ok bool) {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return "", nil, false
	}
	cursor, ok = list[0].(string)
	names, ok2 := list[1].([]any)
	for _, n := range names {
		if s, ok := n.(string); ok {
			keys = append(keys, s)
		}
	}
	return cursor, keys, ok && ok2
}
