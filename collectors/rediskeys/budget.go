package rediskeys

import "time"

// budget keeps our share of the server's time small: it fills up with the duty
// and is emptied by our round trips. It starts full, so that a small keyspace is
// known at once.
type budget struct {
	duty     float64
	left     time.Duration
	filled   time.Time
	baseline time.Duration // the fastest look around so far
}

// saved is how much idle time may be saved up.
const saved = 10 * time.Second

func newBudget(duty float64) budget {
	b := budget{duty: duty}
	b.left = b.most()
	return b
}

func (b *budget) most() time.Duration { return time.Duration(b.duty * float64(saved)) }

// refill adds what the time since the last refill earned.
func (b *budget) refill(now time.Time) {
	if !b.filled.IsZero() {
		b.left = min(b.left+time.Duration(b.duty*float64(now.Sub(b.filled))), b.most())
	}
	b.filled = now
}

func (b *budget) spend(d time.Duration) { b.left -= d }

// enough tells whether something may be done that need not be done now.
func (b *budget) enough() bool { return b.left > 0 }

// slow tells whether a round trip took far longer than the server can do it;
// what is below a few milliseconds is noise.
func (b *budget) slow(took time.Duration) bool {
	if b.baseline == 0 || took < b.baseline {
		b.baseline = took
	}
	return took > 3*b.baseline && took > 5*time.Millisecond
}
