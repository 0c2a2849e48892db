package load

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestEnoughSamples(t *testing.T) {
	for q, need := range map[float64]uint64{0: 10, 0.5: 20, 0.9: 100, 0.95: 200, 0.99: 1000, 0.999: 10000, 1: 1} {
		if enoughSamples(q, need-1) || !enoughSamples(q, need) {
			t.Errorf("quantile %v: %d samples must be the first that are enough", q, need)
		}
	}
}

// TestLatency: percentiles lie within the precision, are the same after JSON,
// and unknown where there are not enough samples.
func TestLatency(t *testing.T) {
	for name, n := range map[string]int{"one": 1, "few": 19, "p50": 20, "p95": 200, "p99": 1000, "many": 10_000} {
		tm := newTimings(precise)
		for i := range n {
			tm.record(time.Duration(i+1) * 10 * time.Millisecond / time.Duration(n) * 100)
		}
		before := tm.latency()
		text, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		var after Latency
		if err := json.Unmarshal(text, &after); err != nil {
			t.Fatal(err)
		}
		for q, got := range map[float64]*float64{0.5: after.P50, 0.9: after.P90, 0.95: after.P95, 0.99: after.P99, 0.999: after.P999} {
			value, enough := after.Quantile(q)
			if enough != (got != nil) || enough != enoughSamples(q, uint64(n)) {
				t.Errorf("%s: enough samples for %v: %v, in JSON %v", name, q, enough, got)
			}
			if was, _ := before.Quantile(q); was != value || got != nil && *got != value {
				t.Errorf("%s: quantile %v is %v before JSON, %v after it", name, q, was, value)
			}
			want := math.Ceil(q*float64(n)) / float64(n)
			if enough && math.Abs(value-want) > 0.002*want {
				t.Errorf("%s: quantile %v is %v s, want %v", name, q, value, want)
			}
		}
		if math.Abs(*after.Max-1) > 0.001 || after.Count != uint64(n) {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

func TestLatencyRange(t *testing.T) {
	tm := newTimings(precise)
	for _, d := range []time.Duration{-time.Second, 0, time.Hour, 60 * time.Second} {
		tm.record(d)
	}
	l := tm.latency()
	if l.Count != 4 || l.Over != 1 || *l.Max < 59.9 || *l.Max > 60.1 {
		t.Errorf("%+v", l)
	}
	tm.reset()
	if l := tm.latency(); l.Count != 0 || l.Max != nil || l.Mean != nil || l.HDR != "" || l.Over != 0 {
		t.Errorf("without samples: %+v", l)
	}
}

func TestDamagedHistogram(t *testing.T) {
	for _, hdr := range []string{"!", "AAAA", "HISTFAAA"} {
		l := Latency{Count: 5000, HDR: hdr}
		if _, err := l.Histogram(); err == nil {
			t.Errorf("%q: no error", hdr)
		}
		if v, enough := l.Quantile(0.5); enough || v != 0 {
			t.Errorf("%q: quantile %v", hdr, v)
		}
	}
	var none Latency
	if v, enough := none.Quantile(0.5); enough || v != 0 {
		t.Errorf("zero value: %v", v)
	}
}
