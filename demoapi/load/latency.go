package load

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of all histograms, in microseconds. What is longer is counted as
// the longest.
const (
	shortest = 1
	longest  = 60_000_000
)

// Digits of precision. Three cost 139 KB a histogram, two 20 KB.
const (
	precise = 3
	coarse  = 2
)

// Latency is a distribution of times. In JSON it has the usual percentiles, and
// with them the whole histogram. A percentile is null when there are not enough
// samples to tell it: fewer than 10 above it, so p50 needs 20, p95 200, p99
// 1000. A Latency belongs to one goroutine at a time.
type Latency struct {
	Count uint64   `json:"count"`
	P50   *float64 `json:"p50_seconds"`
	P90   *float64 `json:"p90_seconds"`
	P95   *float64 `json:"p95_seconds"`
	P99   *float64 `json:"p99_seconds"`
	P999  *float64 `json:"p999_seconds"`
	Max   *float64 `json:"max_seconds"`  // null without samples
	Mean  *float64 `json:"mean_seconds"` // null without samples
	Over  uint64   `json:"over_range"`   // samples over 60 s, counted as 60 s
	HDR   string   `json:"hdr"`          // HdrHistogram V2, deflated, base64, in microseconds; "" without samples

	hist *hdrhistogram.Histogram // of HDR once it was decoded, or the original
}

// Quantile is the time below which the share q, 0 to 1, of the samples lie;
// enough says that there are enough samples to tell it. Without samples, or
// with a histogram that cannot be read, it is 0 and false.
func (l *Latency) Quantile(q float64) (seconds float64, enough bool) {
	h, err := l.Histogram()
	if err != nil || h.TotalCount() == 0 || !(q >= 0 && q <= 1) {
		return 0, false
	}
	return float64(h.ValueAtPercentile(q*100)) / 1e6, enoughSamples(q, uint64(h.TotalCount()))
}

// Histogram is the whole distribution in microseconds, decoded if need be. It
// must not be changed. An error says that HDR is damaged.
func (l *Latency) Histogram() (*hdrhistogram.Histogram, error) {
	switch {
	case l.hist != nil:
		return l.hist, nil
	case l.HDR == "":
		return hdrhistogram.New(shortest, longest, coarse), nil
	}
	h, err := hdrhistogram.Decode([]byte(l.HDR))
	if err != nil {
		return nil, fmt.Errorf("load: decode a histogram: %w", err)
	}
	l.hist = h
	return h, nil
}

// UnmarshalJSON forgets a histogram that was decoded before.
func (l *Latency) UnmarshalJSON(b []byte) error {
	type plain Latency
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*l = Latency(p)
	return nil
}

// enoughSamples says whether n samples tell the quantile q: ten must lie above
// it, or a single one more would move it far.
func enoughSamples(q float64, n uint64) bool {
	if q >= 1 {
		return n > 0
	}
	return float64(n)*(1-q) >= 10-1e-9
}

// timings is a Latency in the making.
type timings struct {
	hist *hdrhistogram.Histogram
	over uint64
}

func newTimings(digits int) *timings {
	return &timings{hist: hdrhistogram.New(shortest, longest, digits)}
}

// record counts one sample.
func (t *timings) record(d time.Duration) {
	us := d.Microseconds()
	if us > longest {
		t.over++
		us = longest
	}
	// In range it cannot fail.
	_ = t.hist.RecordValue(max(us, shortest))
}

func (t *timings) reset() {
	t.hist.Reset()
	t.over = 0
}

// latency is what was recorded so far; it shares nothing with t.
func (t *timings) latency() Latency {
	n := uint64(t.hist.TotalCount())
	l := Latency{Count: n, Over: t.over, hist: t.hist.Clone()}
	if n == 0 {
		return l
	}
	for q, p := range map[float64]**float64{0.5: &l.P50, 0.9: &l.P90, 0.95: &l.P95, 0.99: &l.P99, 0.999: &l.P999} {
		*p = t.quantile(q)
	}
	l.Max, l.Mean = seconds(t.hist.Max()), new(t.hist.Mean()/1e6)
	// Encoding fails only for a histogram of no size.
	if b, err := t.hist.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
		l.HDR = string(b)
	}
	return l
}

// quantile is nil when there are not enough samples.
func (t *timings) quantile(q float64) *float64 {
	if !enoughSamples(q, uint64(t.hist.TotalCount())) {
		return nil
	}
	return seconds(t.hist.ValueAtPercentile(q * 100))
}

func seconds(us int64) *float64 { return new(float64(us) / 1e6) }
