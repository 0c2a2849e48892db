package rediskeys

import "time"

// budget keeps our share of the server's time small: it fills up with the duty
// and is emptied by our round trips. It starts full, so that a small keyspace is
// known at once. When the server slows down it rests.
type budget struct {
	duty   float64
	left   time.Duration
	filled time.Time // when it was last refilled

	baseline time.Duration // a light round trip when the server has nothing else to do
	resting  int           // rounds to go without exploring
	rest     int           // how many those were at first: doubles while it stays slow
}

const (
	saved       = 10 * time.Second // idle time that may be saved up
	nearNetwork = 2 * time.Millisecond
	longestRest = 16 // rounds
	noise       = 5 * time.Millisecond
)

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

// spend takes a round trip off. Of a far server's answers, what a light one
// takes beyond nearNetwork is the network's time and not the server's. The debt
// has a limit, so that one hiccup does not keep us from looking for a minute.
func (b *budget) spend(took time.Duration) {
	far := max(b.baseline-nearNetwork, 0)
	b.left = max(b.left-max(took-far, 0), -b.most())
}

// enough tells whether something may be done that need not be done now.
func (b *budget) enough() bool { return b.left > 0 }

// look takes the time of a round's first, light round trip. One that lasts more
// than three times the baseline tells of a server with too much to do: exploring
// rests for a round, for two if it is still so, and so on. The baseline rises by
// two percent a round, to follow a network that has become slower.
func (b *budget) look(took time.Duration) {
	if b.baseline == 0 || took < b.baseline {
		b.baseline = took
	} else {
		b.baseline += b.baseline / 50
	}
	b.resting = max(b.resting-1, 0)
	switch slow := took > 3*b.baseline && took > b.baseline+noise; {
	case b.resting > 0: // not yet over
	case slow:
		b.rest = min(max(2*b.rest, 1), longestRest)
		b.resting = b.rest
	default:
		b.rest = 0
	}
}

// mayExplore tells whether the server can bear more than what must be read.
func (b *budget) mayExplore() bool { return b.enough() && b.resting == 0 }
