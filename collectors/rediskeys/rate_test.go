package rediskeys

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// counter is a key's LFU counter as src/evict.c moves it.
type counter struct {
	l     lfu
	count int
	used  int // minute of the last use
	rng   *rand.Rand
}

func (c *counter) now(clock float64) int {
	n := c.count
	if c.l.decay > 0 {
		n -= (int(clock/60) - c.used) / int(c.l.decay)
	}
	return max(n, 0)
}

func (c *counter) use(clock float64) {
	c.count = c.now(clock)
	c.used = int(clock / 60)
	if c.count < mostCount && c.rng.Float64() < 1/(max(float64(c.count)-firstCount, 0)*c.l.factor+1) {
		c.count++
	}
}

// drive uses a key at random moments for seconds, and reads it every five.
func drive(c *counter, m *meter, rate, from, seconds float64) {
	next := from + c.rng.ExpFloat64()/rate
	for t := from; t <= from+seconds; t += 5 {
		for ; next < t; next += c.rng.ExpFloat64() / rate {
			c.use(next)
		}
		if m != nil {
			m.take(c.l, float64(c.now(t)), t)
		}
	}
}

// TestFreqRates: after a minute the medians are within a factor of 1.5 of the
// truth, of new keys and of keys that were used for long.
func TestFreqRates(t *testing.T) {
	for _, before := range []float64{0, 60, 600, 6000} {
		for _, rate := range []float64{1, 5, 20, 50, 200, 500} {
			if rate > 42 && before*rate > 200_000 {
				continue // full
			}
			t.Run(fmt.Sprintf("%v per second after %v s", rate, before), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(rate*1e5+before)))
				var got []float64
				for range 120 {
					start := 6000 + rng.Float64()*60
					c := &counter{l: defaultLFU(), count: firstCount, used: int(start / 60), rng: rng}
					drive(c, nil, rate, start, before)
					var m meter
					drive(c, &m, rate, start+before, 60)
					v, atLeast := m.rate(c.l, pace{})
					if !v.OK || atLeast {
						t.Fatalf("unknown or a bound: %v %v, counter %v", v, atLeast, m.count)
					}
					got = append(got, v.V)
				}
				slices.Sort(got)
				t.Logf("%v/s: p10 %.1f median %.1f p90 %.1f", rate, got[12], got[60], got[108])
				if f := got[60] / rate; f > 1.5 || f < 1/1.5 {
					t.Errorf("median %v, true %v", got[60], rate)
				}
			})
		}
	}
}

// TestFreqCools: a key that is not used any more loses its rate, though its
// counter takes hours to fall.
func TestFreqCools(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := &counter{l: defaultLFU(), count: firstCount, used: 100, rng: rng}
	var m meter
	drive(c, &m, 200, 6000, 120)
	hot, _ := m.rate(c.l, pace{})
	for i := range 60 {
		at := 6125 + 5*float64(i)
		m.take(c.l, float64(c.now(at)), at)
	}
	cold, _ := m.rate(c.l, pace{})
	if hot.V < 100 || cold.V > 20 || c.now(6420) < 50 {
		t.Errorf("%v used, %v after five quiet minutes, counter %d", hot.V, cold.V, c.now(6420))
	}
}

// TestFreqFull: of a full counter a lower bound is known at once, and the rate
// once it was seen to climb back after some minutes.
func TestFreqFull(t *testing.T) {
	for _, rate := range []float64{100, 500, 2000, 20000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(rate)))
			var got []float64
			bounds := 0
			for range 30 {
				c := &counter{l: defaultLFU(), count: mostCount, used: 100, rng: rng}
				var m meter
				next, start := 6020.0, 6020.0
				for at := start; at < start+600; at++ {
					for ; next < at; next += rng.ExpFloat64() / rate {
						c.use(next)
					}
					if int(at)%5 == 0 || math.Mod(at, 60) < fullFor.Seconds() {
						m.take(c.l, float64(c.now(at)), at)
					}
					if at == start+35 {
						if v, atLeast := m.rate(c.l, pace{}); !atLeast || math.Abs(v.V-41.7) > 0.1 {
							t.Fatalf("at first %v, at least %v", v, atLeast)
						}
					}
				}
				v, atLeast := m.rate(c.l, pace{})
				if got = append(got, v.V); atLeast {
					bounds++
				}
			}
			slices.Sort(got)
			t.Logf("%v/s: p10 %.0f median %.0f p90 %.0f, %d of 30 bounds", rate, got[3], got[15], got[27], bounds)
			if f := got[15] / rate; rate <= 2000 && (f > 2 || f < 0.5) {
				t.Errorf("median %v, true %v", got[15], rate)
			}
			if rate > 10000 && (got[15] < 1000 || bounds < 25) {
				t.Errorf("median %v, %d of 30 are bounds, true %v", got[15], bounds, rate)
			}
		})
	}
}

// TestIdleRates: idle times in whole seconds tell slow rates, and a bound of
// fast ones.
func TestIdleRates(t *testing.T) {
	for _, rate := range []float64{0.01, 0.05, 0.3, 20} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, uint64(rate*1000)))
			var got []float64
			for range 200 {
				var m meter
				last, next := 0.0, rng.ExpFloat64()/rate
				for at := 5000 + rng.Float64(); at < 5120; at += 5 {
					for next < at {
						last, next = next, next+rng.ExpFloat64()/rate
					}
					m.takeIdle(math.Floor(at)-math.Floor(last), at)
				}
				v, atLeast := m.idleRate()
				if rate > 10 && (!atLeast || v.V != 1) {
					t.Fatalf("%v, at least %v, true %v", v, atLeast, rate)
				}
				got = append(got, v.V)
			}
			slices.Sort(got)
			t.Logf("%v/s: p10 %.3f median %.3f p90 %.3f", rate, got[20], got[100], got[180])
			if f := got[100] / rate; rate < 1 && (f > 1.6 || f < 1/1.6) {
				t.Errorf("median %v, true %v", got[100], rate)
			}
		})
	}
}
