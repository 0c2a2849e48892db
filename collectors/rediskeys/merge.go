package rediskeys

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// merge is what the nodes that answered know together; nil when none did.
func merge(all []*walker) snapshot.Reading {
	var walkers []*walker
	for _, w := range all {
		if w.answered {
			walkers = append(walkers, w)
		}
	}
	if len(walkers) == 0 {
		return nil
	}
	k := &snapshot.Keys{Methods: methods(walkers), Groups: mergeGroups(walkers), Sample: mergeSamples(walkers)}
	seen, size := 0.0, 0.0
	for _, w := range walkers {
		if w.head.at.After(k.At) {
			k.At = w.head.at
		}
		cache, limiters := w.cache.list(w.lost), w.limiters.list(w.lost)
		if len(all) > 1 {
			for i := range cache {
				cache[i].Node = w.node
			}
			for i := range limiters {
				limiters[i].Node = w.node
			}
		}
		w.ears.merge(k, len(all) > 1)
		k.Cache = joined(k.Cache, cache)
		k.Limiters = joined(k.Limiters, limiters)
		// Without a size the nodes count alike.
		weight := max(w.head.size, 1)
		if c := w.explorer.coverage(w.head.size); c.OK {
			seen, size = seen+c.V*weight, size+weight
		}
	}
	k.Lint = lintOf(k.Limiters)
	if size > 0 {
		k.Coverage = snapshot.Known(seen / size)
	}
	return k
}

// joined is a with b behind it; of a single node there is nothing to copy.
func joined[T any](a, b []T) []T {
	if len(a) == 0 {
		return b
	}
	return append(a, b...)
}

// methods is how hot keys are found: a method that one node can use is on.
func methods(walkers []*walker) []snapshot.HotMethod {
	var list []snapshot.HotMethod
	for _, w := range walkers {
		for _, m := range slices.Concat(w.cache.methods(), w.ears.methods()) {
			at := slices.IndexFunc(list, func(o snapshot.HotMethod) bool { return o.Method == m.Method })
			switch {
			case at < 0:
				list = append(list, m)
			case m.On && !list[at].On:
				list[at] = m
			}
		}
	}
	return list
}

// mergeGroups adds up the groups of the nodes: those of the last whole pass, or
// of the first one so far.
func mergeGroups(walkers []*walker) []snapshot.KeyGroup {
	sum := map[safe.Text]*snapshot.KeyGroup{}
	for _, w := range walkers {
		for _, g := range w.explorer.groups(w.head.size) {
			addGroup(sum, g)
		}
	}
	list := make([]snapshot.KeyGroup, 0, len(sum))
	for _, g := range slices.SortedFunc(maps.Values(sum), mostKeys) {
		list = append(list, *g)
	}
	return list
}

// mostKeys sorts groups, the rest last.
func mostKeys(a, b *snapshot.KeyGroup) int {
	rest := func(g *snapshot.KeyGroup) int {
		if g.Prefix == (safe.Text{}) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rest(a), rest(b)), cmp.Compare(b.Keys.V, a.Keys.V), cmp.Compare(a.Prefix.Raw(), b.Prefix.Raw()))
}

func addGroup(sum map[safe.Text]*snapshot.KeyGroup, g snapshot.KeyGroup) {
	have := sum[g.Prefix]
	if have == nil {
		copied := g
		if g.Before != nil {
			before := *g.Before
			copied.Before = &before
		}
		sum[g.Prefix] = &copied
		return
	}
	have.Keys, have.Bytes, have.NoTTL = plus(have.Keys, g.Keys), plus(have.Bytes, g.Bytes), plus(have.NoTTL, g.NoTTL)
	have.Sampled += g.Sampled
	if have.Before == nil || g.Before == nil {
		have.Before = nil // one node has no earlier pass
		return
	}
	b := have.Before
	b.Keys, b.Bytes, b.NoTTL = plus(b.Keys, g.Before.Keys), plus(b.Bytes, g.Before.Bytes), plus(b.NoTTL, g.Before.NoTTL)
	b.Sampled += g.Before.Sampled
}

// plus is a + b, known when both are.
func plus(a, b snapshot.Value) snapshot.Value {
	return snapshot.Value{V: a.V + b.V, OK: a.OK && b.OK}
}

// mergeSamples makes one sample of all keys: from each node as large a part as
// its share of the keys.
func mergeSamples(walkers []*walker) snapshot.KeySample {
	total := 0.0
	for _, w := range walkers {
		_, of := w.explorer.sampled()
		total += of
	}
	if len(walkers) == 1 {
		keys, of := walkers[0].explorer.sampled()
		return summary(keys, of)
	}
	n := math.Inf(1) // the largest for which each node has enough
	for _, w := range walkers {
		if keys, of := w.explorer.sampled(); of > 0 {
			n = min(n, float64(len(keys))*total/of)
		}
	}
	var all []sampled
	for _, w := range walkers {
		keys, of := w.explorer.sampled()
		if of == 0 {
			continue
		}
		part := min(int(n*of/total), len(keys))
		for _, i := range rand.Perm(len(keys))[:part] {
			all = append(all, keys[i])
		}
	}
	return summary(all, total)
}
