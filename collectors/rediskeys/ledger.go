package rediskeys

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"apitop/collectors/redislive"
	"apitop/collectors/snapshot"
)

// ledger counts the uses of keys over the bursts, the older ones fading: one burst
// is too short to tell keys apart that are used nearly alike. It has room for
// some keys; a new one takes the place of one that was used least, by the
// space-saving algorithm (see [groups]), but what that one had does not count for
// it.
type ledger struct {
	keys    map[string]*entry
	at      time.Time // of the newest burst; zero: none
	seconds float64   // listened to
	lines   float64   // heard of others
	all     float64   // uses of keys
}

// entry is what was heard of one key.
type entry struct {
	reads, uses float64 // uses: with the writes
	over        float64 // what was inherited, to rank it
}

const (
	mostEntries = 1024
	ledgerHalf  = 60.0 // seconds, the half-life of what was heard
	leastReads  = 3.0  // of a key, that make a rate
	sureReads   = 10.0 // that make a better one than a counter or an idle time
	sureLines   = 2000 // that tell what a key that was not heard is used at most
)

func newLedger() ledger { return ledger{keys: map[string]*entry{}} }

// add takes a burst. Keys that are hardly left are dropped.
func (l *ledger) add(s *redislive.Sample) {
	keep := 1.0
	if !l.at.IsZero() {
		keep = math.Exp2(-max(s.At.Sub(l.at).Seconds(), 0) / ledgerHalf)
	}
	l.at = s.At
	l.seconds = l.seconds*keep + s.Span.Seconds()
	l.lines = l.lines*keep + float64(s.Lines-s.Own)
	l.all = l.all*keep + float64(s.Reads+s.Writes)
	for key, k := range l.keys {
		k.reads, k.uses, k.over = k.reads*keep, k.uses*keep, k.over*keep
		if k.uses+k.over < 0.25 {
			delete(l.keys, key)
		}
	}
	for _, k := range s.Keys {
		if have := l.keys[k.Key]; have != nil {
			have.reads, have.uses = have.reads+float64(k.Reads), have.uses+float64(k.Reads+k.Writes)
		}
	}
	l.addNew(s.Keys)
}

// addNew adds those that have no place yet.
func (l *ledger) addNew(list []redislive.KeyCount) {
	places := l.places()
	for _, k := range list {
		if l.keys[k.Key] != nil {
			continue
		}
		n := &entry{reads: float64(k.Reads), uses: float64(k.Reads + k.Writes)}
		if len(l.keys) >= mostEntries {
			if len(places) == 0 {
				return
			}
			out := l.keys[places[0]]
			n.over = out.uses + out.over
			delete(l.keys, places[0])
			places = places[1:]
		}
		l.keys[strings.Clone(k.Key)] = n
	}
}

// places are the keys in the order in which they give way, least used first.
func (l *ledger) places() []string {
	rank := func(key string) float64 { return l.keys[key].uses + l.keys[key].over }
	return slices.SortedFunc(maps.Keys(l.keys), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// fresh tells whether a burst was not long ago.
func (l *ledger) fresh(now time.Time) bool {
	return !l.at.IsZero() && l.seconds > 0 && now.Sub(l.at) < heardFor
}

// rate is the reads per second of a key; unknown when it was heard too rarely.
// When it is sure, no other estimate is better.
func (l *ledger) rate(key string, now time.Time) (rate snapshot.Value, sure bool) {
	k := l.keys[key]
	if k == nil || k.reads < leastReads || !l.fresh(now) {
		return snapshot.Value{}, false
	}
	return snapshot.Known(k.reads / l.seconds), k.reads >= sureReads
}

// most is how many uses per second a key has at most, with some certainty: of n
// events that were heard, or none, there may have been n + 2√n + 3 (the rule of
// three). Unknown until enough was heard.
func (l *ledger) most(key string, now time.Time) snapshot.Value {
	if l.lines < sureLines || !l.fresh(now) {
		return snapshot.Value{}
	}
	n := 0.0
	if k := l.keys[key]; k != nil {
		n = k.uses + k.over
	}
	return snapshot.Known((n + 2*math.Sqrt(n) + 3) / l.seconds)
}

// heardKey is a key with its rate.
type heardKey struct {
	key  string
	rate float64
}

// hottest are the keys that have a rate, most reads first.
func (l *ledger) hottest(now time.Time) []heardKey {
	var list []heardKey
	for key := range l.keys {
		if r, _ := l.rate(key, now); r.OK {
			list = append(list, heardKey{key, r.V})
		}
	}
	slices.SortFunc(list, func(a, b heardKey) int {
		return cmp.Or(cmp.Compare(b.rate, a.rate), strings.Compare(a.key, b.key))
	})
	return list
}
