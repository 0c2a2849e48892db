package analysis

import (
	"math"

	"apitop/collectors/snapshot"
)

// nativeQuantile is the q-quantile (0..1) in seconds with the bucket it fell in,
// as PromQL's histogram_quantile has it (prometheus/prometheus v0.316
// promql/quantile.go, HistogramQuantile): from the front below the median and
// else from the back, on a logarithmic scale inside a bucket, but linear in the
// zero bucket, which begins at 0 when there is nothing negative. In the bucket of
// infinities the answer is its lower bound, "at least". It is unknown without
// observations.
func nativeQuantile(n *snapshot.Native, q float64) (Value, *Bucket) {
	total := observed(n)
	if !(total > 0) {
		return Value{}, nil
	}
	var place int
	var fraction float64
	if q < 0.5 {
		place, fraction = findRank(n, q*total, false)
	} else {
		place, fraction = findRank(n, (1-q)*total, true)
		fraction = 1 - fraction
	}
	lo, hi, _ := nthBucket(n, place)
	v := between(lo, hi, fraction)
	return Value{V: v / n.PerSecond, OK: true}, &Bucket{Lo: lo / n.PerSecond, Hi: hi / n.PerSecond}
}

// findRank walks over the buckets, lowest or highest first, to the one in which
// the count reaches rank, and says how much of it is needed, 0..1.
func findRank(n *snapshot.Native, rank float64, fromTop bool) (place int, fraction float64) {
	buckets := len(n.Negative) + 1 + len(n.Positive)
	below := 0.0
	for i := range buckets {
		at := i
		if fromTop {
			at = buckets - 1 - i
		}
		_, _, count := nthBucket(n, at)
		if count == 0 {
			continue
		}
		if below+count >= rank {
			return at, (rank - below) / count
		}
		below += count
		place = at
	}
	return place, 1 // rounding: the rank is the total
}

// nthBucket is bucket i of n from the lowest up, in the observed unit, as far as
// the zero bucket leaves it.
func nthBucket(n *snapshot.Native, i int) (lo, hi, count float64) {
	negative := len(n.Negative)
	switch {
	case i < negative:
		b := n.Negative[negative-1-i]
		hi, lo = -lowerBound(b.Index, n.Schema), -upperBound(b.Index, n.Schema)
		return lo, max(lo, min(hi, -n.ZeroThreshold)), b.Count
	case i > negative:
		b := n.Positive[i-negative-1]
		lo, hi = lowerBound(b.Index, n.Schema), upperBound(b.Index, n.Schema)
		return min(hi, max(lo, n.ZeroThreshold)), hi, b.Count
	}
	lo, hi = -n.ZeroThreshold, n.ZeroThreshold
	switch {
	case negative == 0 && len(n.Positive) > 0:
		lo = 0
	case negative > 0 && len(n.Positive) == 0:
		hi = 0
	}
	return lo, hi, n.ZeroCount
}

// between is the value at a fraction of a bucket.
func between(lo, hi, fraction float64) float64 {
	switch {
	case math.IsInf(hi, 1):
		return lo
	case math.IsInf(lo, -1):
		return hi
	case lo <= 0 && hi >= 0:
		return lo + (hi-lo)*fraction
	case lo > 0:
		from, to := math.Log2(lo), math.Log2(hi)
		return min(math.Exp2(from+(to-from)*fraction), hi) // the power may be infinite
	}
	from, to := math.Log2(-lo), math.Log2(-hi)
	return max(-math.Exp2(to+(from-to)*(1-fraction)), lo)
}

// nativeRows is how many rows a distribution has that nobody limits.
const nativeRows = 40

// nativeCounts takes n apart into its buckets, as fine as gives at most so many
// rows, from the lowest that holds something to the highest.
func nativeCounts(n *snapshot.Native, most int) []BucketCount {
	if most <= 0 {
		most = nativeRows
	}
	for schema := n.Schema; ; schema-- {
		n = atSchema(n, schema)
		if rows := spread(n); rows <= most || schema == minSchema-8 {
			return nativeList(n, rows)
		}
	}
}

// spread is how many rows n takes, empty ones in between included.
func spread(n *snapshot.Native) int {
	rows := 0
	for _, side := range [...][]snapshot.Sparse{n.Negative, n.Positive} {
		if len(side) > 0 {
			rows += int(side[len(side)-1].Index-side[0].Index) + 1
		}
	}
	if n.ZeroCount > 0 {
		rows++
	}
	return rows
}

func nativeList(n *snapshot.Native, rows int) []BucketCount {
	list := make([]BucketCount, 0, rows)
	put := func(lo, hi, count float64) {
		list = append(list, BucketCount{Bucket{lo / n.PerSecond, hi / n.PerSecond}, count})
	}
	negative := len(n.Negative)
	for i := range negative + 1 + len(n.Positive) {
		lo, hi, count := nthBucket(n, i)
		if i == negative && count == 0 {
			continue
		}
		if i > 0 && i < negative {
			for gap := n.Negative[negative-i].Index - 1; gap > n.Negative[negative-1-i].Index; gap-- {
				put(-upperBound(gap, n.Schema), -lowerBound(gap, n.Schema), 0)
			}
		}
		if i > negative+1 {
			for gap := n.Positive[i-negative-2].Index + 1; gap < n.Positive[i-negative-1].Index; gap++ {
				put(lowerBound(gap, n.Schema), upperBound(gap, n.Schema), 0)
			}
		}
		put(lo, hi, count)
	}
	return list
}
