package rediskeys

import "time"

// budget keeps our share of the server's time small: it fills up with the duty
// and is emptied by what our requests cost the server. It starts full, so that a
// small keyspace is known at once, and pays that back in the first minute. When
// the server slows down it rests.
//
// A round trip is more than the server's time: it is also the network's, ours,
// and that of others whose commands came first, or who share its processor. So
// each round measures with the server's own clock of its processor what our
// commands cost it, where INFO may be asked, and that is taken off for each.
type budget struct {
	duty   float64
	left   time.Duration
	loan   time.Duration // of left, not yet paid back
	filled time.Time     // when it was last refilled

	each  time.Duration // what a command costs the server; 0: not known yet
	trips time.Duration // of this round
	asked int           // commands of this round
	spent time.Duration // of left in this round

	worked, travelled time.Duration // as measured in the last rounds, the older ones fading
	commands          float64       // of those rounds

	baseline time.Duration // a light round trip when the server has nothing else to do
	resting  int           // rounds to go without exploring
	rest     int           // how many those were at first: doubles while it stays slow
}

const (
	saved       = 10 * time.Second // idle time that may be saved up
	nearNetwork = 2 * time.Millisecond
	longestRest = 16 // rounds
	noise       = 5 * time.Millisecond
	leastEach   = 500 * time.Nanosecond // a command: no measurement is trusted to show less
	fewCommands = 200                   // fewer tell nothing
	payBack     = 6                     // one part in so many of what is earned pays the loan
	margin      = 0.75                  // of the duty: the rest is for INFO, and for what measuring misses, about a quarter
)

func newBudget(duty float64) budget {
	b := budget{duty: margin * duty}
	b.left = b.most()
	b.loan = b.left
	return b
}

func (b *budget) most() time.Duration { return time.Duration(b.duty * float64(saved)) }

// refill adds what the time since the last refill earned.
func (b *budget) refill(now time.Time) {
	if !b.filled.IsZero() {
		earned := time.Duration(b.duty * float64(now.Sub(b.filled)))
		paid := min(b.loan, earned/payBack)
		b.loan -= paid
		b.left = min(b.left+earned-paid, b.most())
	}
	b.filled, b.trips, b.asked, b.spent = now, 0, 0, 0
}

// spend takes a round trip of so many commands off. Of a far server's answers,
// what a light one takes beyond nearNetwork is the network's time and not the
// server's. The debt has a limit, so that one hiccup does not keep us from looking
// for a minute.
func (b *budget) spend(took time.Duration, commands int) {
	far := max(b.baseline-nearNetwork, 0)
	trip := max(took-far, 0)
	cost := b.cost(trip, commands)
	b.trips += trip
	b.asked += commands
	b.spent += cost
	b.left = max(b.left-cost, -b.most())
}

// charge takes off what the server did for us beside our requests.
func (b *budget) charge(cost time.Duration) { b.left = max(b.left-cost, -b.most()) }

// cost is what commands cost the server whose answers took so long.
func (b *budget) cost(trip time.Duration, commands int) time.Duration {
	if b.each == 0 {
		return trip
	}
	return min(trip, time.Duration(commands)*b.each)
}

// measure takes how long the server worked for us in this round, and puts right
// what was taken off for it. One round says little, since others do not work
// evenly: a command costs what it did in the last rounds together, for which the
// measured time may also be below zero in some.
func (b *budget) measure(worked time.Duration) {
	const keep = 0.9
	b.worked = time.Duration(keep*float64(b.worked)) + worked
	b.travelled = time.Duration(keep*float64(b.travelled)) + b.trips
	b.commands = keep*b.commands + float64(b.asked)
	if b.commands < fewCommands {
		return
	}
	most := time.Duration(float64(b.travelled) / b.commands)
	b.each = max(min(time.Duration(float64(b.worked)/b.commands), most), leastEach)
	b.left = min(b.left+b.spent-b.cost(b.trips, b.asked), b.most())
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
