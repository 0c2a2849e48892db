package scrape

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// protoMedia is what servers call delimited protobuf.
const protoMedia = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// protobufPages are recorded pages in protobuf, and recorded text pages written in
// it as expfmt does.
func protobufPages(t testing.TB) map[string][]byte {
	t.Helper()
	pages := map[string][]byte{"shop": encode(t, []byte(shopPage))}
	for _, pattern := range []string{"*.pb", "gen/*.pb", "gen/go-*.b.prom", "gen/py-*.b.prom", "expfmt-ok-*.prom"} {
		files, err := filepath.Glob(filepath.Join(fixtureDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, ".prom") {
				page = encode(t, page)
			}
			pages[filepath.Base(file)] = page
		}
	}
	return pages
}

// decoded is a page as expfmt decodes it. ok is false where it does not, or where
// its model and a page of series cannot say the same: a family twice, a metric of
// another type than its family or of several, a field twice.
func decoded(page []byte) (families map[string]*dto.MetricFamily, ok bool) {
	families = map[string]*dto.MetricFamily{}
	for rest := page; len(rest) > 0; { // expfmt allocates whatever length a message claims
		n, width := binary.Uvarint(rest)
		if width <= 0 || n > uint64(len(rest)-width) {
			return nil, false
		}
		rest = rest[width+int(n):]
	}
	size := 0 // with each field once
	d := expfmt.NewDecoder(bytes.NewReader(page), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		f := &dto.MetricFamily{}
		if err := d.Decode(f); errors.Is(err, io.EOF) {
			return families, size == len(page)
		} else if err != nil || families[f.GetName()] != nil || f.GetName() == "" {
			return nil, false
		}
		for _, m := range f.Metric {
			if !wellTyped(f.GetType(), m) {
				return nil, false
			}
		}
		families[f.GetName()] = f
		n := proto.Size(f)
		size += len(protowire.AppendVarint(nil, uint64(n))) + n
	}
}

func wellTyped(typ dto.MetricType, m *dto.Metric) bool {
	has := map[dto.MetricType]bool{}
	for t, there := range map[dto.MetricType]bool{
		dto.MetricType_COUNTER: m.Counter != nil, dto.MetricType_GAUGE: m.Gauge != nil, dto.MetricType_UNTYPED: m.Untyped != nil,
		dto.MetricType_SUMMARY: m.Summary != nil, dto.MetricType_HISTOGRAM: m.Histogram != nil,
	} {
		if there {
			has[t] = true
		}
	}
	names := map[string]bool{}
	for _, l := range m.Label {
		if l.GetName() == "" || names[l.GetName()] || l.GetName() == "le" || l.GetName() == "quantile" {
			return false
		}
		names[l.GetName()] = true
	}
	h := m.Histogram
	plain := h == nil || h.Schema == nil && h.SampleCountFloat == nil && h.SampleCount != nil && h.SampleSum != nil
	s := m.Summary
	return len(has) == 1 && has[typ] && plain && (s == nil || s.SampleCount != nil && s.SampleSum != nil)
}

// agreeProtobuf compares our reading of a protobuf page with expfmt's; false where
// there is nothing to compare.
func agreeProtobuf(t testing.TB, page []byte) bool {
	t.Helper()
	families, ok := decoded(page)
	if !ok {
		return false
	}
	want, whole := theirs(families)
	for key := range want {
		if strings.HasSuffix(key, " again") {
			return false
		}
	}
	r := NewReader("t", Limits{})
	h, err := r.Read(bytes.NewReader(page), protoMedia)
	if !whole || h == nil && len(want) == 0 {
		return false
	}
	if h == nil {
		t.Fatalf("refused (%v), expfmt reads %d samples", err, len(want))
	}
	if h.Page.BadLines > 0 {
		return false // bounds that are none, and the like
	}
	got := ours(t, r)
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s = %q, expfmt says %q", key, got[key], v)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok && !strings.Contains(key, `"le"="+Inf"`) && !strings.Contains(key, `"+Inf"`) {
			t.Errorf("%s = %q, expfmt has no such sample", key, got[key])
		}
	}
	return true
}

// TestAgainstExpfmtProtobuf decodes protobuf pages as expfmt does.
func TestAgainstExpfmtProtobuf(t *testing.T) {
	compared := 0
	for name, page := range protobufPages(t) {
		t.Run(name, func(t *testing.T) {
			if agreeProtobuf(t, page) {
				compared++
			}
		})
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d pages compared", compared)
}
