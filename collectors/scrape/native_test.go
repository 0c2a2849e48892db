package scrape

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"apitop/collectors/snapshot"
)

// nativeFamily is a histogram with native buckets, and classic ones if asked.
func nativeFamily(classic bool) *dto.MetricFamily {
	h := &dto.Histogram{
		SampleCount:   proto.Uint64(4),
		SampleSum:     new(0.5),
		Schema:        proto.Int32(3),
		ZeroThreshold: new(1e-9),
		PositiveSpan:  []*dto.BucketSpan{{Offset: proto.Int32(-20), Length: proto.Uint32(2)}},
		PositiveDelta: []int64{1, 2},
	}
	if classic { // client_golang writes no +Inf bucket
		h.Bucket = []*dto.Bucket{{UpperBound: new(0.1), CumulativeCount: proto.Uint64(3)}}
	}
	return &dto.MetricFamily{
		Name: new("http_request_duration_seconds"),
		Type: dto.MetricType_HISTOGRAM.Enum(),
		Metric: []*dto.Metric{{
			Label:     []*dto.LabelPair{{Name: new("route"), Value: new("/a\n\"b\"\\")}},
			Histogram: h,
		}},
	}
}

// TestNative reads native histograms: their count and sum, their buckets, and
// classic ones where there are some.
func TestNative(t *testing.T) {
	want := &snapshot.Native{Schema: 3, PerSecond: 1, ZeroThreshold: 1e-9,
		Positive: []snapshot.Sparse{{Index: -20, Count: 1}, {Index: -19, Count: 3}}}
	for name, bounds := range map[string]int{"both": 1, "native": 0} {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			h, err := r.Read(delimited(t, nativeFamily(bounds > 0)), protobufType)
			if err != nil || len(h.Durations) != 1 || len(h.Requests) != 1 {
				t.Fatalf("%+v, %v", h, err)
			}
			d := h.Durations[0]
			if d.Count != 4 || d.Sum != 0.5 || len(d.Bounds) != bounds || d.Cumulative[bounds] != 4 || h.Requests[0].Total != 4 {
				t.Errorf("%+v", d)
			}
			if !reflect.DeepEqual(d.Native, want) {
				t.Errorf("native %+v, want %+v", d.Native, want)
			}
			if route := d.Series.Route.Raw(); route != "/a\n\"b\"\\" {
				t.Errorf("route %q", route)
			}
			if notes := r.Notes(); len(notes) > 0 {
				t.Errorf("notes %v", notes)
			}
		})
	}
}

// protobufType is the content type of delimited messages.
const protobufType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// delimited writes families as a page of protobuf.
func delimited(t testing.TB, families ...*dto.MetricFamily) *bytes.Buffer {
	t.Helper()
	page := &bytes.Buffer{}
	for _, f := range families {
		if _, err := protodelim.MarshalTo(page, f); err != nil {
			t.Fatal(err)
		}
	}
	return page
}

// nativeCase is a histogram with 4 observations in classic buckets, and what
// must come of its native ones: nothing, where they are broken.
type nativeCase struct {
	change func(*dto.Histogram)
	want   *snapshot.Native
	why    string
}

func span(offset int32, length uint32) *dto.BucketSpan {
	return &dto.BucketSpan{Offset: &offset, Length: &length}
}

