package scrape

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
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

// TestNative reads native histograms: their count and sum, and their classic
// buckets where there are some.
func TestNative(t *testing.T) {
	tests := map[string]struct {
		classic bool
		bounds  int
		note    string
	}{
		"both":   {true, 1, ""},
		"native": {false, 0, "1 native histogram without classic buckets"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var page bytes.Buffer
			if _, err := protodelim.MarshalTo(&page, nativeFamily(tt.classic)); err != nil {
				t.Fatal(err)
			}
			r := NewReader("t", Limits{})
			h, err := r.Read(&page, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
			if err != nil || len(h.Durations) != 1 || len(h.Requests) != 1 {
				t.Fatalf("%+v, %v", h, err)
			}
			d := h.Durations[0]
			if d.Count != 4 || d.Sum != 0.5 || len(d.Bounds) != tt.bounds || d.Cumulative[tt.bounds] != 4 || h.Requests[0].Total != 4 {
				t.Errorf("%+v", d)
			}
			if route := d.Series.Route.Raw(); route != "/a\n\"b\"\\" {
				t.Errorf("route %q", route)
			}
			var notes strings.Builder
			for _, n := range r.Notes() {
				notes.WriteString(n.What.String())
			}
			if got := notes.String(); !strings.Contains(got, tt.note) || (got == "") != (tt.note == "") {
				t.Errorf("notes %q, want %q", got, tt.note)
			}
		})
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
