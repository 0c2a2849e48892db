package analysis

import (
	"math"

	"apitop/collectors/snapshot"
)

// What is done here with native histograms is what PromQL does with them:
// prometheus/prometheus model/histogram/float_histogram.go (DetectReset, Add,
// Sub) and generic.go (bounds). A Native is never changed: each function makes
// a new one, which may share the buckets of its arguments.

// The finest and the coarsest schema of exponential buckets.
const (
	minSchema = -4
	maxSchema = 8
)

// upperBound is the upper bound of bucket index of a schema, in the observed
// unit: 2^(index * 2^-schema). The last bucket of regular numbers ends at the
// largest of them, and the one for infinities behind it at +Inf.
func upperBound(index int32, schema int) float64 {
	exp, frac := int(index), 0.0
	if schema < 0 {
		exp <<= -schema
	} else {
		frac = float64(exp&(1<<schema-1)) / float64(int(1)<<schema)
		exp >>= schema
	}
	if frac == 0 && exp == 1024 {
		return math.MaxFloat64
	}
	return math.Ldexp(math.Exp2(frac), exp)
}

func lowerBound(index int32, schema int) float64 { return upperBound(index-1, schema) }

// coarser is the bucket that holds bucket index when the schema falls by so
// many steps: ceil(index / 2^steps).
func coarser(index int32, steps int) int32 {
	return int32((int64(index)-1)>>steps + 1) //nolint:gosec // nearer to zero than index
}

// downscaled puts neighbours together for a schema so many steps coarser.
func downscaled(list []snapshot.Sparse, steps int) []snapshot.Sparse {
	if steps <= 0 || len(list) == 0 {
		return list
	}
	out := make([]snapshot.Sparse, 0, len(list))
	for _, b := range list {
		b.Index = coarser(b.Index, steps)
		if n := len(out); n > 0 && out[n-1].Index == b.Index {
			out[n-1].Count += b.Count
			continue
		}
		out = append(out, b)
	}
	return out
}

// atSchema is n at a schema that is not finer than its own.
func atSchema(n *snapshot.Native, schema int) *snapshot.Native {
	if schema == n.Schema {
		return n
	}
	out := *n
	out.Schema = schema
	out.Positive = downscaled(n.Positive, n.Schema-schema)
	out.Negative = downscaled(n.Negative, n.Schema-schema)
	return &out
}

// widened is n with a zero bucket of at least this width: buckets inside it
// count as zero, and one that the width cuts is inside as a whole.
func widened(n *snapshot.Native, width float64) *snapshot.Native {
	if width <= n.ZeroThreshold {
		return n
	}
	out := *n
	for grew := true; grew; {
		p, atLeast := inside(n.Positive, n.Schema, width)
		m, alsoAtLeast := inside(n.Negative, n.Schema, atLeast)
		out.ZeroCount = n.ZeroCount + sumOf(n.Positive[:p]) + sumOf(n.Negative[:m])
		out.Positive, out.Negative = n.Positive[p:], n.Negative[m:]
		grew, width = alsoAtLeast > atLeast, alsoAtLeast // the positive side again
	}
	out.ZeroThreshold = width
	return &out
}

// inside is how many buckets of one side begin below width, and where the last
// of them ends, or width.
func inside(list []snapshot.Sparse, schema int, width float64) (n int, end float64) {
	for n < len(list) && lowerBound(list[n].Index, schema) < width {
		width = max(width, upperBound(list[n].Index, schema))
		n++
	}
	return n, width
}

func sumOf(list []snapshot.Sparse) float64 {
	n := 0.0
	for _, b := range list {
		n += b.Count
	}
	return n
}

// observed is how many observations n holds.
func observed(n *snapshot.Native) float64 {
	return sumOf(n.Negative) + n.ZeroCount + sumOf(n.Positive)
}

// alike brings a and b to one zero bucket and one schema, the coarser ones.
func alike(a, b *snapshot.Native) (*snapshot.Native, *snapshot.Native) {
	for a.ZeroThreshold != b.ZeroThreshold {
		a, b = widened(a, b.ZeroThreshold), widened(b, a.ZeroThreshold)
	}
	schema := min(a.Schema, b.Schema)
	return atSchema(a, schema), atSchema(b, schema)
}

// combined is a + sign*b: both together with 1, what b grew to a with -1.
func combined(a, b *snapshot.Native, sign float64) *snapshot.Native {
	a, b = alike(a, b)
	return &snapshot.Native{
		Schema:        a.Schema,
		PerSecond:     a.PerSecond,
		ZeroThreshold: a.ZeroThreshold,
		ZeroCount:     a.ZeroCount + sign*b.ZeroCount,
		Positive:      merged(a.Positive, b.Positive, sign),
		Negative:      merged(a.Negative, b.Negative, sign),
	}
}

// merged is a + sign*b bucket by bucket, without those that come out empty.
func merged(a, b []snapshot.Sparse, sign float64) []snapshot.Sparse {
	if len(b) == 0 {
		return a
	}
	var out []snapshot.Sparse
	if sign > 0 {
		out = make([]snapshot.Sparse, 0, max(len(a), len(b))+4)
	}
	put := func(index int32, count float64) {
		if count != 0 {
			out = append(out, snapshot.Sparse{Index: index, Count: count})
		}
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Index < b[0].Index:
			put(a[0].Index, a[0].Count)
			a = a[1:]
		case len(a) == 0 || b[0].Index < a[0].Index:
			put(b[0].Index, sign*b[0].Count)
			b = b[1:]
		default:
			put(a[0].Index, a[0].Count+sign*b[0].Count)
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// nativeFell tells whether a histogram was reset between two readings: a bucket
// fell, or the buckets became finer, which a client does only when it begins
// anew. They may become coarser, and the zero bucket wider, at any time.
func nativeFell(before, after *snapshot.Native) bool {
	if before == after {
		return false
	}
	if after.Schema > before.Schema || after.ZeroThreshold < before.ZeroThreshold || after.PerSecond != before.PerSecond {
		return true
	}
	then := widened(before, after.ZeroThreshold)
	if then.ZeroThreshold > after.ZeroThreshold || then.ZeroCount > after.ZeroCount {
		return true
	}
	then = atSchema(then, after.Schema)
	return !within(then.Positive, after.Positive) || !within(then.Negative, after.Negative)
}

// within tells whether no bucket of a holds more than b's.
func within(a, b []snapshot.Sparse) bool {
	for _, x := range a {
		for len(b) > 0 && b[0].Index < x.Index {
			b = b[1:]
		}
		if len(b) == 0 || b[0].Index != x.Index || b[0].Count < x.Count {
			return false
		}
	}
	return true
}
