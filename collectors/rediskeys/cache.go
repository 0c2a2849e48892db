package rediskeys

import (
	"cmp"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// cacheKeys are the keys that are followed, other than limiters: those whose
// reads the app counts, the biggest, and the most used ones.
type cacheKeys struct {
	keys map[string]*cacheKey
	dull dull
	how  gauge // how use is told; set in each round

	ledger ledger // what bursts heard of all keys

	counting bool      // the app counts reads
	asked    time.Time // when that was last seen

	least  floor // what a new key must beat; recomputed when stale
	stale  bool
	unseen int // keys that were taken on and not looked at
}

// cacheKey is what is known of one.
type cacheKey struct {
	snapshot.CacheKey           // At is zero until it was looked at; its TTL was right then
	counted           bool      // among the keys that the app counts reads of
	gone              bool      // not there when last looked at, but counted
	meter             meter     // of its use
	heard             heard     // in the newest burst that had it
	ranked            time.Time // when a HOTKEYS ranking named it
	typed, sized      time.Time // when its type and its size were asked for
}

const (
	mostCacheKeys = 256
	mostBig       = 64 // of them are kept for their size
	probeEvery    = 5 * time.Second
	secondLook    = time.Second
	fewReadings   = 3
	missingEvery  = time.Second // a counted key that is gone comes back with its next read
	typeEvery     = time.Minute
	sizeEvery     = 15 * time.Second
	fullFor       = 10 * time.Second // of each minute: a full counter is looked at in each round
	shownCells    = 120
)

func newCacheKeys() cacheKeys {
	return cacheKeys{keys: map[string]*cacheKey{}, dull: newDull(dullCacheKey), ledger: newLedger(), stale: true}
}

// knows tells keys that need not be looked at.
func (c *cacheKeys) knows(key string) bool { return c.keys[key] != nil || c.dull.has(key) }

// askCounts tells whether to ask for the app's counts now. Where there are none
// each question is a miss in the server's figures.
func (c *cacheKeys) askCounts(now time.Time) bool {
	return c.counting || now.Sub(c.asked) >= whenNone
}

// counts takes the app's own counts of reads. Such keys always find room.
func (c *cacheKeys) counts(list []counted, at time.Time) {
	c.counting, c.asked, c.stale = len(list) > 0, at, true
	for _, k := range c.keys {
		k.counted, k.Reads = false, snapshot.Value{}
	}
	for _, n := range list {
		k := c.keys[n.key]
		if k == nil {
			k = c.add(n.key)
		}
		k.counted, k.Reads = true, snapshot.Known(n.reads)
	}
	for key, k := range c.keys {
		if k.gone && !k.counted {
			delete(c.keys, key)
		}
	}
	for len(c.keys) > mostCacheKeys && c.giveUp() {
	}
}

// add follows a key from now on.
func (c *cacheKeys) add(key string) *cacheKey {
	k := &cacheKey{CacheKey: snapshot.CacheKey{Key: safe.Short(key, shownCells), Prefix: safe.Short(prefixOf(key), shownCells)}}
	c.keys[key], c.stale = k, true
	c.unseen++
	return k
}

// floor is what a new key must beat when there is no room.
type floor struct {
	use    float64 // of the key that would be given up
	bytes  float64 // of the smallest of the big ones
	victim string  // empty: none
}

// use is how much a key is used, in uses per second, as far as is known.
func (c *cacheKeys) use(k *cacheKey, now time.Time) float64 {
	if r := c.rateOf(k, now); r.Rate.OK {
		return r.Rate.V
	}
	if k.meter.readings == 0 {
		return 0
	}
	return c.limited(k, c.how.atBest(k.meter.count), now)
}

// limited is an estimate, or what the bursts say that the key is used at most.
func (c *cacheKeys) limited(k *cacheKey, rate float64, now time.Time) float64 {
	if most := c.ledger.most(k.Key.Raw(), now); most.OK {
		return min(rate, most.V)
	}
	return rate
}

// rateOf is the rate of a key by the best method that there is, with only what
// belongs to the rate set: what others found, unless that rests on a few uses and
// the key's counter tells it too.
func (c *cacheKeys) rateOf(k *cacheKey, now time.Time) (r snapshot.CacheKey) {
	rate, atLeast := c.how.rate(&k.meter)
	switch fresh := now.Sub(k.heard.at) < heardFor; {
	case fresh && (k.heard.sure || !rate.OK || c.how.method != snapshot.MethodFreq):
		r.Rate, r.Method, r.RateAt = snapshot.Known(k.heard.rate), snapshot.MethodMonitor, k.heard.at
	case rate.OK:
		r.Rate, r.Method, r.RateAt = snapshot.Known(c.limited(k, rate.V, now)), c.how.method, k.At
		r.AtLeast = atLeast && r.Rate == rate
	}
	return r
}

// bounds is what a new key must beat.
func (c *cacheKeys) bounds(now time.Time) floor {
	if !c.stale {
		return c.least
	}
	c.stale = false
	if len(c.keys) < mostCacheKeys {
		c.least = floor{use: -1, bytes: -1}
		return c.least
	}
	names := make([]string, 0, len(c.keys))
	for name, k := range c.keys {
		if !k.counted {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.keys[b].Bytes.V, c.keys[a].Bytes.V), cmp.Compare(a, b))
	})
	c.least = floor{}
	big := min(mostBig, len(names))
	if big > 0 {
		c.least.bytes = c.keys[names[big-1]].Bytes.V
	}
	for _, name := range names[big:] {
		if u := c.use(c.keys[name], now); c.least.victim == "" || u < c.least.use {
			c.least.use, c.least.victim = u, name
		}
	}
	return c.least
}

