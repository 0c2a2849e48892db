package analysis

import (
	"math"
	"time"

	"apitop/collectors/snapshot"
)

// limitTrack follows one limiter from reading to reading. Keys are read at
// unlike times: what grew is divided by the time between its own readings, and
// not by that of the rounds.
type limitTrack struct {
	last      snapshot.Limiter
	at        time.Time // of the newest reading
	seen      time.Time // when it was last among the keys
	throttled time.Time // when it was last seen denied or blocked; zero: never
	samples   []limitSample
	stand     stand
	trend     tail[float32]
	scaled    bool // the trend is used / limit
	row       Subject
}

// limitSample is how much had grown until a reading, since the track began; NaN
// where it is unknown.
type limitSample struct {
	at    time.Time
	grown [limitSeries]float64
}

// The series of a limitSample.
const (
	requestedGrowth = iota // RequestedTotal; a fall is a restart
	deniedGrowth           // DeniedTotal; a fall is a restart
	countedGrowth          // Used, where a fall is a new window
	beyondGrowth           // what Used is above Limit, where a fall is a new window
	netGrowth              // Used, as it rises and falls
	limitSeries
)

const (
	mostSamples = 16
	// trendGap is the time without a reading from which a trend shows a gap.
	trendGap = 15 * time.Second
	// limitTrendPoints is how many readings the trend of a subject shows.
	limitTrendPoints = 60
)

func newLimitTrack() *limitTrack { return &limitTrack{trend: tail[float32]{keep: limitTrendPoints}} }

// take takes a reading made at the time at; false when it is the one that was
// taken before.
func (t *limitTrack) take(lim *snapshot.Limiter, at time.Time, window time.Duration) bool {
	if !t.at.IsZero() && !at.After(t.at) {
		return false
	}
	if gap := at.Sub(t.at); !t.at.IsZero() && jumped(gap, at.Round(0).Sub(t.at.Round(0))) {
		t.samples, t.stand = nil, stand{}
	}
	t.pushTrend(lim, at)
	next := limitSample{at: at}
	totals, before := totalsOf(lim), totalsOf(&t.last)
	for i := range totals {
		next.grown[i] = t.grownTo(i, before[i], totals[i])
	}
	denies := len(t.samples) > 0 && (rises(t.samples[len(t.samples)-1].grown[deniedGrowth], next.grown[deniedGrowth]) ||
		rises(t.samples[len(t.samples)-1].grown[beyondGrowth], next.grown[beyondGrowth]))
	if denies || isBlocked(lim) {
		t.throttled = at
	}
	t.append(next, window)
	t.last, t.at = *lim, at
	t.stand.take(lim.Used, at)
	return true
}

// rises is false of unknown ones.
func rises(a, b float64) bool { return b > a }

// isBlocked tells whether a key says that its subject is blocked.
func isBlocked(lim *snapshot.Limiter) bool {
	return lim.Blocked || lim.Used.OK && lim.Limit.OK && lim.Used.V >= lim.Limit.V
}

// totalsOf is the numbers that the series follow.
func totalsOf(lim *snapshot.Limiter) [limitSeries]Value {
	beyond := Value{}
	if lim.Used.OK && lim.Limit.OK {
		beyond = snapshot.Known(max(lim.Used.V-lim.Limit.V, 0))
	}
	return [limitSeries]Value{
		requestedGrowth: lim.RequestedTotal,
		deniedGrowth:    lim.DeniedTotal,
		countedGrowth:   lim.Used,
		beyondGrowth:    beyond,
		netGrowth:       lim.Used,
	}
}

// grownTo is how much series i has grown when its total goes from before to now.
func (t *limitTrack) grownTo(i int, before, now Value) float64 {
	switch {
	case !now.OK:
		return math.NaN()
	case len(t.samples) == 0 || !before.OK:
		return 0 // the baseline
	}
	by := now.V - before.V
	if by < 0 && i != netGrowth {
		by = now.V
	}
	return t.samples[len(t.samples)-1].grown[i] + by
}

// append keeps what the window needs: one sample before it, and in it not more
// than mostSamples.
func (t *limitTrack) append(next limitSample, window time.Duration) {
	n := len(t.samples)
	apart := window / (mostSamples - 4)
	if n > 2 && t.samples[n-1].at.Sub(t.samples[n-2].at) < apart {
		n-- // it takes the place of the newest
	}
	t.samples = append(t.samples[:n], next)
	for len(t.samples) > 2 && next.at.Sub(t.samples[1].at) > window || len(t.samples) > mostSamples {
		t.samples = t.samples[:copy(t.samples, t.samples[1:])]
	}
}

// rate is the growth of series i per second over the readings of the window, or
// over the last two of them; unknown without two.
func (t *limitTrack) rate(i int, window time.Duration) Value {
	from, to, ok := t.span(i, window)
	if !ok {
		return Value{}
	}
	return ratio(to.grown[i]-from.grown[i], to.at.Sub(from.at).Seconds())
}

func (t *limitTrack) span(i int, window time.Duration) (from, to limitSample, ok bool) {
	n := len(t.samples) - 1
	if n < 1 || math.IsNaN(t.samples[n].grown[i]) {
		return from, to, false
	}
	to = t.samples[n]
	at := n
	for at > 0 && !math.IsNaN(t.samples[at-1].grown[i]) && (at == n || to.at.Sub(t.samples[at-1].at) <= window+window/20) {
		at--
	}
	return t.samples[at], to, at < n
}

// pushTrend adds used / limit, or used where there is no limit, to the trend.
func (t *limitTrack) pushTrend(lim *snapshot.Limiter, at time.Time) {
	v, scaled := lim.Used, lim.Limit.OK
	if share := over(lim.Used, lim.Limit); scaled {
		v = share
	}
	if scaled != t.scaled {
		t.trend, t.scaled = tail[float32]{keep: limitTrendPoints}, scaled
	}
	if !t.at.IsZero() && at.Sub(t.at) > trendGap {
		t.trend.push(float32(math.NaN()))
	}
	if !v.OK {
		v.V = math.NaN()
	}
	t.trend.push(float32(v.V))
}
