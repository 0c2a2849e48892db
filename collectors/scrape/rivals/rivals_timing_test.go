package rivals

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"apitop/collectors/scrape"
)

// samples is how many the page of all benchmarks has.
const samples = 100_000

// page is what a large gateway writes: 200 routes, 5 methods and 5 statuses with
// a histogram of 17 buckets each, and as many counters. 12.6 MB.
func page() []byte {
	var b bytes.Buffer
	series := func(i int) string {
		return fmt.Sprintf(`code="%d",handler="/api/v1/resource-%03d/{id}/items",method=%q,service="checkout"`,
			[]int{200, 201, 404, 429, 500}[i%5], i/25, []string{"get", "post", "put", "patch", "delete"}[i/5%5])
	}
	b.WriteString("# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n")
	for i := range 5000 {
		l := series(i)
		for n := range 16 {
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"%g\"} %d\n", l, 0.001*float64(int(1)<<n), i+n*7)
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", l, i+200)
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{%s} %g\n", l, float64(i)*0.0123456789)
		fmt.Fprintf(&b, "http_request_duration_seconds_count{%s} %d\n", l, i+200)
	}
	b.WriteString("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "http_requests_total{%s} %d\n", series(i), i+200)
	}
	return b.Bytes()
}

// parser reads the page once and gives the number of its samples.
type parser struct {
	name string
	read func(page []byte) (int, error)
}

// parsers are apitop first, then the rivals. Each keeps what it may keep from
// one page to the next: apitop its Reader, textparse a table of labels by raw
// series as the Prometheus server has one. What they do differs: apitop also
// finds and fills the reading, textparse "bare" does not even look at labels.
func parsers() []parser {
	reader := scrape.NewReader("t", scrape.Limits{})
	known := map[string]labels.Labels{}
	return []parser{
		{"apitop", func(page []byte) (int, error) {
			h, err := reader.Read(bytes.NewReader(page), "text/plain; version=0.0.4")
			if err != nil {
				return 0, err
			}
			return h.Page.Samples, nil
		}},
		{"expfmt", readExpfmt},
		{"textparse-bare", func(page []byte) (int, error) { return readTextparse(page, nil) }},
		{"textparse-labels", func(page []byte) (int, error) {
			return readTextparse(page, func(p textparse.Parser, _ []byte) { var l labels.Labels; p.Labels(&l) })
		}},
		{"textparse-cached", func(page []byte) (int, error) {
			return readTextparse(page, func(p textparse.Parser, raw []byte) {
				if _, ok := known[string(raw)]; !ok {
					var l labels.Labels
					p.Labels(&l)
					known[string(raw)] = l
				}
			})
		}},
	}
}

func readExpfmt(page []byte) (int, error) {
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(page))
	n := 0
	for _, f := range families {
		for _, m := range f.Metric {
			n++ // a counter
			if h := m.Histogram; h != nil {
				n += len(h.Bucket) + 1 // and the sum
			}
		}
	}
	return n, err
}

func readTextparse(page []byte, each func(textparse.Parser, []byte)) (int, error) {
	p, err := textparse.New(page, "text/plain; version=0.0.4", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		raw, _, v := p.Series()
		if math.IsNaN(v) {
			return n, fmt.Errorf("no value: %s", raw)
		}
		n++
		if each != nil {
			each(p, raw)
		}
	}
}

// cpu is the CPU time of this process so far: a busy machine disturbs it less
// than the clock.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cost is one reading: CPU time, with that of collecting the garbage, and
// allocations.
func cost(b *testing.B, p parser, page []byte) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := cpu()
	n, err := p.read(page)
	if err != nil || n != samples {
		b.Fatalf("%s: %d samples, %v", p.name, n, err)
	}
	runtime.ReadMemStats(&after)
	if after.TotalAlloc-before.TotalAlloc > 1<<20 {
		runtime.GC()
	}
	return cpu() - began, after.Mallocs - before.Mallocs
}

// BenchmarkBigPage reads the page with all parsers in turn and reports, of each,
// the least CPU time and the allocations, and how many times apitop's cost the
// others need.
func BenchmarkBigPage(b *testing.B) {
	text, all := page(), parsers()
	least := make([]time.Duration, len(all))
	allocs := make([]uint64, len(all))
	for i, p := range all { // the first reading is cold
		if _, err := p.read(text); err != nil {
			b.Fatal(err)
		}
		least[i] = math.MaxInt64
	}
	for b.Loop() {
		for i, p := range all {
			d, n := cost(b, p, text)
			least[i], allocs[i] = min(least[i], d), n
		}
	}
	for i, p := range all {
		b.ReportMetric(float64(least[i])/1e6, p.name+"-cpu-ms")
		b.ReportMetric(float64(allocs[i]), p.name+"-allocs")
		if i > 0 {
			b.ReportMetric(float64(least[i])/float64(least[0]), p.name+"/apitop")
		}
	}
	b.ReportMetric(float64(len(text))/1e6, "page-MB")
	b.ReportMetric(0, "ns/op") // all of them together mean nothing
}
