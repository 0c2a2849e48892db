package cache

import "time"

// Policy says how long values are kept. Values that are read often live longer.
type Policy struct {
	Base   time.Duration // of a value whose rate is Target or not known yet
	Min    time.Duration // of the coldest value
	Max    time.Duration // of the hottest value
	Target float64       // reads per second at which a value lives for Base
	Jitter float64       // share by which lives differ at random, 0..1
}

// DefaultPolicy keeps values between one minute and half an hour.
func DefaultPolicy() Policy {
	return Policy{Base: 5 * time.Minute, Min: time.Minute, Max: 30 * time.Minute, Target: 1.0 / 60, Jitter: 0.1}
}

// TTL is the life of a value with that many reads per second: Base scaled by
// rate / Target, within Min and Max, and then moved by up to Jitter of itself so
// that values stored together do not expire together. The rate is 0 or less
// when it is not known; spread is -1..1, usually at random.
func (p Policy) TTL(rate, spread float64) time.Duration {
	life := float64(p.Base)
	if rate > 0 && p.Target > 0 {
		life *= rate / p.Target
	}
	life = min(max(life, float64(p.Min)), float64(p.Max))
	life *= 1 + p.Jitter*min(max(spread, -1), 1)
	// Redis knows no life below a millisecond.
	return max(time.Duration(life), time.Millisecond)
}
