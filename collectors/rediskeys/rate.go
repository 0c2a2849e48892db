package rediskeys

import (
	"math"
	"time"

	"apitop/collectors/snapshot"
)

// lfu is how a server counts uses of a key: lfu-log-factor and lfu-decay-time,
// the latter in minutes.
//
// The counter has eight bits. Below are its rules, in src/evict.c of Redis and
// Valkey: a new key has 5; each use raises it by one with the probability
// 1/((counter-5)*factor+1); at the first use in another minute of the clock it
// falls by the minutes since the last one over decay-time, rounded down. So with
// a decay-time of one a key in use falls by exactly one a minute, at a moment
// that is known, and with a longer one it does not fall at all.
type lfu struct{ factor, decay float64 }

const (
	firstCount = 5   // of a new key
	mostCount  = 255 // the counter's end
)

// defaultLFU is what a server has unless told otherwise.
func defaultLFU() lfu { return lfu{factor: 10, decay: 1} }

// uses is how many uses raise a counter by one, on average.
func (l lfu) uses(count float64) float64 { return max(count-firstCount, 0)*l.factor + 1 }

// steady is the rate, in uses per second, that holds a counter where it is: of
// a key that was used evenly for a long time. The rate of a younger key is
// higher, that of one that cooled is lower.
func (l lfu) steady(count float64) float64 { return l.uses(count) / (60 * max(l.decay, 1)) }

// falls is by how much the counter of a key in use fell between two times of the
// server's clock, in unix seconds.
func (l lfu) falls(from, to float64) float64 {
	if l.decay != 1 {
		return 0
	}
	return math.Floor(to/60) - math.Floor(from/60)
}

// evidence is how many events there were in how long an exposure, in seconds:
// events/exposure is the most likely rate.
type evidence struct{ events, exposure float64 }

func (e *evidence) add(events, exposure, elapsed, halfLife float64) {
	keep := math.Exp2(-elapsed / halfLife)
	e.events, e.exposure = e.events*keep+events, e.exposure*keep+exposure
}

func (e evidence) rate() float64 { return e.events / e.exposure }

// meter estimates how often a key is used from repeated readings of its counter
// or of its idle time. Two readings of a counter say little, since it moves by
// chance; all of the last minute say more: raised by n in times that would have
// raised it E times at one use a second, it was used n/E times a second, which
// is the most likely rate. A key that gives few events is judged by the last
// minutes.
type meter struct {
	fast, slow evidence
	quick      float64 // of slow.events: climbs that were over before we looked
	count      float64 // the newest reading
	clock      float64 // of the server, at the newest reading
	first      float64 // the same at the first one
	readings   int
}

const (
	fastHalf  = 30.0  // seconds, the half-life of fast
	slowHalf  = 180.0 // the same of slow
	fewEvents = 5.0   // fewer say too little alone
	firstLook = 2.0   // seconds into a minute: full again by then tells a bound only
	priorUse  = 0.3   // events that the counter's level counts for
	ratedIn   = 14.0  // seconds of readings before a rate is shown
)

// take takes a reading of an LFU counter, at a time of the server's clock.
func (m *meter) take(l lfu, count, clock float64) {
	before, since := m.count, m.clock
	m.count, m.clock = count, clock
	m.readings++
	elapsed := clock - since
	if m.readings == 1 || elapsed <= 0 {
		m.first = min(clock, clock-max(elapsed, 0)*float64(min(m.readings-1, 1)))
		return
	}
	falls := l.falls(since, clock)
	raised := count - before + falls
	if raised < 0 || falls > 0 && count == 0 {
		return // another key of that name, or it was not used for minutes
	}
	if before < mostCount && count < mostCount {
		m.add(raised, elapsed/l.uses((before+count)/2), elapsed)
		return
	}
	m.atTheEnd(l, raised, elapsed, falls > 0)
}

