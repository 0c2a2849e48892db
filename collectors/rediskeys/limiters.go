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

// limiters are the limiter keys that are followed: those nearest to their limit
// when there are more than find room.
type limiters struct {
	layouts []ratelimit.Layout
	limits  Limits
	keys    map[string]*limiter
	dull    dull
	highest map[kind]*highest
	over    time.Time // when one last found no room

	scripted scripted // what bursts heard of their limits
}

// limiter is one key that is, or may be, a limiter's.
type limiter struct {
	ref    ratelimit.Ref
	known  ratelimit.Known
	last   snapshot.Limiter // At is zero until it is known to be a limiter's
	tier   tier
	active time.Time // when what was used or denied last grew
}

// named tells whether the layout is known, so that the names in last are right.
func (k *limiter) named() bool { return k.last.Layout != "" }

const (
	mostLimiters = 512
	mostReads    = 64               // a round, of the keys that are followed
	freshReads   = 32               // a round, with the keys that need not be read yet: few keys are read each round
	batchReads   = 25               // in one pipeline, three or four commands each
	hotShare     = 0.5              // of the limit, from which a key is read each round
	hotFor       = 10 * time.Second // the same after it was used or rejected
	idleEvery    = 5 * time.Second  // how often the others are read
	overFor      = time.Minute      // how long to say that there was no room
	mostAsks     = 8                // of one key in a row, as each may teach to ask for more
)

func newLimiters(layouts []ratelimit.Layout, limits Limits) limiters {
	return limiters{
		layouts: layouts, limits: limits,
		keys: map[string]*limiter{}, dull: newDull(dullLimiter), highest: map[kind]*highest{}, scripted: newScripted(),
	}
}

func (l *limiters) knows(key string) bool { return l.keys[key] != nil || l.dull.has(key) }

func (l *limiters) notes() []snapshot.Note {
	if time.Since(l.over) > overFor {
		return nil
	}
	return []snapshot.Note{{What: safe.New(fmt.Sprintf("more than %d limiter keys: those nearest to their limit are followed", mostLimiters))}}
}

// due are the keys to read now: those near their limit or just rejected each
// round, the others now and then. The first may take half of a round's reads
// when all do not fit, longest unread first; where there are few, all are read
// each round. On top of that come those that are not shown because the server
// was lost.
func (l *limiters) due(now, lost time.Time) []*limiter {
	var unseen, hot, idle, fresh []*limiter
	for _, k := range l.keys {
		switch {
		case k.last.At.Before(lost):
			unseen = append(unseen, k)
		case k.hot(now):
			hot = append(hot, k)
		case now.Sub(k.last.At) >= idleEvery:
			idle = append(idle, k)
		default:
			fresh = append(fresh, k)
		}
	}
	slices.SortFunc(hot, longestUnread)
	slices.SortFunc(idle, longestUnread)
	slices.SortFunc(fresh, longestUnread)
	n := min(len(hot), max(mostReads/2, mostReads-len(idle)))
	list := slices.Concat(unseen, hot[:n], idle[:min(len(idle), mostReads-n)])
	return append(list, fresh[:min(len(fresh), max(freshReads-len(list), 0))]...)
}

func longestUnread(a, b *limiter) int {
	return cmp.Or(a.last.At.Compare(b.last.At), cmp.Compare(a.ref.Key, b.ref.Key))
}

func (k *limiter) hot(now time.Time) bool {
	return k.pressure() >= hotShare || now.Sub(k.active) < hotFor
}

// pressure is used / limit. Without a limit it is a little for each use, so
// that such keys come behind those of which more is known.
func (k *limiter) pressure() float64 {
	switch used, limit := k.last.Used.V, k.last.Limit; {
	case k.last.Blocked:
		return max(1, used/max(limit.V, 1))
	case !limit.OK:
		return used / (used + 1e6)
	case limit.V <= 0:
		return 1
	default:
		return used / limit.V
	}
}

