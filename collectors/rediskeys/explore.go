package rediskeys

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// explorer walks over the keyspace, pass after pass.
type explorer struct {
	cursor string    // of SCAN; empty between two passes
	begun  time.Time // of the pass
	seen   float64   // keys in this pass so far
	whole  bool      // a pass was finished
	long   int       // keys with names too long to keep, in the last whole pass
	longer int       // the same in this pass so far
}

const (
	pageKeys    = 100 // keys a page: a larger one stalls the server
	mostPages   = 20  // a round
	slowPage    = 10 * time.Millisecond
	betweenRuns = 2 * time.Second // a pass starts no sooner after the last one began
	mostName    = 1024            // bytes: longer key names are not kept
)

// restart begins the keyspace anew.
func (e *explorer) restart() {
	e.cursor, e.begun, e.seen, e.whole = "", time.Time{}, 0, false
}

// explore reads pages of the keyspace while the budget and the round last.
func (c *walker) explore(ctx context.Context) error {
	for range mostPages {
		if !c.gate.budget.mayExplore() || !c.hasTime(ctx) || !c.explorer.begin(time.Now()) {
			return nil
		}
		start := time.Now()
		replies, err := c.gate.do(ctx, [][]string{{"scan", c.explorer.cursor, "count", strconv.Itoa(pageKeys)}})
		if err != nil {
			return err
		}
		cursor, keys, ok := page(replies[0])
		if !ok {
			c.explorer.restart() // not permitted, or no answer to SCAN
			c.explorer.begun = time.Now()
			return nil
		}
		slow := time.Since(start) > slowPage
		all, err := c.visit(ctx, keys)
		if err != nil || !all {
			return err // the same page again, next round
		}
		if c.explorer.turn(cursor, keys) || slow {
			return nil
		}
	}
	return nil
}

// begin starts a pass when it is time; false when there is nothing to do.
func (e *explorer) begin(now time.Time) bool {
	if e.cursor != "" {
		return true
	}
	if !e.begun.IsZero() && now.Sub(e.begun) < betweenRuns {
		return false
	}
	e.cursor, e.begun, e.seen, e.longer = "0", now, 0, 0
	return true
}

// turn goes to the next page and tells whether the pass is over.
func (e *explorer) turn(cursor string, keys []string) bool {
	e.seen += float64(len(keys))
	for _, key := range keys {
		if len(key) > mostName {
			e.longer++
		}
	}
	e.cursor = cursor
	if cursor == "0" {
		e.cursor, e.whole, e.long = "", true, e.longer
	}
	return e.cursor == ""
}

// coverage is the share of the keyspace that was seen, 0..1: 1 once a pass was
// finished, unknown where the size is.
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

func (e *explorer) notes() []snapshot.Note {
	n := max(e.long, e.longer)
	if n == 0 {
		return nil
	}
	return []snapshot.Note{{What: safe.New(fmt.Sprintf("keys with names of more than %d bytes are not followed: %d seen", mostName, n))}}
}

// visit looks at the keys of a page that are new, and keeps those that are
// worth it. It tells whether the round had time for all.
func (c *walker) visit(ctx context.Context, keys []string) (all bool, err error) {
	var found []*limiter
	var candidates []string
	for _, key := range keys {
		switch {
		case len(key) > mostName || c.bookkeeping(key) || c.cache.knows(key) || c.limiters.knows(key):
		default:
			if ref, ok := ratelimit.Match(c.limiters.layouts, key); ok {
				if !c.limiters.knows(ref.Key) { // not always the key that was matched
					found = append(found, &limiter{ref: ref})
				}
			} else {
				candidates = append(candidates, key)
			}
		}
	}
	if all, err := c.readLimiters(ctx, found); err != nil || !all {
		return false, err
	}
	return c.consider(ctx, candidates)
}

// bookkeeping tells keys in which an app or a limiter keeps its records; they
// are neither cached answers nor limits.
func (c *walker) bookkeeping(key string) bool {
	return key == appCounts || key == "last_access" || ratelimit.IsNeighbour(c.limiters.layouts, key)
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
