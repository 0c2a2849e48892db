package scrape

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"
)

// cpu is the CPU time of this process so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timedRun runs f b.N times and reports CPU time, which a busy machine disturbs
// less than the clock.
func timedRun(b *testing.B, f func()) {
	f() // the first run is cold
	b.ReportAllocs()
	began := cpu(b)
	n := 0
	for b.Loop() {
		f()
		n++
	}
	b.ReportMetric(float64(cpu(b)-began)/float64(n)/1e6, "cpu-ms/op")
}

// BenchmarkBigPage reads 100,000 samples again and again (12.6 MB).
func BenchmarkBigPage(b *testing.B) {
	page := bigPage(1)
	b.Run("warm", func(b *testing.B) {
		r := NewReader("t", Limits{})
		b.SetBytes(int64(len(page)))
		timedRun(b, func() {
			if h, err := r.Read(bytes.NewReader(page), ""); err != nil || h.Page.Samples != 100_000 {
				b.Fatal(err)
			}
		})
	})
	b.Run("cold", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		timedRun(b, func() {
			if _, err := NewReader("t", Limits{}).Read(bytes.NewReader(page), ""); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("churn", func(b *testing.B) { // one series comes and goes
		r := NewReader("t", Limits{})
		other := append(append([]byte{}, page...), "http_requests_total{code=\"200\",handler=\"/new\",method=\"get\"} 1\n"...)
		pages, n := [][]byte{page, other}, 0
		b.SetBytes(int64(len(page)))
		timedRun(b, func() {
			if _, err := r.Read(bytes.NewReader(pages[n%2]), ""); err != nil {
				b.Fatal(err)
			}
			n++
		})
	})
	b.Run("protobuf", func(b *testing.B) {
		wire := encode(b, page)
		r := NewReader("t", Limits{})
		b.SetBytes(int64(len(wire)))
		timedRun(b, func() {
			if h, err := r.Read(bytes.NewReader(wire), ""); err != nil || h.Page.Samples != 100_000 {
				b.Fatal(err)
			}
		})
	})
	b.Run("expfmt", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		timedRun(b, func() {
			p := expfmt.NewTextParser(model.UTF8Validation)
			if _, err := p.TextToMetricFamilies(bytes.NewReader(page)); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkSmallPage reads a page of a usual service's size: 2,000 samples.
func BenchmarkSmallPage(b *testing.B) {
	page := bigPage(1)[:260_000]
	page = page[:bytes.LastIndexByte(page, '\n')+1]
	r := NewReader("t", Limits{})
	b.SetBytes(int64(len(page)))
	timedRun(b, func() {
		if _, err := r.Read(bytes.NewReader(page), ""); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkNativePage reads 5,000 native histograms of 60 buckets each; in one of
// two rounds a tenth of them has grown.
func BenchmarkNativePage(b *testing.B) {
	f := nativeFamily(false)
	one := f.Metric[0]
	one.Histogram.PositiveSpan[0].Length = proto.Uint32(60)
	one.Histogram.PositiveDelta = make([]int64, 60)
	one.Histogram.PositiveDelta[0] = 70
	f.Metric = nil
	for i := range 5000 {
		m := proto.CloneOf(one)
		m.Label[0].Value = new(fmt.Sprintf("/routes/%d", i))
		f.Metric = append(f.Metric, m)
	}
	pages := [2][]byte{delimited(b, f).Bytes()}
	for i := 0; i < len(f.Metric); i += 10 {
		f.Metric[i].Histogram.PositiveDelta[30]++
	}
	pages[1] = delimited(b, f).Bytes()
	for name, step := range map[string]int{"idle": 0, "growing": 1} {
		b.Run(name, func(b *testing.B) {
			r, n := NewReader("t", Limits{}), 0
			b.SetBytes(int64(len(pages[0])))
			timedRun(b, func() {
				h, err := r.Read(bytes.NewReader(pages[n%2]), protobufType)
				if err != nil || len(h.Durations) != 5000 || len(h.Durations[17].Native.Positive) != 60 {
					b.Fatal(err)
				}
				n += step
			})
		})
	}
}
