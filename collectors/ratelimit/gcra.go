package ratelimit

import (
	"math"

	"apitop/collectors/snapshot"
)

// gcra reads a string with the theoretical arrival time (TAT) of the generic cell
// rate algorithm: the time at which the quota will be unused again, when the key
// expires too. Each request that is let through moves it by window/limit; one is
// denied while as much as the limit is used.
type gcra struct {
	clock clock
	// whole is set when the pace is rounded up to whole ticks.
	whole bool
	// strict is set for times that anything else could be, too: the TAT must be
	// as far away as the key has to live, and an integer of nanoseconds if the
	// clock says so.
	strict bool
}

// expirySlack is by how many seconds a key's time to live may be off: the server
// rounds it to milliseconds, when it is set and when it is asked for.
const expirySlack = 0.002

// strictSlack is the same where limiters give lifetimes in whole seconds by
// clocks of their own.
const strictSlack = 2.0

// timeMost is how many bytes of the value are asked for, less one; a TAT has up
// to 20.
const timeMost = "31"

// Ask asks for the TAT, for what the neighbour says, without which the TAT means
// little, and for the time to live: the server's own word on how far away the TAT
// is, where now may be late by a round trip.
func (g gcra) Ask(r Ref, _ Known, _ float64) [][]string {
	asks := [][]string{{"getrange", r.Key, "0", timeMost}, {"pttl", r.Key}}
	if r.Layout.Neighbour != nil {
		asks = append(asks, askNeighbour(r))
	}
	return asks
}

// Read implements [Reader].
func (g gcra) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) < 2 {
		return Reading{}
	}
	text, ok := replies[0].(string)
	tat := number(text)
	ttl := lifetimeOf(replies[1])
	if !ok || !tat.OK || g.strict && !g.fits(text, tat.V, ttl, now) {
		return Reading{} // gone, of another type, or not a time
	}
	l := limiterOf(r, "gcra")
	quota := k.Told
	if len(replies) > 2 {
		readNeighbour(&l, replies[2])
		if l.Limit.OK {
			quota = Quota{Limit: math.Floor(l.Limit.V), Window: l.WindowSeconds.V}
		}
	}
	quota.fill(&l)
	ahead := max(0, g.clock.unix(tat.V)-now) // seconds until unused
	if ttl.ok && !g.strict {                 // those live whole seconds, rounded down or up
		ahead = min(ahead, ttl.seconds)
	}
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	l.ResetsSeconds = snapshot.Known(ahead)
	g.use(&l, quota, ahead)
	return Reading{
		Limiter: l, Found: true,
		Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V},
	}
}

// use counts the requests that the time ahead is worth. At the limit it is the
// next request that matters, not when all are unused.
func (g gcra) use(l *snapshot.Limiter, q Quota, ahead float64) {
	pace, size := q.pace(), math.Floor(q.size())
	if pace <= 0 || size < 1 {
		return
	}
	if g.whole {
		ticks := firstOf(g.clock.perSecond, 1)
		pace = math.Ceil(pace*ticks) / ticks
	}
	used := math.Ceil(max(0, ahead-expirySlack) / pace)
	l.Used = snapshot.Known(min(used, size))
	l.WindowSeconds = snapshot.Known(pace * size)
	if g.whole { // the window is what was said; the pace is rounded
		l.WindowSeconds = snapshot.Known(q.Window)
	}
	if used >= size {
		l.ResetsSeconds = snapshot.Known(max(0, ahead-(size-1)*pace))
	}
}

// fits tells a TAT from any other number.
func (g gcra) fits(text string, tat float64, ttl lifetime, now float64) bool {
	if g.clock.perSecond == 1e9 {
		if _, whole := integer(text); !whole || len(text) != 19 {
			return false
		}
	}
	ahead := g.clock.unix(tat) - now
	return ttl.ok && math.Abs(ahead-ttl.seconds) <= strictSlack
}
