package scrape

import (
	"math"

	"apitop/collectors/snapshot"
)

// fieldValues are the fields of one thing.
type fieldValues = [mostFields]snapshot.Value

// reading takes the values of the newest scan.
func (p *servicePlan) reading() snapshot.Service {
	values := make([]fieldValues, len(p.things))
	for _, x := range p.pieces {
		if !finite(x.series.value) || x.series.value < 0 {
			continue // -1 says that there is none, or no limit
		}
		at := &values[x.thing][x.figure]
		v := x.series.value / x.per
		switch {
		case !at.OK:
			*at = snapshot.Value{V: v, OK: true}
		case x.max:
			at.V = max(at.V, v)
		default:
			at.V += v
		}
	}
	for i := range values {
		for j, v := range values[i] {
			if !finite(v.V) {
				values[i][j] = snapshot.Value{} // the sum of what is nearly endless
			}
		}
	}
	var out snapshot.Service
	out.Runtime = p.runtimeOf(values)
	for i := range p.things {
		x, v := &p.things[i], &values[i]
		switch x.lib.section {
		case pools:
			out.Pools = append(out.Pools, x.pool(v))
		case caches:
			out.Caches = append(out.Caches, x.cache(v))
		case queues:
			out.Queues = append(out.Queues, x.queue(v))
		case runtimes:
		}
	}
	out.Counters, out.CountersCut = p.counters.reading()
	return out
}

// runtimeOf is the process's runtime. What every process says of itself fills
// what the language's own families leave open.
func (p *servicePlan) runtimeOf(values []fieldValues) snapshot.Runtime {
	var out snapshot.Runtime
	fill := func(v *fieldValues) {
		for _, f := range []struct {
			to *snapshot.Value
			v  snapshot.Value
		}{
			{&out.HeapBytes, v[runtimeHeap]}, {&out.Threads, v[runtimeThreads]}, {&out.Tasks, v[runtimeTasks]},
			{&out.GCs, v[runtimeGCs]}, {&out.GCSeconds, v[runtimeGCSeconds]}, {&out.LagSeconds, v[runtimeLag]},
		} {
			if !f.to.OK {
				*f.to = f.v
			}
		}
	}
	if p.runtime >= 0 {
		x := &p.things[p.runtime]
		out.Language, out.Version = x.lib.kind, x.version
		fill(&values[p.runtime])
	}
	for i, x := range p.things {
		if x.lib.section == runtimes && x.lib.kind == "" {
			fill(&values[i])
		}
	}
	if out.Language == "go" {
		out.Waits = p.readWaits()
	}
	return out
}

// readWaits takes the histogram of waits; nil when there is none or its numbers
// cannot be.
func (p *servicePlan) readWaits() *snapshot.Histogram {
	if p.waits == nil {
		return nil
	}
	h := &snapshot.Histogram{Bounds: p.bounds, Cumulative: make([]float64, len(p.bounds)+1)}
	i := -1
	last := math.NaN()
	for _, b := range p.waits.buckets {
		if !finite(b.value) {
			return nil
		}
		if b.le != last {
			i++
		}
		last = b.le
		h.Cumulative[i] = max(h.Cumulative[i], b.value)
	}
	all := &h.Cumulative[len(p.bounds)]
	if p.waits.count != nil {
		*all = max(*all, p.waits.count.value)
	}
	if !finite(*all) {
		return nil
	}
	h.Count = *all
	if p.waits.sum != nil && finite(p.waits.sum.value) {
		h.Sum = max(p.waits.sum.value, 0)
	}
	return h
}

func (x *thing) pool(v *fieldValues) snapshot.Pool {
	out := snapshot.Pool{
		Name: x.name, Kind: x.lib.kind,
		InUse: v[poolInUse], Idle: v[poolIdle], Max: limited(v[poolMax]), Waiting: v[poolWaiting],
		Acquires: v[poolAcquires], Waits: v[poolWaits], WaitSeconds: v[poolWaitSeconds], Timeouts: v[poolTimeouts],
	}
	open := v[poolOpen]
	switch {
	case !out.InUse.OK && open.OK && out.Idle.OK:
		out.InUse = snapshot.Known(max(open.V-out.Idle.V, 0))
	case !out.Idle.OK && open.OK && out.InUse.OK:
		out.Idle = snapshot.Known(max(open.V-out.InUse.V, 0))
	}
	return out
}

// limited is a limit; unknown where the page writes how it says "none": 0, or the
// largest number there is.
func limited(v snapshot.Value) snapshot.Value {
	if v.V <= 0 || v.V >= math.MaxInt32 {
		return snapshot.Value{}
	}
	return v
}

// cache is a cache's use. What never happened is often not on the page: with one
// of hits and misses known, the other is none.
func (x *thing) cache(v *fieldValues) snapshot.CacheUse {
	out := snapshot.CacheUse{
		Name: x.name, Kind: x.lib.kind, Server: x.lib.server,
		Hits: v[cacheHits], Misses: v[cacheMisses], Evictions: v[cacheEvictions], Entries: v[cacheEntries],
	}
	lookups := v[cacheLookups]
	switch {
	case lookups.OK && out.Hits.OK && !out.Misses.OK:
		out.Misses = snapshot.Known(max(lookups.V-out.Hits.V, 0))
	case lookups.OK && out.Misses.OK && !out.Hits.OK:
		out.Hits = snapshot.Known(max(lookups.V-out.Misses.V, 0))
	case out.Hits.OK != out.Misses.OK:
		out.Hits.OK, out.Misses.OK = true, true
	}
	return out
}

func (x *thing) queue(v *fieldValues) snapshot.Queue {
	return snapshot.Queue{
		Name: x.name, Kind: x.lib.kind,
		Length: v[queueLength], Workers: v[queueWorkers], Busy: v[queueBusy],
		Done: v[queueDone], Failed: v[queueFailed],
		WaitSeconds: v[queueWait], Waited: v[queueWaited], WaitedTotal: v[queueWaitedTotal],
		SharedLength: x.lib.length || x.lib.shared, SharedTotals: x.lib.shared,
	}
}