func goodNatives() map[string]nativeCase {
	list := func(b ...snapshot.Sparse) []snapshot.Sparse { return b }
	return map[string]nativeCase{
		"classic only": {change: func(h *dto.Histogram) {
			h.Schema, h.ZeroThreshold, h.PositiveSpan, h.PositiveDelta = nil, nil, nil, nil
		}},
		"no observations and no width": {
			change: func(h *dto.Histogram) {
				h.ZeroThreshold, h.PositiveSpan, h.PositiveDelta = nil, []*dto.BucketSpan{span(0, 0)}, nil
			},
			want: &snapshot.Native{Schema: 3, PerSecond: 1},
		},
		"both signs, gaps and empty buckets": {
			change: func(h *dto.Histogram) {
				h.PositiveSpan, h.PositiveDelta = []*dto.BucketSpan{span(-3, 2), span(4, 1), span(0, 1)}, []int64{2, -2, 5, 0}
				h.NegativeSpan, h.NegativeDelta = []*dto.BucketSpan{span(7, 1)}, []int64{1}
				h.ZeroCount = proto.Uint64(9)
			},
			want: &snapshot.Native{Schema: 3, PerSecond: 1, ZeroThreshold: 1e-9, ZeroCount: 9,
				Positive: list(snapshot.Sparse{Index: -3, Count: 2}, snapshot.Sparse{Index: 3, Count: 5}, snapshot.Sparse{Index: 4, Count: 5}),
				Negative: list(snapshot.Sparse{Index: 7, Count: 1})},
		},
		"counts as floats": {
			change: func(h *dto.Histogram) {
				h.SampleCount, h.SampleCountFloat = nil, new(4.0)
				h.PositiveDelta, h.PositiveCount = nil, []float64{0.5, 1.25}
				h.NegativeSpan, h.NegativeCount = []*dto.BucketSpan{span(7, 1)}, []float64{1.5}
				h.ZeroCountFloat = new(0.75)
			},
			want: &snapshot.Native{Schema: 3, PerSecond: 1, ZeroThreshold: 1e-9, ZeroCount: 0.75,
				Positive: list(snapshot.Sparse{Index: -20, Count: 0.5}, snapshot.Sparse{Index: -19, Count: 1.25}),
				Negative: list(snapshot.Sparse{Index: 7, Count: 1.5})},
		},
		"the coarsest schema": {
			change: func(h *dto.Histogram) { h.Schema, h.PositiveSpan[0].Offset = proto.Int32(-4), proto.Int32(-1) },
			want: &snapshot.Native{Schema: -4, PerSecond: 1, ZeroThreshold: 1e-9,
				Positive: list(snapshot.Sparse{Index: -1, Count: 1}, snapshot.Sparse{Index: 0, Count: 3})},
		},
	}
}

func brokenNatives() map[string]nativeCase {
	return map[string]nativeCase{
		"a schema too fine":   {change: func(h *dto.Histogram) { h.Schema = proto.Int32(9) }, why: "unknown schema"},
		"custom bounds":       {change: func(h *dto.Histogram) { h.Schema = proto.Int32(-53) }, why: "unknown schema"},
		"a negative count":    {change: func(h *dto.Histogram) { h.PositiveDelta = []int64{1, -2} }, why: "count cannot be"},
		"a count that is NaN": {change: func(h *dto.Histogram) { h.PositiveDelta, h.PositiveCount = nil, []float64{1, math.NaN()} }, why: "count cannot be"},
		"fewer counts":        {change: func(h *dto.Histogram) { h.PositiveDelta = []int64{1} }, why: "fit their spans"},
		"more counts":         {change: func(h *dto.Histogram) { h.PositiveDelta = []int64{1, 1, 1} }, why: "fit their spans"},
		"both kinds of count": {change: func(h *dto.Histogram) { h.PositiveCount = []float64{1, 3} }, why: "fit their spans"},
		"a step back":         {change: func(h *dto.Histogram) { h.PositiveSpan = []*dto.BucketSpan{span(1, 1), span(-1, 1)} }, why: "fit their spans"},
		"a span without end":  {change: func(h *dto.Histogram) { h.PositiveSpan[0].Length = proto.Uint32(math.MaxUint32) }, why: "fit their spans"},
		"beyond all numbers":  {change: func(h *dto.Histogram) { h.PositiveSpan[0].Offset = proto.Int32(8194) }, why: "fit their spans"},
		"an index too small":  {change: func(h *dto.Histogram) { h.PositiveSpan[0].Offset = proto.Int32(math.MinInt32) }, why: "fit their spans"},
		"a negative width":    {change: func(h *dto.Histogram) { h.ZeroThreshold = new(-1.0) }, why: "zero bucket"},
		"an infinite width":   {change: func(h *dto.Histogram) { h.ZeroThreshold = new(math.Inf(1)) }, why: "zero bucket"},
		"too many counts":     {change: func(h *dto.Histogram) { h.PositiveDelta = make([]int64, maxNativeBuckets+1) }, why: "too many"},
		"too many spans": {change: func(h *dto.Histogram) {
			for range maxNativeBuckets {
				h.PositiveSpan = append(h.PositiveSpan, span(0, 0))
			}
		}, why: "too many"},
	}
}

