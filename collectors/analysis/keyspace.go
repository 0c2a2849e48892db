package analysis

import (
	"math"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// keyspace adds what is known of all keys to a report.
func (c *cacheState) keyspace(out *Cache) {
	k := c.keys
	if k == nil {
		return
	}
	out.Coverage = k.Coverage
	for _, m := range k.Methods {
		out.Methods = append(out.Methods, HotMethod{Method: string(m.Method), On: m.On, Why: m.Why})
	}
	out.Prefixes = prefixes(k.Groups, out.HotKeys)
	if k.Sample.N > 0 {
		out.Sample = &KeySample{
			N: k.Sample.N, Of: k.Sample.Of, NoTTL: k.Sample.NoTTL,
			Bytes: singly(k.Sample.Bytes), TTLs: singly(k.Sample.TTLs),
		}
	}
}

// prefixes are the groups with their share of the keys and the reads of those of
// their keys that are followed.
func prefixes(groups []snapshot.KeyGroup, hot []HotKey) []Prefix {
	total := 0.0
	named := map[Text]bool{}
	for _, g := range groups {
		total += g.Keys.V
		named[g.Prefix] = true
	}
	reads := map[Text]float64{}
	for _, k := range hot {
		switch {
		case !k.ReadsPerSecond.OK:
		case named[k.prefix]:
			reads[k.prefix] += k.ReadsPerSecond.V
		default:
			reads[Text{}] += k.ReadsPerSecond.V // one of the rest
		}
	}
	list := make([]Prefix, 0, len(groups))
	for _, g := range groups {
		p := Prefix{
			Prefix: g.Prefix, Keys: g.Keys, Bytes: g.Bytes, NoTTL: g.NoTTL, Sampled: g.Sampled,
			NoTTLPerSecond: noTTLGrowth(g),
		}
		if total > 0 && g.Keys.OK {
			p.Share = snapshot.Known(g.Keys.V / total)
		}
		if n, ok := reads[g.Prefix]; ok {
			p.ReadsPerSecond = snapshot.Known(n)
		}
		list = append(list, p)
	}
	return list
}

// noTTLGrowth is how many keys without a lifetime came in a second between two
// passes. It is zero when the difference is no more than samples of such a size
// differ by chance: two standard errors of both shares together.
func noTTLGrowth(g snapshot.KeyGroup) Value {
	if g.Before == nil || !g.NoTTL.OK || !g.Before.NoTTL.OK {
		return Value{}
	}
	elapsed := g.At.Sub(g.BeforeAt).Seconds()
	if elapsed <= 0 {
		return Value{}
	}
	more := g.NoTTL.V - g.Before.NoTTL.V
	if math.Abs(more) < 2*math.Hypot(noTTLError(g), noTTLError(*g.Before)) {
		more = 0
	}
	return snapshot.Known(more / elapsed)
}

// noTTLError is the standard error of a group's NoTTL, which is known of a sample.
func noTTLError(g snapshot.KeyGroup) float64 {
	if g.Keys.V <= 0 || g.Sampled == 0 {
		return 0
	}
	share := min(max(g.NoTTL.V/g.Keys.V, 0), 1)
	return g.Keys.V * math.Sqrt(share*(1-share)/float64(g.Sampled))
}

// singly makes cumulative counts single ones.
func singly(bounds []snapshot.Bound) []Count {
	list := make([]Count, 0, len(bounds))
	before := 0.0
	for _, b := range bounds {
		n := Count{N: b.Count - before}
		if !math.IsInf(b.Le, 1) {
			n.UpTo = snapshot.Known(b.Le)
		}
		list, before = append(list, n), b.Count
	}
	return list
}

// sizeTrack follows the size of a key without a lifetime.
type sizeTrack struct {
	base, next, last sizeAt
	step             int // it was seen in
}

type sizeAt struct {
	bytes float64
	at    time.Time
}

const (
	growthSpan  = time.Minute // a key's growth is that of one to two of these
	growthLeast = 20 * time.Second
)

// sizes follows how big keys without a lifetime become.
type sizes struct {
	keys map[safe.Text]*sizeTrack
	step int
}

// take takes the keys of a reading; those that are not in it are forgotten.
func (s *sizes) take(keys []snapshot.CacheKey) {
	s.step++
	for _, k := range keys {
		if !k.NoTTL || !k.Bytes.OK {
			continue
		}
		now := sizeAt{k.Bytes.V, k.At}
		t := s.keys[k.Key]
		switch {
		case t == nil:
			t = &sizeTrack{base: now, next: now}
			s.keys[k.Key] = t
		case now.at.Sub(t.next.at) >= growthSpan:
			t.base, t.next = t.next, now
		}
		t.last, t.step = now, s.step
	}
	for key, t := range s.keys {
		if t.step != s.step {
			delete(s.keys, key)
		}
	}
}

// growth is bytes per second; unknown until the key was watched for a while.
func (s *sizes) growth(key safe.Text) Value {
	t := s.keys[key]
	if t == nil || t.last.at.Sub(t.base.at) < growthLeast {
		return Value{}
	}
	return snapshot.Known((t.last.bytes - t.base.bytes) / t.last.at.Sub(t.base.at).Seconds())
}
