package analysis

import (
	"encoding/json"
	"math"
	"slices"

	"apitop/collectors/snapshot"
)

// Bucket is the histogram bucket that a percentile fell in: all that is really
// known of it.
type Bucket struct {
	Lo float64 // seconds
	Hi float64 // seconds; +Inf in the last bucket
}

// First tells whether Lo is only where the ladder starts: the bucket says "less
// than Hi".
func (b Bucket) First() bool { return b.Lo == 0 || math.IsInf(b.Lo, -1) }

// Open tells whether the bucket has no upper end: it says "more than Lo".
func (b Bucket) Open() bool { return math.IsInf(b.Hi, 1) }

// Coarse tells whether the bucket is so wide that a place inside it says little:
// wider than half of its upper end.
func (b Bucket) Coarse() bool { return b.Open() || b.Hi-b.Lo > math.Abs(b.Hi)/2 }

// A percentile of few observations is an anecdote. With fewer than these behind
// it, it is to be shown as such.
const (
	EnoughP50 = 4
	EnoughP95 = 20
	EnoughP99 = 100
)

// MarshalJSON writes [lo, hi]; an open end is null.
func (b Bucket) MarshalJSON() ([]byte, error) {
	hi := any(b.Hi)
	if math.IsInf(b.Hi, 1) {
		hi = nil
	}
	return json.Marshal([]any{b.Lo, hi})
}

// ladder is a cumulative histogram of what happened in a window. The zero
// ladder is empty.
type ladder struct {
	bounds []float64 // finite upper bounds, rising
	cum    []float64 // observations <= bounds[i]; one more for +Inf
	count  float64
	sum    float64
	cut    bool // bounds were lost in a merge of unlike ladders

	native  *snapshot.Native // exponential buckets of the same observations; nil: not of all
	classic bool             // some observations have only the bounds
}

// add merges other into l. Equal ladders add up; unlike ones keep only the
// bounds they share, where cumulative counts stay exact. Missing bounds are
// never interpolated.
func (l *ladder) add(other ladder) {
	if other.empty() {
		return // nothing happened, whatever its bounds
	}
	l.addNative(other)
	l.count += other.count
	l.sum += other.sum
	switch {
	case l.cum == nil:
		l.bounds, l.cum = other.bounds, slices.Clone(other.cum)
	case sameFloats(l.bounds, other.bounds):
		for i := range l.cum {
			l.cum[i] += other.cum[i]
		}
	default:
		l.intersect(other)
	}
	l.cut = l.cut || other.cut
}

// empty tells whether nothing was observed.
func (l *ladder) empty() bool {
	return l.count == 0 && (len(l.cum) == 0 || l.cum[len(l.cum)-1] == 0)
}

// addNative merges the exponential buckets while all observations have some, and
// of one unit.
func (l *ladder) addNative(other ladder) {
	switch {
	case l.classic:
	case other.native == nil, l.native != nil && l.native.PerSecond != other.native.PerSecond:
		l.native, l.classic = nil, true
	case l.native == nil:
		l.native = other.native
	default:
		l.native = combined(l.native, other.native, 1)
	}
}

func (l *ladder) intersect(other ladder) {
	var bounds, cum []float64
	for i, b := range l.bounds {
		if j, ok := slices.BinarySearch(other.bounds, b); ok {
			bounds = append(bounds, b)
			cum = append(cum, l.cum[i]+other.cum[j])
		}
	}
	total := l.cum[len(l.cum)-1] + other.cum[len(other.cum)-1]
	cum = append(cum, total)
	l.bounds, l.cum, l.cut = bounds, cum, true
}

// quantile is the q-quantile (0..1) in seconds with the bucket it fell in: from
// the exponential buckets where all observations have some, else by linear
// interpolation within the bucket, as PromQL's histogram_quantile does
// (prometheus/prometheus promql/quantile.go, BucketQuantile): the lowest bucket
// starts at 0 when its bound is positive, and in the last, open bucket the
// answer is its lower bound, "at least". It is unknown without observations or
// without a finite bound.
func (l *ladder) quantile(q float64) (Value, *Bucket) {
	if l.native != nil {
		return nativeQuantile(l.native, q)
	}
	n := len(l.bounds)
	if n == 0 || len(l.cum) != n+1 || l.cum[n] <= 0 {
		return Value{}, nil
	}
	rank := q * l.cum[n]
	below := 0.0 // observations below the bucket; the running maximum heals dips
	for i := range n {
		upTo := max(l.cum[i], below)
		if upTo >= rank && upTo > 0 {
			return l.inside(i, rank, below, upTo)
		}
		below = upTo
	}
	return Value{V: l.bounds[n-1], OK: true}, &Bucket{Lo: l.bounds[n-1], Hi: math.Inf(1)}
}

// inside interpolates in finite bucket i, which holds the observations from
// below to upTo.
func (l *ladder) inside(i int, rank, below, upTo float64) (Value, *Bucket) {
	hi := l.bounds[i]
	lo := 0.0
	switch {
	case i > 0:
		lo = l.bounds[i-1]
	case hi <= 0:
		return Value{V: hi, OK: true}, &Bucket{Lo: math.Inf(-1), Hi: hi}
	}
	v := lo + (hi-lo)*(rank-below)/(upTo-below)
	return Value{V: v, OK: true}, &Bucket{Lo: lo, Hi: hi}
}

// BucketCount is how many observations fell into a bucket.
type BucketCount struct {
	Bucket Bucket
	N      float64
}

// counts takes the ladder apart into its buckets; exponential ones into at most
// so many rows, 40 if it is 0.
func (l *ladder) counts(most int) []BucketCount {
	if l.native != nil {
		return nativeCounts(l.native, most)
	}
	if len(l.cum) != len(l.bounds)+1 || l.count == 0 {
		return nil
	}
	list := make([]BucketCount, 0, len(l.cum))
	lo, below := 0.0, 0.0
	for i, upTo := range l.cum {
		hi := math.Inf(1)
		if i < len(l.bounds) {
			hi = l.bounds[i]
		}
		upTo = max(upTo, below)
		list = append(list, BucketCount{Bucket{Lo: lo, Hi: hi}, upTo - below})
		lo, below = hi, upTo
	}
	return list
}

// lossy tells whether bounds were lost on which the quantiles depend.
func (l *ladder) lossy() bool { return l.cut && l.native == nil }

// mean is the average in seconds; unknown without observations.
func (l *ladder) mean() Value { return ratio(l.sum, l.count) }

// short tells whether the ladder ends below the mean: more time was spent than
// its buckets can show, so that its percentiles say little.
func (l *ladder) short() bool {
	mean := l.mean()
	return mean.OK && l.native == nil && len(l.bounds) > 0 && mean.V > l.bounds[len(l.bounds)-1]
}

// ratio is a / b, unknown when b is not positive.
func ratio(a, b float64) Value {
	if b <= 0 {
		return Value{}
	}
	return Value{V: a / b, OK: true}
}

// over is a / b of Values, unknown when either is or b is not positive.
func over(a, b Value) Value {
	if !a.OK || !b.OK {
		return Value{}
	}
	return ratio(a.V, b.V)
}
