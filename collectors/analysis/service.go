package analysis

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// mostListedCounters is how many counters a report lists.
const mostListedCounters = 50

// serviceTotal names one total of one target's service.
type serviceTotal struct {
	of   string // of the totals listed below
	kind string
	name safe.Text
}

// The totals of a service that are followed.
const (
	totalGCs        = "gcs"
	totalGCSeconds  = "gc seconds"
	totalAcquires   = "acquires"
	totalWaits      = "waits"
	totalWaitTime   = "wait seconds"
	totalTimeouts   = "timeouts"
	totalHits       = "hits"
	totalMisses     = "misses"
	totalEvictions  = "evictions"
	totalDone       = "done"
	totalFailed     = "failed"
	totalWaited     = "waited"
	totalWaitedTime = "waited seconds"
)

// serviceGrowth follows one target's service.
type serviceGrowth struct {
	opt      Options
	totals   *growth[serviceTotal]
	counters *growth[string]
	waits    *growth[string] // the one histogram of a runtime
	reading  *snapshot.Service
}

func newServiceGrowth(opt Options) *serviceGrowth {
	g := &serviceGrowth{opt: opt, reading: &snapshot.Service{}}
	g.forget()
	return g
}

// forget makes the next page the baseline.
func (g *serviceGrowth) forget() {
	g.totals, g.counters, g.waits = newGrowth[serviceTotal](g.opt), newGrowth[string](g.opt), newGrowth[string](g.opt)
}

// startAt says that the process was not there before at: all that its first page
// counts happened since.
func (g *serviceGrowth) startAt(at time.Time) {
	g.totals.begin(at, false)
	g.totals.end()
	g.counters.begin(at, false)
	g.counters.end()
	g.waits.begin(at, false)
	g.waits.end()
}

// take follows one page; how says how its totals go on from the page before.
func (g *serviceGrowth) take(h *snapshot.HTTP, how change) {
	if how == asBaseline {
		g.forget()
	}
	fresh := how == fromZero
	s := &h.Service
	g.reading = s
	g.totals.begin(h.At, fresh)
	put := func(of, kind string, name safe.Text, v Value) {
		g.totals.put(serviceTotal{of, kind, name}, v)
	}
	put(totalGCs, "", safe.Text{}, s.Runtime.GCs)
	put(totalGCSeconds, "", safe.Text{}, s.Runtime.GCSeconds)
	for i := range s.Pools {
		p := &s.Pools[i]
		put(totalAcquires, p.Kind, p.Name, p.Acquires)
		put(totalWaits, p.Kind, p.Name, p.Waits)
		put(totalWaitTime, p.Kind, p.Name, p.WaitSeconds)
		put(totalTimeouts, p.Kind, p.Name, p.Timeouts)
	}
	for i := range s.Caches {
		c := &s.Caches[i]
		put(totalHits, c.Kind, c.Name, c.Hits)
		put(totalMisses, c.Kind, c.Name, c.Misses)
		put(totalEvictions, c.Kind, c.Name, c.Evictions)
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		put(totalDone, q.Kind, q.Name, q.Done)
		put(totalFailed, q.Kind, q.Name, q.Failed)
		put(totalWaited, q.Kind, q.Name, q.Waited)
		put(totalWaitedTime, q.Kind, q.Name, q.WaitedTotal)
	}
	g.totals.end()
	g.takeRest(h, fresh)
}

// takeRest follows what has growths of its own.
func (g *serviceGrowth) takeRest(h *snapshot.HTTP, fresh bool) {
	s := &h.Service
	g.counters.complete = g.counters.complete && !s.CountersCut
	g.counters.begin(h.At, fresh)
	for i := range s.Counters {
		g.counters.add(s.Counters[i].ID, []float64{s.Counters[i].Total}, 1)
	}
	g.counters.end()
	g.waits.begin(h.At, fresh)
	if w := s.Runtime.Waits; w != nil {
		buf := append(slices.Clone(w.Cumulative), w.Count, w.Sum)
		g.waits.add("", buf, len(buf)-1)
	}
	g.waits.end()
}

// grown is the growth of a total in the window.
func (g *serviceGrowth) grown(of, kind string, name safe.Text) Value {
	return g.totals.one(serviceTotal{of, kind, name})
}

// rate is the growth of a total per second.
func (g *serviceGrowth) rate(of, kind string, name safe.Text) Value {
	return g.totals.rate(serviceTotal{of, kind, name})
}

// lag is the 99th percentile of the waits in the window.
func (g *serviceGrowth) lag() Value {
	w := g.reading.Runtime.Waits
	if w == nil {
		return g.reading.Runtime.LagSeconds
	}
	buf, ok := g.waits.delta("", nil)
	if !ok {
		return Value{}
	}
	n := len(buf) - 2
	l := ladder{bounds: w.Bounds, cum: buf[:n], count: buf[n], sum: buf[n+1]}
	v, _ := l.quantile(0.99)
	return v
}

