package scrape

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"apitop/collectors/snapshot"
)

// FuzzNative reads anything as a Histogram: it must not panic, must give the same
// when read again, and where the protobuf library can read it too, the native
// buckets must be those that its structs say.
func FuzzNative(f *testing.F) {
	for _, group := range []map[string]nativeCase{goodNatives(), brokenNatives()} {
		for _, c := range group {
			family := nativeFamily(true)
			c.change(family.Metric[0].Histogram)
			if raw, err := proto.Marshal(family.Metric[0].Histogram); err != nil {
				f.Fatal(err)
			} else if len(raw) < 1000 {
				f.Add(raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := NewReader("t", Limits{BodyBytes: 64 << 10, Series: 500})
		first, err1 := r.Read(histogramPage(raw), protobufType)
		second, err2 := r.Read(histogramPage(raw), protobufType)
		if (err1 == nil) != (err2 == nil) || !reflect.DeepEqual(first, second) {
			t.Fatalf("first %+v, %v\nagain %+v, %v", first, err1, second, err2)
		}
		checkReading(t, first)
		h := &dto.Histogram{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, h) != nil {
			return
		}
		clean, err := proto.Marshal(h) // without fields that nobody knows
		if err != nil {
			t.Fatal(err)
		}
		page, err := NewReader("t", Limits{BodyBytes: 64 << 10, Series: 500}).Read(histogramPage(clean), protobufType)
		if err != nil || len(page.Durations) != 1 {
			return // too large, or the count or the sum cannot be
		}
		got, want := page.Durations[0].Native, expanded(h)
		if got != nil && want != nil {
			want.PerSecond = got.PerSecond // found by the numbers
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v of %v", got, want, h)
		}
	})
}

// histogramPage is a page with one histogram, as it is on the wire.
func histogramPage(raw []byte) *bytes.Reader {
	msg := sub(familyName, []byte("http_request_duration_seconds"))
	msg = protowire.AppendTag(msg, familyType, protowire.VarintType)
	msg = protowire.AppendVarint(msg, uint64(dto.MetricType_HISTOGRAM))
	msg = append(msg, sub(familyMetric, append(sub(metricLabel, append(sub(labelName, []byte("route")), sub(labelText, []byte("/a"))...)),
		sub(metricHistogram, raw)...))...)
	return bytes.NewReader(append(binary.AppendUvarint(nil, uint64(len(msg))), msg...))
}

// expanded is the native buckets of h, one by one; nil when they cannot be.
func expanded(h *dto.Histogram) *snapshot.Native {
	zero := max(float64(h.GetZeroCount()), h.GetZeroCountFloat())
	if h.GetZeroThreshold() == 0 && zero == 0 && len(h.PositiveSpan)+len(h.NegativeSpan) == 0 {
		return nil
	}
	pos, ok1 := expandedSide(h.PositiveSpan, h.PositiveDelta, h.PositiveCount, h.GetSchema())
	neg, ok2 := expandedSide(h.NegativeSpan, h.NegativeDelta, h.NegativeCount, h.GetSchema())
	wrong := h.GetSchema() < -4 || h.GetSchema() > 8 ||
		!finite(h.GetZeroThreshold()) || h.GetZeroThreshold() < 0 || !finite(zero) || zero < 0
	if wrong || !ok1 || !ok2 {
		return nil
	}
	return &snapshot.Native{Schema: int(h.GetSchema()), PerSecond: 1, ZeroThreshold: h.GetZeroThreshold(), ZeroCount: zero,
		Positive: pos, Negative: neg}
}

func expandedSide(spans []*dto.BucketSpan, deltas []int64, counts []float64, schema int32) (list []snapshot.Sparse, ok bool) {
	last := int64(0)
	counts = slices.Clone(counts)
	for _, d := range deltas {
		last += d
		counts = append(counts, float64(last))
	}
	var places []int64
	next := int64(0)
	for i, s := range spans {
		if i > 0 && s.GetOffset() < 0 || s.GetLength() > maxNativeBuckets {
			return nil, false
		}
		next += int64(s.GetOffset())
		for range s.GetLength() {
			places = append(places, next)
			next++
		}
	}
	if len(places) != len(counts) || len(counts) > maxNativeBuckets || len(spans) > maxNativeBuckets {
		return nil, false
	}
	for i, n := range counts {
		if !finite(n) || n < 0 {
			return nil, false
		}
		if n == 0 {
			continue
		}
		power := float64(places[i]) * math.Exp2(-float64(schema)) // of two, at the upper end
		if schema >= -4 && schema <= 8 && (power < -1075 || power > 1024+math.Exp2(-float64(schema))) {
			return nil, false
		}
		list = append(list, snapshot.Sparse{Index: int32(places[i]), Count: n})
	}
	return list, true
}