// readLimiters reads limiter keys, known or just found. It tells whether the
// round had time for all.
func (w *walker) readLimiters(ctx context.Context, list []*limiter) (all bool, err error) {
	for batch := range slices.Chunk(list, batchReads) {
		for range mostAsks {
			if !w.hasTime(ctx) {
				return false, nil
			}
			more, err := w.readBatch(ctx, batch)
			if err != nil {
				return false, err
			}
			if batch = more; len(batch) == 0 {
				break
			}
		}
	}
	return true, nil
}

// readBatch reads keys and gives those of which another question brings more.
func (w *walker) readBatch(ctx context.Context, batch []*limiter) ([]*limiter, error) {
	var asks [][]string
	now := w.head.now()
	ends := make([]int, len(batch))
	for i, k := range batch {
		if ask := w.limiters.limits.askTier(k, w.head.at); ask != nil {
			asks = append(asks, ask)
		}
		asks = append(asks, k.ref.Ask(k.known, now)...)
		ends[i] = len(asks)
	}
	replies, err := w.gate.do(ctx, asks)
	if err != nil {
		return nil, err
	}
	var more []*limiter
	from := 0
	for i, k := range batch {
		own := replies[from:ends[i]]
		from = ends[i]
		if k.tier.rule != nil {
			k.tier.took(own[0])
			own = own[1:]
		}
		if w.limiters.take(k, k.ref.Read(k.known, own, now)) {
			more = append(more, k)
		}
	}
	return more, nil
}

// take takes what was read of a key and tells whether to ask again at once. One
// that is gone is dropped, a new one finds room or not.
func (l *limiters) take(k *limiter, r ratelimit.Reading) (more bool) {
	if !r.Found {
		k.last = snapshot.Limiter{}
		delete(l.keys, k.ref.Key)
		return false
	}
	before := k.last
	k.known, k.last = r.Known, r.Limiter
	k.last.At = before.At
	if k.last.Tier.IsZero() {
		k.last.Tier = k.tier.name
	}
	if r.More && k.last.Algorithm == "" { // not decided yet what it is
		return true
	}
	l.note(k, &r)
	if q := l.quota(&k.last); q != k.known.Told {
		k.known.Told, r.More = q, true
	}
	k.last.At = time.Now()
	if !before.At.IsZero() && grew(&before, &k.last) {
		k.active = k.last.At
	}
	if !r.More && l.keys[k.ref.Key] == nil {
		l.admit(k)
	}
	return r.More
}

// grew tells whether a subject was denied since, or let through.
func grew(before, now *snapshot.Limiter) bool {
	if before.DeniedTotal.OK && now.DeniedTotal.V > before.DeniedTotal.V {
		return true
	}
	return before.Used.OK && now.Used.V > before.Used.V
}

// admit follows a key from now on, in place of the one farthest from its limit
// if need be.
func (l *limiters) admit(k *limiter) {
	if len(l.keys) >= mostLimiters {
		l.over = time.Now()
		var least *limiter
		for _, other := range l.keys {
			if least == nil || other.pressure() < least.pressure() {
				least = other
			}
		}
		if least.pressure() >= k.pressure() {
			l.dull.add(k.ref.Key)
			return
		}
		delete(l.keys, least.ref.Key)
		l.dull.add(least.ref.Key)
	}
	l.keys[k.ref.Key] = k
}

// list is the state of the keys that were read since lost, those nearest to
// their limit first.
func (l *limiters) list(lost time.Time) []snapshot.Limiter {
	read := make([]*limiter, 0, len(l.keys))
	for _, k := range l.keys {
		if k.last.At.After(lost) {
			read = append(read, k)
		}
	}
	slices.SortFunc(read, func(a, b *limiter) int {
		return cmp.Or(cmp.Compare(b.pressure(), a.pressure()), cmp.Compare(a.ref.Key, b.ref.Key))
	})
	list := make([]snapshot.Limiter, len(read))
	for i, k := range read {
		list[i] = k.last
	}
	return list
}
