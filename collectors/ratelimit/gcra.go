package ratelimit

import (
	"math"

	"apitop/collectors/snapshot"
)

// gcra reads a string with the theoretical arrival time (TAT) of the generic cell
// rate algorithm: the unix microsecond at which the quota will be unused again,
// when the key expires too. Each request that is let through moves it by
// window/limit, in whole microseconds rounded up; one is denied while as much as
// the limit is used.
type gcra struct{}

// expirySlack is by how much a key's time to live may be off, in microseconds:
// the server rounds it to milliseconds, when it is set and when it is asked for.
const expirySlack = 2000

// timeMost is how many bytes of the value are asked for; a TAT has 16.
const timeMost = "31"

// Ask asks for the TAT, for what the neighbour says, without which the TAT means
// little, and for the time to live: the server's own word on how far away the TAT
// is, where now may be late by a round trip.
func (gcra) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", timeMost}, askNeighbour(r), {"pttl", r.Key}}
}

// Read implements [Reader].
func (gcra) Read(r Ref, _ Known, replies []any, now float64) Reading {
	if len(replies) != 3 {
		return Reading{}
	}
	text, ok := replies[0].(string)
	tat := number(text)
	if !ok || !tat.OK {
		return Reading{} // gone, of another type, or not a time
	}
	l := limiterOf(r, "gcra")
	readNeighbour(&l, replies[1])
	ahead := max(0, tat.V-now*1e6) // microseconds until unused
	if ttl, ok := replies[2].(int64); ok && ttl >= 0 {
		ahead = min(ahead, float64(ttl)*1000)
	}
	l.ResetsSeconds = snapshot.Known(ahead / 1e6)
	if l.Limit.V >= 1 && l.WindowSeconds.V > 0 {
		limit := math.Floor(l.Limit.V)
		pace := math.Ceil(l.WindowSeconds.V * 1e6 / limit)
		used := math.Ceil(max(0, ahead-expirySlack) / pace)
		l.Used = snapshot.Known(min(used, limit))
		if used >= limit {
			l.ResetsSeconds = snapshot.Known(max(0, ahead-(limit-1)*pace) / 1e6)
		}
	}
	return Reading{
		Limiter: l, Found: true,
		Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V},
	}
}
