package rediskeys

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// groups counts keys by the beginning of their names, in bounded space: by the
// space-saving algorithm (Metwally, Agrawal, El Abbadi 2005), which gives a new
// group the place and the count of the smallest one. A group's count is too high
// by at most that.
type groups struct {
	by    map[string]*group
	least uint64 // no group has a smaller count
}

type group struct {
	prefix string
	count  uint64
	over   uint64 // of count, at most this much belongs to others
}

const (
	mostGroups  = 512
	shownGroups = 100
	prefixBytes = 96 // a longer prefix is cut
)

func newGroups() groups { return groups{by: map[string]*group{}} }

func (g *groups) add(name string) {
	prefix := prefixOf(name)
	if prefix == "" {
		return
	}
	if have := g.by[prefix]; have != nil {
		have.count++
		return
	}
	if len(g.by) < mostGroups {
		g.by[strings.Clone(prefix)] = &group{prefix: strings.Clone(prefix), count: 1}
		return
	}
	g.replace(prefix)
}

// replace gives the place of a smallest group to a new one. The smallest count
// only grows, so the first group that has the old one will do.
func (g *groups) replace(prefix string) {
	var out *group
	for _, v := range g.by {
		if out == nil || v.count < out.count {
			if out = v; v.count <= g.least {
				break
			}
		}
	}
	g.least = out.count
	delete(g.by, out.prefix)
	name := strings.Clone(prefix)
	g.by[name] = &group{prefix: name, count: out.count + 1, over: out.count}
}

// largest are the groups that are surely what they seem, most keys first.
func (g *groups) largest() []group {
	list := make([]group, 0, len(g.by))
	for _, v := range g.by {
		if v.over <= v.count/4 {
			list = append(list, *v)
		}
	}
	slices.SortFunc(list, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.prefix, b.prefix))
	})
	return list[:min(len(list), shownGroups)]
}

// survey is what a pass finds out about all keys.
type survey struct {
	at     time.Time // of its newest page
	seen   float64
	groups groups
	sample reservoir
}

func newSurvey() survey { return survey{groups: newGroups(), sample: newReservoir()} }

// tally is what a group's sampled keys add up to.
type tally struct{ sampled, noTTL, sizes, bytes float64 }

// estimates are the groups scaled to a keyspace of size keys, the rest last.
func (s *survey) estimates(size float64) []snapshot.KeyGroup {
	if s.seen == 0 {
		return nil
	}
	if size <= 0 {
		size = s.seen
	}
	largest := s.groups.largest()
	by, rest := s.tallies(largest)
	list := make([]snapshot.KeyGroup, 0, len(largest)+1)
	left := s.seen
	for _, g := range largest {
		n := float64(g.count - g.over/2)
		left -= n
		e := by[g.prefix].estimate(n * size / s.seen)
		e.Prefix = safe.Short(g.prefix, shownCells)
		list = append(list, e)
	}
	if left >= 1 {
		list = append(list, rest.estimate(left*size/s.seen))
	}
	for i := range list {
		list[i].At = s.at
	}
	return list
}

func (s *survey) tallies(largest []group) (by map[string]*tally, rest *tally) {
	by, rest = make(map[string]*tally, len(largest)), &tally{}
	for _, g := range largest {
		by[g.prefix] = &tally{}
	}
	for _, k := range s.sample.keys {
		t := by[k.prefix]
		if t == nil {
			t = rest
		}
		if !k.known {
			continue
		}
		t.sampled++
		if k.ttl == never {
			t.noTTL++
		}
		if k.bytes >= 0 {
			t.sizes++
			t.bytes += float64(k.bytes)
		}
	}
	return by, rest
}

// estimate is a group of so many keys.
func (t *tally) estimate(keys float64) snapshot.KeyGroup {
	g := snapshot.KeyGroup{Keys: snapshot.Known(keys), Sampled: int(t.sampled)}
	if t.sizes > 0 {
		g.Bytes = snapshot.Known(keys * t.bytes / t.sizes)
	}
	if t.sampled > 0 {
		g.NoTTL = snapshot.Known(keys * t.noTTL / t.sampled)
	}
	return g
}

// groups are those of a node, with what they were in the pass before. They are
// kept until the next pass is over: the numbers of a whole pass do not change.
func (e *explorer) groups(size float64) []snapshot.KeyGroup {
	if !e.whole {
		return e.now.estimates(size)
	}
	return e.shown
}

// settle works out the groups of the pass that is over.
func (e *explorer) settle(size float64) {
	list := e.now.estimates(size)
	was := map[safe.Text]*snapshot.KeyGroup{}
	for _, g := range e.shown {
		g.Before = nil
		was[g.Prefix] = &g
	}
	for i := range list {
		if g := was[list[i].Prefix]; g != nil {
			list[i].Before, list[i].BeforeAt = g, g.At
		}
	}
	e.shown, e.sample, e.sampleOf = list, e.now.sample.keys, e.now.sample.seen
}
