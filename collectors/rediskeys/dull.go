package rediskeys

import (
	"hash/maphash"
	"time"
)

// dull remembers keys that were looked at and are not worth following, so that
// they need not be looked at again in every pass. It forgets all of them when it
// is full and after a while, since any may have become interesting.
type dull struct {
	keys  map[uint64]struct{} // by hash: a collision hides a key for a while
	seed  maphash.Seed
	since time.Time
	keep  time.Duration
	off   bool // it would be full and forgotten before a key is seen again
}

const (
	mostDull     = 8192
	dullCacheKey = 10 * time.Second // one may become hot any moment
	otherKey     = 10 * time.Minute // what a key is called does not change, and its type seldom
	dullLimiter  = 15 * time.Second // one may reach its limit any moment
)

func newDull(keep time.Duration) dull {
	return dull{keys: map[uint64]struct{}{}, seed: maphash.MakeSeed(), keep: keep}
}

func (d *dull) has(key string) bool {
	if d.off || len(d.keys) == 0 {
		return false
	}
	_, ok := d.keys[maphash.String(d.seed, key)]
	return ok
}

func (d *dull) add(key string) {
	if d.off {
		return
	}
	if len(d.keys) >= mostDull {
		clear(d.keys)
	}
	d.keys[maphash.String(d.seed, key)] = struct{}{}
}

// age forgets everything when it is time.
func (d *dull) age(now time.Time) {
	if now.Sub(d.since) >= d.keep {
		clear(d.keys)
		d.since = now
	}
}
