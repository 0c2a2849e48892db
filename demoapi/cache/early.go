package cache

import (
	"math"
	"time"
)

// earlyBeta weighs the early refresh; 1 is optimal for exponential load times.
const earlyBeta = 1

// early reports whether a reader should refresh a value now although it is
// fresh for another gap, so that seldom anybody finds it stale. It is XFetch
// (Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
// Prevention", 2015): now - beta*delta*ln(u) >= expiry, where delta is how long
// a load takes and u is uniform in (0, 1]. So the probability is
// exp(-gap/(beta*delta)).
func early(gap, delta time.Duration, u float64) bool {
	return -earlyBeta*float64(delta)*math.Log(u) >= float64(gap)
}

const (
	localLife = 5 * time.Second
	// earlyReach is how many load times before its expiry a value leaves the
	// local layer: earlier than that, not one reader in 400 refreshes it.
	earlyReach = 6
)

// localLifeOf is how long a value that is fresh for another gap may stay in the
// local layer; 0 or less: not at all. The last moments are left to Redis, where
// early refreshes are decided on.
func localLifeOf(gap, delta time.Duration) time.Duration {
	return min(localLife, gap-earlyReach*earlyBeta*delta)
}
