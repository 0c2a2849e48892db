package analysis

import (
	"cmp"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// thing is the identity of a pool, cache or queue over all instances.
type thing struct {
	kind string
	name safe.Text
}

// byThing orders things by kind and name.
func byThing(aKind, bKind string, a, b safe.Text) int {
	return cmp.Or(strings.Compare(aKind, bKind), strings.Compare(a.Raw(), b.Raw()))
}

// greater is the larger of two Values; an unknown one counts for nothing.
func greater(a, b Value) Value {
	if !a.OK || b.OK && b.V > a.V {
		return b
	}
	return a
}

// runtimeSum adds up the runtimes of all instances.
type runtimeSum struct {
	out      Runtime
	versions []string
	found    bool
	busy     Value // collection seconds a second
	measured float64
}

// mostVersions is how many versions of a runtime are named.
const mostVersions = 3

func (s *runtimeSum) add(g *serviceGrowth) {
	r := &g.reading.Runtime
	s.found = s.found || r.Language != "" || r.HeapBytes.OK || r.Threads.OK || r.Tasks.OK
	if s.out.Language == "" {
		s.out.Language = r.Language
	}
	if v := r.Version.Raw(); v != "" && len(s.versions) < mostVersions && !slices.Contains(s.versions, v) {
		s.versions = append(s.versions, v)
	}
	s.out.HeapBytes = plus(s.out.HeapBytes, r.HeapBytes)
	s.out.Threads = plus(s.out.Threads, r.Threads)
	s.out.Tasks = plus(s.out.Tasks, r.Tasks)
	s.out.GCsPerSecond = plus(s.out.GCsPerSecond, g.rate(totalGCs, "", safe.Text{}))
	if busy := g.rate(totalGCSeconds, "", safe.Text{}); busy.OK {
		s.busy = plus(s.busy, busy)
		s.measured++
	}
	s.out.LagSeconds = greater(s.out.LagSeconds, g.lag())
}

// report is the sum; nil when no page said anything.
func (s *runtimeSum) report() *Runtime {
	if !s.found {
		return nil
	}
	out := s.out
	out.Version = safe.New(strings.Join(s.versions, " "))
	out.GCRatio = over(s.busy, snapshot.Known(s.measured))
	return &out
}

// poolSum adds up the pools of one name.
type poolSum struct {
	out       Pool
	used, max Value // of the instances that say both
	waits     Value // waits in the window; acquires where the page does not count them
	waited    Value // seconds
}

func addPool(all map[thing]*poolSum, g *serviceGrowth, p *snapshot.Pool) {
	key := thing{p.Kind, p.Name}
	s := all[key]
	if s == nil {
		s = &poolSum{out: Pool{Kind: p.Kind, Name: p.Name}}
		all[key] = s
	}
	o := &s.out
	o.InUse, o.Idle = plus(o.InUse, p.InUse), plus(o.Idle, p.Idle)
	o.Max, o.Waiting = plus(o.Max, p.Max), plus(o.Waiting, p.Waiting)
	if p.InUse.OK && p.Max.OK {
		s.used, s.max = plus(s.used, p.InUse), plus(s.max, p.Max)
	}
	o.AcquiresPerSecond = plus(o.AcquiresPerSecond, g.rate(totalAcquires, p.Kind, p.Name))
	o.WaitsPerSecond = plus(o.WaitsPerSecond, g.rate(totalWaits, p.Kind, p.Name))
	o.TimeoutsPerSecond = plus(o.TimeoutsPerSecond, g.rate(totalTimeouts, p.Kind, p.Name))
	if waited := g.grown(totalWaitTime, p.Kind, p.Name); waited.OK {
		n := g.grown(totalWaits, p.Kind, p.Name)
		if !p.Waits.OK {
			n = g.grown(totalAcquires, p.Kind, p.Name)
		}
		s.waits, s.waited = plus(s.waits, n), plus(s.waited, waited)
	}
}

func listPools(all map[thing]*poolSum) []Pool {
	list := make([]Pool, 0, len(all))
	for _, s := range all {
		s.out.UsedRatio = over(s.used, s.max)
		s.out.WaitSeconds = over(s.waited, s.waits)
		list = append(list, s.out)
	}
	slices.SortFunc(list, func(a, b Pool) int {
		return cmp.Or(cmp.Compare(b.shortage(), a.shortage()), byThing(a.Kind, b.Kind, a.Name, b.Name))
	})
	return list
}

// nearlyFull is the share of a pool in use from which it is short.
const nearlyFull = 0.9

// shortage ranks a pool: callers gave up, or wait, or soon will, or nothing. It
// is coarse, so that idle pools do not change places each second.
func (p *Pool) shortage() int {
	switch {
	case p.TimeoutsPerSecond.V > 0:
		return 3
	case p.Waiting.V > 0 || p.WaitsPerSecond.V > 0:
		return 2
	case p.UsedRatio.V >= nearlyFull:
		return 1
	}
	return 0
}

// cacheSum adds up the caches of one name.
type cacheSum struct {
	out           CacheUse
	hits, lookups Value // in the window
}

func addCache(all map[thing]*cacheSum, g *serviceGrowth, c *snapshot.CacheUse) {
	key := thing{c.Kind, c.Name}
	s := all[key]
	if s == nil {
		s = &cacheSum{out: CacheUse{Kind: c.Kind, Name: c.Name}}
		all[key] = s
	}
	o := &s.out
	hits, misses := g.grown(totalHits, c.Kind, c.Name), g.grown(totalMisses, c.Kind, c.Name)
	if hits.OK && misses.OK {
		s.hits, s.lookups = plus(s.hits, hits), plus(s.lookups, plus(hits, misses))
	}
	o.LookupsPerSecond = plus(o.LookupsPerSecond, plus(g.rate(totalHits, c.Kind, c.Name), g.rate(totalMisses, c.Kind, c.Name)))
	o.EvictionsPerSecond = plus(o.EvictionsPerSecond, g.rate(totalEvictions, c.Kind, c.Name))
	o.Entries = plus(o.Entries, c.Entries)
}

func listCaches(all map[thing]*cacheSum) []CacheUse {
	list := make([]CacheUse, 0, len(all))
	for _, s := range all {
		s.out.HitRatio = over(s.hits, s.lookups)
		list = append(list, s.out)
	}
	slices.SortFunc(list, func(a, b CacheUse) int {
		return cmp.Or(cmp.Compare(b.LookupsPerSecond.V, a.LookupsPerSecond.V), byThing(a.Kind, b.Kind, a.Name, b.Name))
	})
	return list
}

// addQueue adds a queue up, or takes the larger figure where every instance
// speaks of the same broker.
func addQueue(all map[thing]*Queue, g *serviceGrowth, q *snapshot.Queue) {
	key := thing{q.Kind, q.Name}
	o := all[key]
	if o == nil {
		o = &Queue{Kind: q.Kind, Name: q.Name}
		all[key] = o
	}
	length, totals := plus, plus
	if q.SharedLength {
		length = greater
	}
	if q.SharedTotals {
		totals = greater
	}
	o.Length = length(o.Length, q.Length)
	o.Workers, o.Busy = totals(o.Workers, q.Workers), totals(o.Busy, q.Busy)
	o.DonePerSecond = totals(o.DonePerSecond, g.rate(totalDone, q.Kind, q.Name))
	o.FailedPerSecond = totals(o.FailedPerSecond, g.rate(totalFailed, q.Kind, q.Name))
	wait := q.WaitSeconds
	if q.Waited.OK {
		wait = over(g.grown(totalWaitedTime, q.Kind, q.Name), g.grown(totalWaited, q.Kind, q.Name))
	}
	o.WaitSeconds = greater(o.WaitSeconds, wait)
}

func listQueues(all map[thing]*Queue) []Queue {
	list := make([]Queue, 0, len(all))
	for _, q := range all {
		list = append(list, *q)
	}
	slices.SortFunc(list, func(a, b Queue) int {
		return cmp.Or(
			cmp.Compare(b.Length.V, a.Length.V), cmp.Compare(b.DonePerSecond.V, a.DonePerSecond.V),
			byThing(a.Kind, b.Kind, a.Name, b.Name),
		)
	})
	return list
}