// atTheEnd takes a reading of a counter that is full, or was. It moves only when
// the minute took one off: then how fast it is full again tells the rate, though
// one minute alone tells little.
func (m *meter) atTheEnd(l lfu, raised, elapsed float64, fell bool) {
	climb := elapsed
	if fell {
		climb = min(math.Mod(m.clock, 60), elapsed)
	}
	switch perSecond := 1 / l.uses(mostCount-1); {
	case m.count == mostCount && !fell && raised == 0: // it could not move
		m.add(0, 0, elapsed)
	case m.count == mostCount: // full again somewhere in the time
		m.add(raised, raised*climb*perSecond/2, elapsed)
		if math.Mod(m.clock, 60) < firstLook {
			m.quick += raised
		}
	default:
		m.add(raised, climb*perSecond, elapsed)
	}
}

func (m *meter) add(events, exposure, elapsed float64) {
	m.fast.add(events, exposure, elapsed, fastHalf)
	m.slow.add(events, exposure, elapsed, slowHalf)
	m.quick *= math.Exp2(-elapsed / slowHalf)
}

// rate is uses per second by the counter, and whether that is a lower bound;
// unknown until the readings span some seconds, unless the pace of the server's
// counters is known: then one reading will do.
func (m *meter) rate(l lfu, p pace) (rate snapshot.Value, atLeast bool) {
	young := m.readings < 2 || m.clock-m.first < ratedIn
	switch {
	case m.readings == 0 || young && !p.known:
		return snapshot.Value{}, false
	case m.count >= mostCount-1:
		return m.endRate(l)
	case p.known:
		if r, ok := m.levelled(l, p, young); ok {
			return snapshot.Known(r), false
		}
	}
	if m.fast.events >= fewEvents {
		return snapshot.Known(m.fast.rate()), false
	}
	// Few events: the counter itself says what held it there, which counts like a
	// part of an event. A key that cooled shows no event where some were due.
	prior := 30.0
	if l.decay == 1 {
		prior = priorUse / l.steady(m.count)
	}
	long := (m.slow.events + priorUse) / (m.slow.exposure + prior)
	if m.fast.exposure > 0 {
		long = min(long, (m.fast.events+1)/m.fast.exposure)
	}
	return snapshot.Known(long), false
}

// endRate is the rate of a key whose counter is full: at least what holds it
// there, and more once it was seen to climb back several times.
func (m *meter) endRate(l lfu) (snapshot.Value, bool) {
	least := l.steady(mostCount)
	if l.decay != 1 {
		least = 1 / (60 * max(l.decay, 1)) // it does not fall while the key is used at all
	}
	const climbs = 1.5 // seen, the older ones fading
	if m.slow.events < climbs || m.slow.exposure <= 0 {
		return snapshot.Known(least), true
	}
	rate := m.slow.rate()
	return snapshot.Known(max(rate, least)), rate <= least || m.quick > m.slow.events*0.7
}

// takeIdle takes a reading of an idle time in seconds, which the server gives in
// whole ones: since the reading before, a use was seen that long ago, or none.
func (m *meter) takeIdle(idle, clock float64) {
	elapsed := clock - m.clock
	m.readings++
	m.count, m.clock = idle, clock
	switch {
	case m.readings == 1:
		m.first = clock
		m.add(1, idle, 0)
	case idle < elapsed:
		m.add(1, idle, elapsed)
	default:
		m.add(0, elapsed, elapsed)
	}
}

// idleRate is uses per second by idle times. Whole seconds cannot tell rates
// beyond one a second apart.
func (m *meter) idleRate() (rate snapshot.Value, atLeast bool) {
	if m.readings < 2 || m.clock-m.first < ratedIn {
		return snapshot.Value{}, false
	}
	e := m.slow
	if m.fast.events >= fewEvents {
		e = m.fast
	}
	if e.events >= e.exposure {
		return snapshot.Known(1), true
	}
	return snapshot.Known(e.rate()), false
}

// heard is a rate that was counted in a burst.
type heard struct {
	rate float64
	at   time.Time
	sure bool // no estimate of ours is better
}

// heardFor is how long a heard rate counts more than our own estimate.
const heardFor = 2 * time.Minute
