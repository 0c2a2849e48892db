package cache

import "time"

// Policy says how long values are kept. Values that are read often live longer.
// All methods are pure.
type Policy struct {
	Base     time.Duration // fresh life of a value whose rate is Target or not known yet
	Min      time.Duration // of the coldest value
	Max      time.Duration // of the hottest value
	Target   float64       // reads per second at which a value lives for Base
	Jitter   float64       // share by which lives differ at random, 0..1
	Negative time.Duration // life of the knowledge that there is no such thing
}

// DefaultPolicy keeps values for an hour, between five minutes and a day. Base
// is for a read a minute.
func DefaultPolicy() Policy {
	return Policy{
		Base: time.Hour, Min: 5 * time.Minute, Max: 24 * time.Hour,
		Target: 1.0 / 60, Jitter: 0.1, Negative: 30 * time.Second,
	}
}

// TTL is the fresh life of a value with that many reads per second: Base scaled
// by rate / Target, moved by up to Jitter of itself so that values stored
// together do not expire together, and always within Min and Max. The rate is 0
// or less when it is not known; spread is -1..1, usually at random.
func (p Policy) TTL(rate, spread float64) time.Duration {
	life := float64(p.Base)
	if rate > 0 && p.Target > 0 {
		life *= rate / p.Target
	}
	life = p.within(life)
	// The bounds narrow the range from which a life is drawn instead of cutting
	// it: else half of all hot values would live for Max exactly, and expire
	// together again.
	low, high := p.within(life*(1-p.Jitter)), p.within(life*(1+p.Jitter))
	spread = min(max(spread, -1), 1)
	// Redis knows no life below a millisecond.
	return max(time.Duration(low+(high-low)*(spread+1)/2), time.Millisecond)
}

func (p Policy) within(life float64) float64 {
	return min(max(life, float64(p.Min)), float64(p.Max))
}

const (
	staleShare = 10 // a stale life is one part in ten of the fresh one
	leastStale = 30 * time.Second
)

// Stale is the time after its fresh life during which a value is still served
// while it is refreshed.
func (p Policy) Stale(fresh time.Duration) time.Duration {
	return max(fresh/staleShare, leastStale)
}