// giveUp makes room for one key; false when all have to stay.
func (c *cacheKeys) giveUp() bool {
	c.stale = true
	least := c.bounds(time.Now())
	if least.victim == "" {
		return false
	}
	delete(c.keys, least.victim)
	c.stale = true
	return true
}

// candidate is a key that the explorer found, with what it was asked for: an
// int64 each, nil when the key is gone, or an error when it was not told.
type candidate struct {
	key        string
	use, bytes any
}

// consider follows a key if it beats one that is followed, or if there is room.
func (c *cacheKeys) consider(f candidate, clock float64) {
	if c.keys[f.key] != nil || f.use == nil || f.bytes == nil {
		return
	}
	now := time.Now()
	reading, used := f.use.(int64)
	bytes, sized := f.bytes.(int64)
	least := c.bounds(now)
	switch {
	case !used && !sized:
		return
	case used && c.how.atBest(float64(reading)) > least.use:
	case sized && float64(bytes) > least.bytes:
	default:
		c.dull.add(f.key)
		return
	}
	if least.use >= 0 && !c.giveUp() {
		return
	}
	k := c.add(f.key)
	if used {
		c.how.take(&k.meter, float64(reading), clock)
	}
	if sized {
		k.Bytes, k.sized = snapshot.Known(float64(bytes)), now
	}
}

// follow takes how often a key was used in bursts, and follows the key if that is
// more than of one that is followed.
func (w *walker) follow(key string, h heard) {
	if len(key) > mostName || w.bookkeeping(key) || w.limiters.knows(key) {
		return
	}
	c := &w.cache
	k := c.keys[key]
	if k == nil {
		if least := c.bounds(time.Now()); h.rate <= least.use || least.use >= 0 && !c.giveUp() {
			return
		}
		k = c.add(key)
	}
	c.stale = true
	k.heard = h
}

// due are the keys to look at again, those longest not seen first.
func (c *cacheKeys) due(h head, lost time.Time) []string {
	var list []string
	for key, k := range c.keys {
		wait := probeEvery
		switch {
		case k.gone || c.how.close(k.meter.count, h.now()):
			wait = missingEvery / 2
		case k.meter.readings < fewReadings: // what it is worth shows the sooner
			wait = secondLook
		}
		if h.at.Sub(k.At) >= wait || k.At.Before(lost) {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(c.keys[a].At.Compare(c.keys[b].At), cmp.Compare(a, b))
	})
	return list
}

// fresh are the keys that were not looked at yet, most used first.
func (c *cacheKeys) fresh() []string {
	var list []string
	for key, k := range c.keys {
		if k.At.IsZero() {
			list = append(list, key)
		}
	}
	now := time.Now()
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.use(c.keys[b], now), c.use(c.keys[a], now)), cmp.Compare(a, b))
	})
	return list
}

// list is every key that was looked at since lost and was there: those that the
// app counts first, then the most used, then the biggest. A lifetime is counted
// down to now.
func (c *cacheKeys) list(lost time.Time) []snapshot.CacheKey {
	list := make([]snapshot.CacheKey, 0, len(c.keys))
	now := time.Now()
	for _, k := range c.keys {
		if k.gone || !k.At.After(lost) {
			continue
		}
		list = append(list, c.shown(k, now))
	}
	slices.SortFunc(list, func(a, b snapshot.CacheKey) int {
		return cmp.Or(cmp.Compare(b.Reads.V, a.Reads.V), cmp.Compare(b.Rate.V, a.Rate.V),
			cmp.Compare(b.Bytes.V, a.Bytes.V), cmp.Compare(a.Key.Raw(), b.Key.Raw()))
	})
	return list
}

// shown is a key with its rate by the best method that there is.
func (c *cacheKeys) shown(k *cacheKey, now time.Time) snapshot.CacheKey {
	out := k.CacheKey
	if out.TTLSeconds.OK {
		out.TTLSeconds.V = max(out.TTLSeconds.V-now.Sub(k.At).Seconds(), 0)
	}
	switch r := c.rateOf(k, now); {
	case k.counted:
		out.Method = snapshot.MethodApp
	case r.Rate.OK:
		out.Rate, out.AtLeast, out.Method, out.RateAt = r.Rate, r.AtLeast, r.Method, r.RateAt
	case now.Sub(k.ranked) < heardFor:
		out.Method = snapshot.MethodHotkeys // by which it was found, without a rate
	}
	return out
}
