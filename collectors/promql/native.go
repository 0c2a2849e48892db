package promql

import (
	"math"
	"slices"

	"github.com/prometheus/common/model"

	"apitop/collectors/snapshot"
)

// natives are the histograms of an answer whose samples are histograms. Those
// that are neither exponential nor have bounds of their own are left out, and
// counted.
func (p *places) natives(rows []row) (out []snapshot.Histogram, dropped int) {
	for i := range rows {
		r := &rows[i]
		if r.Histogram == nil || r.Histogram.Histogram == nil {
			dropped++
			continue
		}
		h, ok := p.native(r.Histogram.Histogram)
		if !ok {
			dropped++
			continue
		}
		h.Series = p.of(r).series
		out = append(out, h)
	}
	return out, dropped
}

// native reads one histogram from the API's form, which has the borders of each
// bucket that is not empty, but not the schema.
// Source: prometheus.io, HTTP API, Native histograms.
func (p *places) native(s *model.SampleHistogram) (snapshot.Histogram, bool) {
	h := snapshot.Histogram{Count: float64(s.Count), Sum: float64(s.Sum) / p.scale}
	if !finite(h.Count) || !finite(h.Sum) || h.Count < 0 {
		return h, false
	}
	if n, ok := exponential(s.Buckets); ok {
		n.PerSecond = p.scale
		h.Native = n
		h.Cumulative = []float64{h.Count}
		return h, true
	}
	return h, p.custom(&h, s.Buckets)
}

// custom writes buckets with bounds of their own as classic ones. Empty ones are
// missing, so that each bucket says where it begins and where it ends.
func (p *places) custom(h *snapshot.Histogram, buckets model.HistogramBuckets) bool {
	var bounds, cumulative []float64
	n := 0.0
	add := func(bound float64) {
		if bound /= p.scale; finite(bound) && (len(bounds) == 0 || bound > bounds[len(bounds)-1]) {
			bounds, cumulative = append(bounds, bound), append(cumulative, n)
		}
	}
	for _, b := range buckets {
		if b.Lower > 0 {
			add(float64(b.Lower))
		}
		n += float64(b.Count)
		add(float64(b.Upper))
	}
	cumulative = append(cumulative, h.Count)
	h.Bounds, h.Cumulative = p.shared(bounds), cumulative
	return finite(n) && (len(bounds) > 0 || h.Count == 0)
}

// exponential finds the schema by which all buckets are of one width, and their
// indexes; false when there is none. Borders are base^i with base = 2^(2^-schema).
func exponential(buckets model.HistogramBuckets) (*snapshot.Native, bool) {
	n := &snapshot.Native{}
	schema, known := finest, false // without buckets any will do, and this one coarsens no other
	for _, b := range buckets {
		lower, upper := float64(b.Lower), float64(b.Upper)
		if lower <= 0 && upper >= 0 {
			if b.Boundaries != closed {
				return nil, false // the first one of bounds of its own
			}
			n.ZeroThreshold, n.ZeroCount = upper, n.ZeroCount+float64(b.Count)
			continue
		}
		negative := upper < 0
		if negative {
			lower, upper = -upper, -lower
		}
		s, ok := schemaOf(lower, upper)
		if !ok || known && s != schema {
			return nil, false
		}
		schema, known = s, true
		at := snapshot.Sparse{Index: indexOf(upper, s), Count: float64(b.Count)}
		if negative {
			n.Negative = append(n.Negative, at)
		} else {
			n.Positive = append(n.Positive, at)
		}
	}
	slices.Reverse(n.Negative) // they came from the lowest value on
	n.Schema = schema
	return n, true
}

// closed marks a bucket with both of its borders in it: the zero bucket.
const closed = 3

// The schemas of exponential histograms.
const (
	coarsest = -4
	finest   = 8
)

// schemaOf is the schema of a bucket by its borders.
func schemaOf(lower, upper float64) (schema int, ok bool) {
	width := math.Log2(upper / lower) // 2^-schema
	if lower <= 0 || !finite(upper) || width <= 0 {
		return 0, false
	}
	exact := -math.Log2(width)
	schema = int(math.Round(exact))
	if schema < coarsest || schema > finest || math.Abs(exact-float64(schema)) > 1e-6 {
		return 0, false
	}
	at := math.Ldexp(math.Log2(upper), schema)
	return schema, math.Abs(at-math.Round(at)) < 1e-6
}

// indexOf is the index of the bucket that ends at upper.
func indexOf(upper float64, schema int) int32 {
	return int32(math.Round(math.Ldexp(math.Log2(upper), schema)))
}