// TestNativeBuckets reads native buckets as they may be written, and broken ones,
// which cost nothing but themselves.
func TestNativeBuckets(t *testing.T) {
	all := goodNatives()
	maps.Copy(all, brokenNatives())
	for name, tt := range all {
		t.Run(name, func(t *testing.T) {
			f := nativeFamily(true)
			tt.change(f.Metric[0].Histogram)
			r := NewReader("t", Limits{})
			h, err := r.Read(delimited(t, f), protobufType)
			if err != nil || len(h.Durations) != 1 {
				t.Fatalf("%+v, %v", h, err)
			}
			d := h.Durations[0]
			if d.Count != 4 || d.Cumulative[0] != 3 || !reflect.DeepEqual(d.Native, tt.want) {
				t.Errorf("%+v, native %+v, want %+v", d, d.Native, tt.want)
			}
			bad := len(h.Page.FirstBad) > 0
			if bad != (tt.why != "") || bad && (h.Page.BadLines != 1 || h.Page.FirstBad[0].Line != 1 ||
				!strings.Contains(h.Page.FirstBad[0].Why.Raw(), tt.why)) {
				t.Errorf("bad %+v, want %q", h.Page.FirstBad, tt.why)
			}
		})
	}
}

// TestNativeComesAndGoes reads one target whose native buckets are there, gone,
// broken and there again: each reading has its own, and one that did not change
// is the same value.
func TestNativeComesAndGoes(t *testing.T) {
	r := NewReader("t", Limits{})
	read := func(change func(*dto.Histogram)) *snapshot.Native {
		t.Helper()
		f := nativeFamily(false)
		change(f.Metric[0].Histogram)
		h, err := r.Read(delimited(t, f), protobufType)
		if err != nil || len(h.Durations) != 1 {
			t.Fatalf("%+v, %v", h, err)
		}
		return h.Durations[0].Native
	}
	same := func(*dto.Histogram) {}
	first := read(same)
	if again := read(same); first == nil || again != first {
		t.Errorf("read again %p, want %p", again, first)
	}
	more := read(func(h *dto.Histogram) { h.PositiveDelta[0]++ })
	if more == first || more.Positive[0].Count != 2 || first.Positive[0].Count != 1 {
		t.Errorf("%+v after %+v", more, first)
	}
	if n := read(func(h *dto.Histogram) { h.PositiveDelta = nil }); n != nil {
		t.Errorf("broken: %+v", n)
	}
	if n := read(func(h *dto.Histogram) { h.PositiveDelta, h.PositiveSpan, h.ZeroThreshold = nil, nil, nil }); n != nil {
		t.Errorf("gone: %+v", n)
	}
	if n := read(same); n == nil || n.Positive[0].Count != 1 {
		t.Errorf("back: %+v", n)
	}
}

