package scrape

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// samples is a page as name and labels -> value.
type samples map[string]string

// set keeps a sample; the second of one series shows as such.
func (s samples) set(name string, labels map[string]string, v float64) {
	var text strings.Builder
	text.WriteString(name)
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		value := labels[l]
		if f, err := strconv.ParseFloat(value, 64); err == nil && (l == "le" || l == "quantile") {
			value = fmt.Sprint(f) // 1.0 and 1 are one bound
		}
		fmt.Fprintf(&text, ",%q=%q", l, value)
	}
	key := text.String()
	for s[key] != "" {
		key += " again"
	}
	s[key] = fmt.Sprint(v)
}

// ours is what the table holds after a page was read.
func ours(t testing.TB, r *Reader) samples {
	t.Helper()
	all := samples{}
	r.table.each(func(s *series) bool {
		name, pairs, err := parseSeries(s.raw, nil, math.MaxInt)
		if err != nil {
			t.Fatalf("series %q: %v", s.raw, err)
		}
		labels := map[string]string{}
		for _, l := range pairs {
			labels[l.name] = l.value
		}
		all.set(name, labels, s.value)
		return true
	})
	return all
}

// theirs flattens what expfmt read. ok is false where its model cannot hold what
// the page says: counts that are no whole numbers.
func theirs(families map[string]*dto.MetricFamily) (all samples, ok bool) {
	all, ok = samples{}, true
	for name, f := range families {
		for _, m := range f.Metric {
			flatten(all, name, m)
			counts := []float64{m.GetHistogram().GetSampleCountFloat()}
			for _, b := range m.GetHistogram().GetBucket() {
				counts = append(counts, b.GetCumulativeCountFloat())
			}
			ok = ok && !slices.ContainsFunc(counts, func(v float64) bool { return v != 0 })
		}
	}
	return all, ok
}

func flatten(all samples, name string, m *dto.Metric) {
	labels := map[string]string{}
	for _, l := range m.Label {
		labels[l.GetName()] = l.GetValue()
	}
	with := func(name string, bound float64) map[string]string {
		l := maps.Clone(labels)
		l[name] = fmt.Sprint(bound)
		return l
	}
	distribution := func(count *uint64, sum *float64) {
		if count != nil {
			all.set(name+"_count", labels, float64(*count))
		}
		if sum != nil {
			all.set(name+"_sum", labels, *sum)
		}
	}
	switch {
	case m.Counter != nil:
		all.set(name, labels, m.Counter.GetValue())
	case m.Gauge != nil:
		all.set(name, labels, m.Gauge.GetValue())
	case m.Untyped != nil:
		all.set(name, labels, m.Untyped.GetValue())
	case m.Summary != nil:
		distribution(m.Summary.SampleCount, m.Summary.SampleSum)
		for _, q := range m.Summary.Quantile {
			all.set(name, with("quantile", q.GetQuantile()), q.GetValue())
		}
	case m.Histogram != nil:
		distribution(m.Histogram.SampleCount, m.Histogram.SampleSum)
		for _, b := range m.Histogram.Bucket {
			all.set(name+"_bucket", with("le", b.GetUpperBound()), float64(b.GetCumulativeCount()))
		}
	}
}

// glued finds a name with a dot or dash, which expfmt reads as a shorter name with
// a value: my-metric 3 and a.0. It also finds a quote within a name, which expfmt
// takes for the start of a quoted rest: a_"b{le=" 2 is to it 2 of a_b{le=, and
// {a"b"="c"} has a label ab and {a"b"} is ab.
var glued = regexp.MustCompile(`(?m)^[ \t]*[a-zA-Z_:][a-zA-Z0-9_:]*[.\-"]|[{,][ \t]*[a-zA-Z_][a-zA-Z0-9_]*"[^"\n]*"([^",{}\n]*=|[ \t]*[,}])`)

// bounded finds a sum or count with a bound of its own, which expfmt leaves out.
var bounded = regexp.MustCompile(`(?m)_(sum|count)"?[{,][^\n]*\ble"?[ \t]*=`)

// onPurpose tells whether we refuse a line that expfmt takes when no type is
// declared: a bucket with any word as its le, with two, or with a negative count.
func onPurpose(text string) bool {
	return strings.Contains(text, string(errBound)) || strings.Contains(text, string(errNegative)) ||
		strings.Contains(text, string(errTwice)) // of other labels, expfmt refuses that too
}

