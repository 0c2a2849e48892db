package load

import (
	"math"
	"time"
)

// maxBehind is how far the generator may fall behind its schedule before it
// gives requests up. Without a bound a machine waking from sleep would send
// hours of traffic at once.
const maxBehind = 10 * time.Second

// offset is when request number i (from 0) is due after the start: i / rps. It
// does not depend on the requests before, so delays do not add up.
//
//	rps 4:  0 ────── 250 ms ────── 500 ms ────── 750 ms ────── 1 s
//	     i: 0        1             2             3             4
func offset(i uint64, rps float64) time.Duration {
	ns := float64(i) / rps * float64(time.Second)
	if !(ns < math.MaxInt64) { // also if rps is 0 or no number
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// surplus is how many requests to give up when the next one is late by lag: all
// that are due by now, if that is too late.
func surplus(lag time.Duration, rps float64) uint64 {
	if lag <= maxBehind {
		return 0
	}
	return uint64(lag.Seconds() * rps)
}
