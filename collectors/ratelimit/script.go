package ratelimit

import "math"

// Scripted is what the arguments of a limiter's script told.
type Scripted struct {
	Layout   string
	Series   string // of the keys that it is said of; see [snapshot.Limiter].Series
	Endpoint string // as in the key
	Quota    Quota  // without From
}

// Script tells what the numbers mean that a script was called with beside the
// key, NaN where one is none: most limiters keep their limit nowhere else. Of the
// layouts that claim the key the first one has it whose script has so many.
// False: none of them tells a limit.
func (r Ref) Script(args []float64) (Scripted, bool) {
	for i := 0; i <= len(r.others); i++ {
		c := r.claim(i)
		if c.Layout.Script == nil {
			continue
		}
		q := c.Layout.Script(args)
		if !plausible(q.Limit) || !plausible(q.Window) || q.Burst != 0 && !plausible(q.Burst) {
			continue
		}
		series := c.series().Raw()
		if series == "" {
			series = c.Key
		}
		return Scripted{Layout: c.Layout.Name, Series: series, Endpoint: c.Endpoint, Quota: q}, true
	}
	return Scripted{}, false
}

// plausible tells numbers that limits may have.
func plausible(v float64) bool { return v > 0 && v <= math.MaxUint32 }

// The arguments of the scripts, as in the sources that the tests name.

// redisRate: burst, rate, period in seconds, cost.
func redisRate(a []float64) (q Quota) {
	if len(a) == 4 {
		q = Quota{Limit: a[1], Window: a[2], Burst: a[0]}
	}
	return q
}

// traefikScript: requests in a microsecond, burst, lifetime in seconds, now, most
// delay.
func traefikScript(a []float64) (q Quota) {
	if len(a) == 5 {
		q = Quota{Limit: roundTo(a[0]*1e6, 1e-6), Window: 1, Burst: a[1]}
	}
	if q.Limit > 0 && q.Limit < 1 { // slower than one a second
		q.Limit, q.Window = 1, roundTo(1/q.Limit, 1e-3)
	}
	return q
}

// roundTo takes off what a division before left over.
func roundTo(v, step float64) float64 { return math.Round(v/step) * step }

// springScript: requests in a second, size of the bucket, now or nothing, cost.
func springScript(a []float64) (q Quota) {
	if len(a) == 4 {
		q = Quota{Limit: a[0], Window: 1, Burst: a[1]}
	}
	return q
}

// fastapiScript: limit, window in milliseconds.
func fastapiScript(a []float64) (q Quota) {
	if len(a) == 2 {
		q = Quota{Limit: a[0], Window: a[1] / 1000}
	}
	return q
}

// upstashCounts: of fixed windows limit, window in milliseconds and cost; of
// sliding ones limit, now, window in milliseconds and cost.
func upstashCounts(a []float64) (q Quota) {
	switch len(a) {
	case 3:
		q = Quota{Limit: a[0], Window: a[1] / 1000}
	case 4:
		q = Quota{Limit: a[0], Window: a[2] / 1000}
	}
	return q
}

// upstashBucket: size, interval in milliseconds, tokens for each, now, cost.
func upstashBucket(a []float64) (q Quota) {
	if len(a) == 5 {
		q = Quota{Limit: a[2], Window: a[1] / 1000, Burst: a[0]}
	}
	return q
}

// laravelDuration: now, now in whole seconds, window in seconds, limit.
func laravelDuration(a []float64) (q Quota) {
	if len(a) == 4 && math.Abs(a[0]-a[1]) <= 2 { // any script may have a key that is called like a limiter's
		q = Quota{Limit: a[3], Window: a[2]}
	}
	return q
}