// TestNativeUnit reads milliseconds, and one metric twice on a page: the newer
// one counts, as for any sample.
func TestNativeUnit(t *testing.T) {
	f := nativeFamily(false)
	f.Name = new("http_request_duration_milliseconds")
	later := proto.CloneOf(f.Metric[0])
	f.Metric[0].TimestampMs, later.TimestampMs = new(int64(2)), new(int64(3))
	later.Histogram.PositiveDelta[1]++
	stale := proto.CloneOf(f.Metric[0])
	stale.TimestampMs = new(int64(1))
	f.Metric = append(f.Metric, later, stale)
	h, err := NewReader("t", Limits{}).Read(delimited(t, f), protobufType)
	if err != nil || len(h.Durations) != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	if n := h.Durations[0].Native; n == nil || n.PerSecond != 1000 || n.Positive[1].Count != 4 {
		t.Errorf("%+v", n)
	}
}

// TestNativePage ends at a page with more native buckets than it may have.
func TestNativePage(t *testing.T) {
	f := nativeFamily(false)
	f.Metric[0].Histogram.PositiveSpan[0].Length = proto.Uint32(maxNativeBuckets)
	f.Metric[0].Histogram.PositiveDelta = make([]int64, maxNativeBuckets)
	f.Metric[0].Histogram.PositiveDelta[0] = 1
	_, err := NewReader("t", Limits{Series: maxNativeBuckets / bucketsPerSeries}).Read(delimited(t, f), protobufType)
	if err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	_, err = NewReader("t", Limits{Series: maxNativeBuckets/bucketsPerSeries - 1}).Read(delimited(t, f), protobufType)
	if fail, ok := errors.AsType[*snapshot.Failure](err); !ok || fail.Kind != snapshot.Unsupported || !strings.Contains(fail.Error(), "1996 native buckets") {
		t.Errorf("too many: %v", err)
	}
}

// TestFieldOrder reads a message whose fields come in an order that no encoder
// writes but every decoder must take.
func TestFieldOrder(t *testing.T) {
	value := sub(metricCounter, append([]byte{simpleValue<<3 | 1}, le64(7)...))
	label := sub(metricLabel, append(sub(labelText, []byte("/a")), sub(labelName, []byte("route"))...))
	metric := sub(familyMetric, append(value, label...))
	name := sub(familyName, []byte("http_requests_total"))
	msg := slices.Concat(metric, name)
	r := NewReader("t", Limits{})
	h, err := r.Read(bytes.NewReader(append([]byte{byte(len(msg))}, msg...)), "application/vnd.google.protobuf;encoding=delimited")
	if err != nil || len(h.Requests) != 1 || h.Requests[0].Total != 7 || h.Requests[0].Series.Route.Raw() != "/a" {
		t.Errorf("%+v, %v", h, err)
	}
}

// le64 is v as a fixed64 field holds it.
func le64(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) }

// TestNativeChosen prefers a histogram with native buckets alone to a summary of
// the same requests, takes it for one at all, and finds its unit.
func TestNativeChosen(t *testing.T) {
	hist := nativeFamily(false)
	hist.Name = new("myapp_http_request_time")
	hist.Metric[0].Label = append(hist.Metric[0].Label, &dto.LabelPair{Name: new("status"), Value: new("200")})
	hist.Metric[0].Histogram.SampleSum = new(200.0) // 50 on average: milliseconds
	summary := &dto.MetricFamily{Name: new("myapp_http_request_latency"), Type: dto.MetricType_SUMMARY.Enum(), Metric: []*dto.Metric{{
		Label:   hist.Metric[0].Label,
		Summary: &dto.Summary{SampleCount: proto.Uint64(4), SampleSum: new(0.2)},
	}}}
	r := NewReader("t", Limits{})
	h, err := r.Read(delimited(t, summary, hist), protobufType)
	if err != nil || len(h.Durations) != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	if d := h.Durations[0]; h.Page.Duration.Raw() != *hist.Name || d.Native == nil || d.Native.PerSecond != 1000 || d.Sum != 0.2 {
		t.Errorf("%q: %+v, native %+v", h.Page.Duration, d, d.Native)
	}
	if notes := r.Notes(); len(notes) > 0 {
		t.Errorf("notes %+v", notes)
	}
}