// cacheUse is how often the caches of all targets were asked in the window, and
// had the answer; unknown where no page says so. Cache servers and the caches
// inside database libraries are not asked by the service as such.
func (h *httpState) cacheUse() (hits, lookups Value) {
	for _, t := range h.order {
		if t.state == targetGone {
			continue
		}
		for i := range t.service.reading.Caches {
			c := &t.service.reading.Caches[i]
			if c.Server {
				continue
			}
			found, missed := t.service.grown(totalHits, c.Kind, c.Name), t.service.grown(totalMisses, c.Kind, c.Name)
			hits, lookups = plus(hits, found), plus(lookups, plus(found, missed))
		}
	}
	return hits, lookups
}

// serviceState adds up the services of all targets.
type serviceState struct {
	section *Service
	means   map[counterKey]*average
	last    time.Time
	round   int
}

// counterKey is the identity of a counter over all instances.
type counterKey struct{ name, labels safe.Text }

// average is a mean that forgets: what was memory ago counts for a third.
type average struct {
	sum, weight float64
	seen        int // round
}

// memory is how far back the mean of a counter's rate goes.
const memory = 5 * time.Minute

// past is the least time that a mean is of.
const past = 30 * time.Second

// value is the mean so far; unknown before it is of enough time.
func (a *average) value() Value {
	if a.weight < part(past) {
		return Value{}
	}
	return ratio(a.sum, a.weight)
}

// part is how much the newest d of time counts in a mean.
func part(d time.Duration) float64 { return 1 - math.Exp(-d.Seconds()/memory.Seconds()) }

func (a *average) add(v float64, over time.Duration) {
	p := part(over)
	a.sum += (v - a.sum) * p
	a.weight += (1 - a.weight) * p
}

// update makes the section anew from the targets' newest readings.
func (s *serviceState) update(order []*target, at time.Time) {
	out := &Service{}
	pools, caches, queues := map[thing]*poolSum{}, map[thing]*cacheSum{}, map[thing]*Queue{}
	var run runtimeSum
	for _, t := range order {
		if t.state != targetFresh {
			continue // its levels are of the past
		}
		g := t.service
		run.add(g)
		for i := range g.reading.Pools {
			addPool(pools, g, &g.reading.Pools[i])
		}
		for i := range g.reading.Caches {
			addCache(caches, g, &g.reading.Caches[i])
		}
		for i := range g.reading.Queues {
			addQueue(queues, g, &g.reading.Queues[i])
		}
	}
	out.Runtime = run.report()
	out.Pools, out.Caches, out.Queues = listPools(pools), listCaches(caches), listQueues(queues)
	out.Counters = s.counters(order, at)
	s.section = out
	if out.Runtime == nil && len(out.Pools)+len(out.Caches)+len(out.Queues)+len(out.Counters) == 0 {
		s.section = nil
	}
}

// counters adds up the counters of nothing known, those that move most first:
// by their rate, then by how much it changed.
func (s *serviceState) counters(order []*target, at time.Time) []Counter {
	sums := map[counterKey]*Counter{}
	for _, t := range order {
		if t.state == targetGone {
			continue
		}
		list := t.service.reading.Counters
		for i := range list {
			c := &list[i]
			key := counterKey{c.Name, c.Labels}
			sum := sums[key]
			if sum == nil {
				sum = &Counter{Name: c.Name, Labels: c.Labels}
				sums[key] = sum
			}
			sum.PerSecond = plus(sum.PerSecond, t.service.counters.rate(c.ID))
			sum.Growth = plus(sum.Growth, t.service.counters.one(c.ID))
			sum.Total = plus(sum.Total, snapshot.Known(c.Total))
		}
	}
	s.compare(sums, at)
	list := make([]Counter, 0, len(sums))
	for _, c := range sums {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Counter) int {
		return cmp.Or(
			cmp.Compare(math.Abs(b.PerSecond.V), math.Abs(a.PerSecond.V)),
			cmp.Compare(math.Abs(b.ChangeRatio.V), math.Abs(a.ChangeRatio.V)),
			cmp.Compare(b.Total.V, a.Total.V),
			strings.Compare(a.Name.Raw(), b.Name.Raw()), strings.Compare(a.Labels.Raw(), b.Labels.Raw()),
		)
	})
	return slices.Clip(list[:min(len(list), mostListedCounters)])
}

// compare sets how each rate differs from its mean of the minutes before, and
// then adds it to that mean.
func (s *serviceState) compare(sums map[counterKey]*Counter, at time.Time) {
	if s.means == nil {
		s.means = map[counterKey]*average{}
	}
	since := at.Sub(s.last)
	if s.last.IsZero() {
		since = 0
	}
	s.last = at
	s.round++
	for key, c := range sums {
		if !c.PerSecond.OK {
			continue
		}
		a := s.means[key]
		if a == nil {
			a = &average{}
			s.means[key] = a
		}
		a.seen = s.round
		if before := a.value(); before.OK && before.V > 0 {
			c.ChangeRatio = snapshot.Known(c.PerSecond.V/before.V - 1)
		}
		if since > 0 {
			a.add(c.PerSecond.V, since)
		}
	}
	for key, a := range s.means {
		if s.round-a.seen > keepSteps {
			delete(s.means, key)
		}
	}
}
