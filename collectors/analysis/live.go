package analysis

import (
	"cmp"
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// missedReading is how often keys were looked up and not there, in so many
// seconds of listening.
type missedReading struct {
	seconds float64
	misses  map[safe.Text]float64
}

// keptMissed readings are compared: about a minute, when there is a moment of
// listening every few seconds.
const keptMissed = 5

// takeMissed keeps a reading when it tells something new.
func (c *cacheState) takeMissed(k *snapshot.Keys) {
	n := len(c.missed)
	switch {
	case n > 0 && k.MissedSeconds == c.missed[n-1].seconds:
		return
	case n > 0 && k.MissedSeconds < c.missed[n-1].seconds: // it counts from zero again
		c.missed = nil
	}
	r := missedReading{k.MissedSeconds, make(map[safe.Text]float64, len(k.Missed))}
	for _, m := range k.Missed {
		r.misses[m.Key] = m.Misses.V
	}
	c.missed = append(c.missed, r)
	c.missed = slices.Clone(c.missed[max(len(c.missed)-keptMissed, 0):])
}

// live fills what was heard by listening.
func (c *cacheState) live(out *Cache) {
	if c.keys == nil {
		return
	}
	out.Missed = c.missedKeys()
	b := c.keys.Burst
	if b == nil {
		return
	}
	out.Burst = &Burst{
		At: b.At, Node: b.Node, AgeSeconds: snapshot.Known(max(c.keys.At.Sub(b.At).Seconds(), 0)),
		Span: snapshot.Known(b.SpanSeconds), Lines: b.Lines, Cut: b.Cut, WriteRatio: b.WriteRatio,
		Commands: burstCounts(b.Commands), Clients: burstCounts(b.Clients),
	}
}

func burstCounts(list []snapshot.BurstCount) []BurstCount {
	out := make([]BurstCount, len(list))
	for i, c := range list {
		out[i] = BurstCount(c)
	}
	return out
}

// missedKeys are the keys that were missed since the oldest reading, most often
// first: the time that nobody listened to does not count. The very first reading
// counts from zero.
func (c *cacheState) missedKeys() []MissedKey {
	if c.keys.Missed == nil {
		return nil
	}
	list := make([]MissedKey, 0, len(c.keys.Missed))
	first := missedReading{}
	if len(c.missed) > 1 {
		first = c.missed[0]
	}
	seconds := c.keys.MissedSeconds - first.seconds
	for _, m := range c.keys.Missed {
		out := MissedKey{Key: m.Key}
		if m.Misses.OK && seconds > 0 {
			out.MissesPerSecond = snapshot.Known(max(m.Misses.V-first.misses[m.Key], 0) / seconds)
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b MissedKey) int {
		return cmp.Compare(rank(b.MissesPerSecond), rank(a.MissesPerSecond))
	})
	return list
}
