package rediskeys

import (
	"cmp"
	"math"
	"slices"
)

// pace is what the LFU counters of one server have in common: for how long keys
// were used as they are now. A key that was used evenly for t seconds has climbed
// by about rate*t uses, so that one reading of its counter tells its rate, and
// with less chance in it than what the counter climbed since: of a counter that
// stands at c the total is known to about 1.2/sqrt(c), of n climbs in the last
// minute to 1/sqrt(n). The pace is measured on the keys that are read again and
// again. The zero value: not known yet.
type pace struct {
	known     bool
	perSecond float64 // 1/t; 0: for so long that the counters stand still
}

// climb is how many uses raise a new key's counter to count, on average.
func (l lfu) climb(count float64) float64 {
	x := max(count-firstCount, 0)
	return l.factor/2*x*x + x
}

// held is the rate that makes up for what the minutes take off a counter in use.
func (l lfu) held(count float64) float64 {
	if l.decay != 1 {
		return 0
	}
	return l.steady(count)
}

// level is the rate of a key by its counter alone.
func (p pace) level(l lfu, count float64) float64 {
	return p.perSecond*l.climb(count) + l.held(count)
}

// trust is how many events the level of a counter is worth. The variance of the
// uses that a counter stands for is (factor²/3)·x³ where they are factor/2·x².
func trust(count float64) float64 {
	x := max(count-firstCount, 1)
	return 1 / (4/(3*x) + unlike)
}

const (
	unlike     = 0.03 // relative variance: keys differ in their past
	doubt      = 2.0  // standard deviations by which a level may be off
	paceKeys   = 8    // fewer keys do not tell a pace
	paceEvents = 30.0 // nor do fewer events
	leastClimb = 3.0  // of a counter that can tell
)

// levelled is the rate by what was seen and by the level together, as long as they
// agree. A key whose use changed of late is no longer what its counter says.
func (m *meter) levelled(l lfu, p pace, young bool) (rate float64, ok bool) {
	level := p.level(l, m.count)
	if level <= 0 {
		return 0, false
	}
	k := trust(m.count)
	for _, e := range []evidence{m.fast, m.slow} {
		due := level * e.exposure
		if math.Abs(e.events-due) > doubt*math.Sqrt(due+due*due/k)+1 {
			return 0, false
		}
	}
	if young && m.fast.exposure <= 0 {
		return level, true
	}
	e := m.fast
	if e.events < fewEvents {
		e = m.slow
	}
	return (e.events + k) / (e.exposure + k/level), true
}

// fitPace measures the pace: the median of what the followed keys say, each with
// the weight of what it was exposed to.
func (c *cacheKeys) fitPace() {
	type said struct{ pace, weight float64 }
	var list []said
	l, events, sum := c.how.lfu, 0.0, 0.0
	for _, k := range c.keys {
		m := &k.meter
		if m.readings < 2 || m.count >= mostCount-1 || m.count < firstCount+leastClimb || m.fast.exposure <= 0 {
			continue
		}
		climb := l.climb(m.count)
		w := m.fast.exposure * climb
		list = append(list, said{(m.fast.rate() - l.held(m.count)) / climb, w})
		events, sum = events+m.fast.events, sum+w
	}
	c.how.pace = pace{}
	if len(list) < paceKeys || events < paceEvents {
		return
	}
	slices.SortFunc(list, func(a, b said) int { return cmp.Compare(a.pace, b.pace) })
	below := 0.0
	for _, s := range list {
		if below += s.weight; below >= sum/2 {
			c.how.pace = pace{known: true, perSecond: max(s.pace, 0)}
			return
		}
	}
}
