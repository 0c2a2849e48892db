package rediskeys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// limiters are the limiter keys that are followed.
type limiters struct {
	layouts []ratelimit.Layout
	keys    map[string]*limiter
	dropped bool // there were more than find room
}

// limiter is one limiter key.
type limiter struct {
	ref  ratelimit.Ref
	last snapshot.Limiter // At is zero until it was read
}

const (
	mostLimiters     = 4096
	limitersAPipe    = 25 // four commands each
	pipesARound      = 4
	mostReported     = 200
	interestingShare = 0.8 // of the limit, from which a key is read each round
)

func newLimiters(layouts []ratelimit.Layout) limiters {
	return limiters{layouts: layouts, keys: map[string]*limiter{}}
}

// found takes a key if it is a limiter's, and tells whether it belongs to one.
func (l *limiters) found(key string) bool {
	if ratelimit.IsNeighbour(l.layouts, key) {
		return true
	}
	if l.keys[key] != nil {
		return true
	}
	ref, ok := ratelimit.Match(l.layouts, key)
	if !ok {
		return false
	}
	if len(l.keys) >= mostLimiters {
		l.dropped = true
		return true
	}
	l.keys[key] = &limiter{ref: ref}
	return true
}

func (l *limiters) notes() []snapshot.Note {
	if !l.dropped {
		return nil
	}
	return []snapshot.Note{{What: safe.New(fmt.Sprintf("more than %d limiter keys: the others are not followed", mostLimiters))}}
}

// due are the keys to read now: half of a round for the urgent ones, so that
// they do not starve the others, which take turns.
func (l *limiters) due() []*limiter {
	const most = limitersAPipe * pipesARound
	var urgent, others []*limiter
	for _, k := range l.keys {
		if k.urgent() {
			urgent = append(urgent, k)
		} else {
			others = append(others, k)
		}
	}
	slices.SortFunc(urgent, longestUnread)
	slices.SortFunc(others, longestUnread)
	n := min(len(urgent), max(most/2, most-len(others)))
	return append(urgent[:n], others[:min(len(others), most-n)]...)
}

func longestUnread(a, b *limiter) int {
	return cmp.Or(a.last.At.Compare(b.last.At), cmp.Compare(a.ref.Key, b.ref.Key))
}

// urgent tells a key that was never read, or is at or near its limit.
func (k *limiter) urgent() bool { return k.last.At.IsZero() || k.pressure() >= interestingShare }

// pressure is used / limit; 0 when the limit is unknown.
func (k *limiter) pressure() float64 {
	if !k.last.Limit.OK || k.last.Limit.V <= 0 {
		return 0
	}
	return k.last.Used.V / k.last.Limit.V
}

// window is the length of the key's window as far as it is known, in seconds.
func (k *limiter) window() float64 {
	if k.last.WindowSeconds.OK {
		return k.last.WindowSeconds.V
	}
	return ratelimit.DefaultWindow.Seconds()
}

// readLimiters reads the limiter keys whose turn it is.
func (c *Collector) readLimiters(ctx context.Context, now time.Time) error {
	for batch := range slices.Chunk(c.limiters.due(), limitersAPipe) {
		if err := c.readBatch(ctx, batch, now); err != nil {
			return err
		}
		if !c.budget.enough() {
			return nil // the rest comes next round
		}
	}
	return nil
}

func (c *Collector) readBatch(ctx context.Context, batch []*limiter, now time.Time) error {
	var asks [][]string
	ends := make([]int, len(batch))
	for i, k := range batch {
		asks = append(asks, k.ref.Ask(unix(now), k.window())...)
		ends[i] = len(asks)
	}
	replies, _, err := c.ask(ctx, asks)
	if err != nil {
		return err
	}
	from := 0
	for i, k := range batch {
		mine := replies[from:ends[i]]
		from = ends[i]
		for j := range mine {
			mine[j] = c.rights.take(rightLimits, mine[j])
		}
		c.limiters.read(k, mine, now)
	}
	return nil
}

// read takes the answers about a key; one that is gone is dropped.
func (l *limiters) read(k *limiter, replies []any, now time.Time) {
	state, ok := k.ref.Read(replies, unix(now))
	if !ok {
		delete(l.keys, k.ref.Key)
		return
	}
	state.At = now
	k.last = state
}

// list is the state of the keys that were read, those nearest to their limit
// first, and no more than anybody looks at.
func (l *limiters) list() []snapshot.Limiter {
	read := make([]*limiter, 0, len(l.keys))
	for _, k := range l.keys {
		if !k.last.At.IsZero() {
			read = append(read, k)
		}
	}
	slices.SortFunc(read, func(a, b *limiter) int {
		return cmp.Or(cmp.Compare(b.pressure(), a.pressure()), cmp.Compare(a.ref.Key, b.ref.Key))
	})
	list := make([]snapshot.Limiter, 0, min(len(read), mostReported))
	for _, k := range read[:min(len(read), mostReported)] {
		list = append(list, k.last)
	}
	return list
}