// agree compares our reading of a page with expfmt's. It returns false where
// expfmt refuses the page, or where nothing can be compared.
func agree(t testing.TB, page []byte) bool {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil || glued.Match(page) || bounded.Match(page) {
		return false
	}
	want, whole := theirs(families)
	for key := range want {
		if strings.HasSuffix(key, " again") {
			return false // a series twice: we keep one and say so
		}
	}
	if !whole {
		return false
	}
	r := NewReader("t", Limits{})
	h, err := r.Read(bytes.NewReader(page), "text/plain; version=0.0.4")
	if h == nil {
		if len(want) == 0 || onPurpose(err.Error()) {
			return false
		}
		t.Fatalf("refused (%v), expfmt reads %d samples", err, len(want))
	}
	if onPurpose(fmt.Sprint(h.Page.FirstBad)) {
		return false
	}
	got := ours(t, r)
	for key := range got {
		name, _, _ := strings.Cut(key, ",")
		if families[name].GetType() == dto.MetricType_HISTOGRAM {
			return false // expfmt drops a sample named as its histogram, or takes it for a bucket
		}
	}
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s = %q, expfmt says %q; bad lines %v", key, got[key], v, h.Page.FirstBad)
		}
	}
	for key := range got {
		name, _, _ := strings.Cut(key, ",")
		base, _ := splitName(name)
		drops := families[name].GetType() == dto.MetricType_SUMMARY || families[base].GetType() == dto.MetricType_HISTOGRAM
		if _, ok := want[key]; !ok && !drops { // without quantile, without le
			t.Errorf("%s = %q, expfmt has no such sample", key, got[key])
		}
	}
	return true
}

// TestAgainstExpfmt reads whatever expfmt accepts as expfmt does.
func TestAgainstExpfmt(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtureDir, "*", "*.prom"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(fixtureDir, "*.prom"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if agree(t, page) {
				compared++
			}
		})
	}
	for name, page := range map[string]string{"shop": shopPage, "big": string(part(bigPage(3)))} {
		t.Run(name, func(t *testing.T) {
			if !agree(t, []byte(page)) {
				t.Error("expfmt refuses it")
			}
		})
	}
	t.Logf("%d of %d pages compared, expfmt refuses the others or holds a series twice", compared, len(files)+len(more))
	if len(files) > 0 && compared < len(files) {
		t.Errorf("only %d pages could be compared", compared)
	}
}

// TestProtobufIsText reads pages as text and as protobuf, and wants the same
// samples under the same names, and the same reading.
func TestProtobufIsText(t *testing.T) {
	pages := map[string][]byte{"shop": []byte(shopPage), "big": part(bigPage(2))}
	for _, name := range []string{"gen/go-promhttp.b.prom", "gen/py-fastapi-instrumentator.b.prom", "node-exporter-e2e.prom"} {
		if page, err := os.ReadFile(filepath.Join(fixtureDir, name)); err == nil {
			pages[name] = page
		}
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			wire := encode(t, page)
			text, proto := NewReader("t", Limits{}), NewReader("t", Limits{})
			a, err := text.Read(bytes.NewReader(page), "")
			if err != nil {
				t.Fatal(err)
			}
			b, err := proto.Read(slowReader{bytes.NewReader(wire)}, "")
			if err != nil {
				t.Fatal(err)
			}
			if b.Page.Format != formatProtobuf || a.Page.Samples != b.Page.Samples || b.Page.BadLines != 0 {
				t.Errorf("text %+v, protobuf %+v", a.Page, b.Page)
			}
			if !maps.Equal(ours(t, text), ours(t, proto)) {
				t.Error("the samples differ")
			}
			if len(a.Requests) != len(b.Requests) || len(a.Durations) != len(b.Durations) || a.StartTime != b.StartTime {
				t.Errorf("%d requests and %d durations, protobuf has %d and %d",
					len(a.Requests), len(a.Durations), len(b.Requests), len(b.Durations))
			}
			again, err := proto.Read(bytes.NewReader(wire), "")
			if err != nil || again.Page.Samples != b.Page.Samples {
				t.Errorf("read again: %+v, %v", again, err)
			}
		})
	}
}

// part is the first histograms of a big page: comparing all takes seconds.
func part(page []byte) []byte {
	i := bytes.LastIndex(page[:2<<20], []byte("_count{"))
	return page[:i+bytes.IndexByte(page[i:], '\n')+1]
}

// slowReader hands out at most three bytes at a time.
type slowReader struct{ r io.Reader }

func (o slowReader) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), 3)]) }

// encode writes a text page as delimited protobuf.
func encode(t testing.TB, page []byte) []byte {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	enc := expfmt.NewEncoder(&wire, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if err := enc.Encode(families[name]); err != nil {
			t.Fatal(err)
		}
	}
	return wire.Bytes()
}
