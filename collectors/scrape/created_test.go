package scrape

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/types/known/timestamppb"

	"apitop/collectors/snapshot"
)

// pythonPage is a page as Python's client writes it: the times stand in families
// of their own, and their labels in any order.
const pythonPage = `# TYPE http_requests_total counter
http_requests_total{route="/a",code="200"} 5
http_requests_total{route="/b",code="200"} 7
http_requests_total{route="/c",code="200"} 9
# TYPE http_requests_created gauge
http_requests_created{code="200",route="/a"} 1.7e+09
http_requests_created{route="/b",code="200",extra=""} 1.700000001e+09
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{route="/a",le="0.1"} 5
http_request_duration_seconds_bucket{route="/a",le="+Inf"} 5
http_request_duration_seconds_count{route="/a"} 5
http_request_duration_seconds_sum{route="/a"} 0.2
# TYPE http_request_duration_seconds_created gauge
http_request_duration_seconds_created{route="/a"} 1.700000002e+09
`

const openMetricsPage = `# TYPE http_requests counter
http_requests_total{route="/a",code="200"} 5
http_requests_created{route="/a",code="200"} 1700000000.5
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{route="/a",le="+Inf"} 5
http_request_duration_seconds_count{route="/a"} 5
http_request_duration_seconds_sum{route="/a"} 0.2
http_request_duration_seconds_created{route="/a"} 1700000002
# EOF
`

// createdTimes are what a reading says of when its series began, by kind and
// route.
func createdTimes(h *snapshot.HTTP) map[string]float64 {
	all := map[string]float64{}
	for _, c := range h.Requests {
		all["count "+c.Series.Route.Raw()] = c.Created
	}
	for _, d := range h.Durations {
		all["time "+d.Series.Route.Raw()] = d.Created
	}
	return all
}

func TestCreated(t *testing.T) {
	tests := map[string]struct {
		page, contentType string
		want              map[string]float64
	}{
		"python": {pythonPage, "text/plain; version=0.0.4", map[string]float64{
			"count /a": 1.7e9, "count /b": 1.700000001e9, "count /c": 0, "time /a": 1.700000002e9,
		}},
		"OpenMetrics": {openMetricsPage, "application/openmetrics-text; version=1.0.0", map[string]float64{
			"count /a": 1700000000.5, "time /a": 1700000002,
		}},
		"protobuf": {createdMessages(t), "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", map[string]float64{
			"count /a": 1700000000.25, "time /a": 1700000003,
		}},
		"none": {strings.ReplaceAll(pythonPage, "_created", "_made"), "text/plain", map[string]float64{
			"count /a": 0, "count /b": 0, "count /c": 0, "time /a": 0,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			for range 2 {
				h, err := r.Read(strings.NewReader(tt.page), tt.contentType)
				if err != nil {
					t.Fatal(err)
				}
				if got := createdTimes(h); !maps.Equal(got, tt.want) {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// TestCreatedFollowsThePage reads pages on which the times change, vanish and
// come back.
func TestCreatedFollowsThePage(t *testing.T) {
	r := NewReader("t", Limits{})
	for _, step := range []struct {
		old, with string
		want      float64
	}{
		{"", "", 1.7e9},
		{"1.7e+09", "1.8e+09", 1.8e9},
		{`http_requests_created{code="200",route="/a"} 1.7e+09` + "\n", "", 0},
		{"1.7e+09", "1.9e+09", 1.9e9},
		{"1.7e+09", "NaN", 0},
		{"1.7e+09", "0", 0},
	} {
		h, err := r.Read(strings.NewReader(strings.Replace(pythonPage, step.old, step.with, 1)), "text/plain")
		if err != nil {
			t.Fatal(err)
		}
		if got := createdTimes(h)["count /a"]; got != step.want {
			t.Errorf("with %q: created %v, want %v", step.with, got, step.want)
		}
	}
}

func createdMessages(t *testing.T) string {
	t.Helper()
	stamp := func(seconds int64, nanos int32) *timestamppb.Timestamp {
		return timestamppb.New(time.Unix(seconds, int64(nanos)))
	}
	labels := []*dto.LabelPair{{Name: new("route"), Value: new("/a")}, {Name: new("code"), Value: new("200")}}
	var page bytes.Buffer
	for _, f := range []*dto.MetricFamily{
		{
			Name: new("http_requests_total"), Type: dto.MetricType_COUNTER.Enum(),
			Metric: []*dto.Metric{{Label: labels, Counter: &dto.Counter{Value: new(5.0), CreatedTimestamp: stamp(1700000000, 250_000_000)}}},
		},
		{
			Name: new("http_request_duration_seconds"), Type: dto.MetricType_HISTOGRAM.Enum(),
			Metric: []*dto.Metric{{Label: labels, Histogram: &dto.Histogram{
				SampleCount: new(uint64(5)), SampleSum: new(0.2), CreatedTimestamp: stamp(1700000003, 0),
				Bucket: []*dto.Bucket{{UpperBound: new(0.1), CumulativeCount: new(uint64(5))}},
			}}},
		},
		{
			Name: new("other_seconds"), Type: dto.MetricType_SUMMARY.Enum(),
			Metric: []*dto.Metric{{Summary: &dto.Summary{SampleCount: new(uint64(5)), SampleSum: new(0.2), CreatedTimestamp: stamp(1700000004, 0)}}},
		},
		{
			Name: new("other_gauge"), Type: dto.MetricType_GAUGE.Enum(),
			Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: new(1.0)}}},
		},
	} {
		if _, err := protodelim.MarshalTo(&page, f); err != nil {
			t.Fatal(err)
		}
	}
	return page.String()
}

// TestSummaryCreated: a summary has its time in another field than a histogram.
func TestSummaryCreated(t *testing.T) {
	r := NewReader("t", Limits{})
	if _, err := r.Read(strings.NewReader(createdMessages(t)), "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"other_seconds_count": 1700000004, "other_gauge": 0} {
		if s := r.table.index()[name]; s == nil || s.created() != want {
			t.Errorf("%s: %+v, want it created at %v", name, s, want)
		}
	}
}
