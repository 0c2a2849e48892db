package scrape

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"apitop/collectors/snapshot"
)

// seeds are pages to start fuzzing from: the recorded ones where they are there,
// and some of our own.
func seeds(f *testing.F) {
	f.Add([]byte(shopPage))
	f.Add([]byte(`{"http.server.request.duration_bucket","http.route"="/a",le="1"} 1 # {trace_id="x"} 0.5 1.5` + "\n# EOF\n"))
	f.Add(encode(f, []byte(shopPage)))
	f.Add([]byte(everythingPage))
	for _, pattern := range []string{"edge/*", "*.pb", "om-*", "expfmt-ok-*", "doc-*"} {
		files, err := filepath.Glob(filepath.Join(fixtureDir, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			if page, err := os.ReadFile(name); err == nil && len(page) < 10_000 {
				f.Add(page)
			}
		}
	}
}

// FuzzPage reads anything: it must not panic, a page read again, or byte by byte,
// must give the same, and a reading must hold what it promises.
func FuzzPage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, page []byte) {
		limits := Limits{BodyBytes: 64 << 10, LineBytes: 4 << 10, Series: 500}
		r := NewReader("t", limits)
		first, err1 := r.Read(bytes.NewReader(page), "")
		notes := len(r.Notes())
		second, err2 := r.Read(iotest.OneByteReader(bytes.NewReader(page)), "")
		if (err1 == nil) != (err2 == nil) || !reflect.DeepEqual(first, second) || notes != len(r.Notes()) {
			t.Fatalf("first %+v, %v\nagain %+v, %v", first, err1, second, err2)
		}
		checkReading(t, first)
		checkTable(t, r.table)
	})
}

// FuzzExpfmt compares with expfmt wherever it accepts a page.
func FuzzExpfmt(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, page []byte) {
		if len(page) < 2000 { // expfmt's time grows with the square of the labels
			agree(t, page)
		}
	})
}

// FuzzProtobuf reads anything as protobuf.
func FuzzProtobuf(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, page []byte) {
		r := NewReader("t", Limits{BodyBytes: 64 << 10, Series: 500})
		h, err := r.Read(bytes.NewReader(page), "application/vnd.google.protobuf;encoding=delimited")
		again, err2 := r.Read(bytes.NewReader(page), "application/vnd.google.protobuf;encoding=delimited")
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(h, again) {
			t.Fatalf("first %+v, %v\nagain %+v, %v", h, err, again, err2)
		}
		checkReading(t, h)
		checkTable(t, r.table)
	})
}

// FuzzOpenMetrics reads anything as OpenMetrics.
func FuzzOpenMetrics(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, page []byte) {
		const media = "application/openmetrics-text; version=1.0.0"
		r := NewReader("t", Limits{BodyBytes: 64 << 10, LineBytes: 4 << 10, Series: 500})
		h, err := r.Read(bytes.NewReader(page), media)
		again, err2 := r.Read(bytes.NewReader(page), media)
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(h, again) {
			t.Fatalf("first %+v, %v\nagain %+v, %v", h, err, again, err2)
		}
		checkReading(t, h)
		checkTable(t, r.table)
	})
}

// FuzzAnswer reads any body with any headers: what a server says must not matter
// but for the format, and nothing of it may come out as it is.
func FuzzAnswer(f *testing.F) {
	for _, how := range []packing{unpacked, packedGzip, packedZstd} {
		f.Add(pack(f, how, []byte(shopPage)), string(how), "text/plain; version=0.0.4")
		f.Add(pack(f, how, encode(f, []byte(shopPage))), string(how), protoMedia)
	}
	f.Add(append(pack(f, packedGzip, []byte("x 1\n")), pack(f, packedGzip, []byte("y 2\n"))...), "X-gzip", "")
	f.Add([]byte(skippable(3)+string(pack(f, packedZstd, []byte("x 1\n")))), "zstd", "application/openmetrics-text")
	f.Add([]byte("x 1\n"), "gzip, \x1b[2J", "text/\x1b[2J")
	f.Fuzz(func(t *testing.T, body []byte, encoding, contentType string) {
		const limit = 64 << 10
		r := NewReader("t", Limits{BodyBytes: limit, LineBytes: 4 << 10, Series: 500})
		h, err := r.read(bytes.NewReader(body), contentType, encoding)
		again, err2 := r.read(iotest.OneByteReader(bytes.NewReader(body)), contentType, encoding)
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(h, again) {
			t.Fatalf("first %+v, %v\nagain %+v, %v", h, err, again, err2)
		}
		if err != nil && strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Fatalf("error %q", err)
		}
		if h != nil && h.Page.Bytes > limit {
			t.Fatalf("%d bytes", h.Page.Bytes)
		}
		checkReading(t, h)
		checkTable(t, r.table)
	})
}

// FuzzExpfmtProtobuf compares with expfmt wherever it decodes a page.
func FuzzExpfmtProtobuf(f *testing.F) {
	for _, page := range protobufPages(f) {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		if len(page) < 20_000 {
			agreeProtobuf(t, page)
		}
	})
}

// checkReading checks what every reading promises.
func checkReading(t *testing.T, h *snapshot.HTTP) {
	t.Helper()
	if h == nil {
		return
	}
	if _, err := json.Marshal(h); err != nil {
		t.Fatalf("not fit for a recording: %v", err)
	}
	checkService(t, h)
	for _, c := range h.Requests {
		if c.Series == nil || c.Total < 0 {
			t.Fatalf("request count %+v", c)
		}
	}
	for _, d := range h.Durations {
		if d.Series == nil || len(d.Cumulative) != len(d.Bounds)+1 || d.Count < 0 || d.Sum < 0 ||
			d.Cumulative[len(d.Bounds)] != d.Count {
			t.Fatalf("histogram %+v", d)
		}
		for i, b := range d.Bounds {
			if i > 0 && b <= d.Bounds[i-1] || d.Cumulative[i] < 0 {
				t.Fatalf("histogram %+v", d)
			}
		}
		checkNative(t, d.Native)
	}
}

// checkNative checks what the native buckets of a reading promise.
func checkNative(t *testing.T, n *snapshot.Native) {
	t.Helper()
	if n == nil {
		return
	}
	if n.Schema < -4 || n.Schema > 8 || n.PerSecond <= 0 || n.ZeroThreshold < 0 || n.ZeroCount < 0 {
		t.Fatalf("native %+v", n)
	}
	for _, side := range [...][]snapshot.Sparse{n.Positive, n.Negative} {
		for i, b := range side {
			if i > 0 && b.Index <= side[i-1].Index || b.Count <= 0 {
				t.Fatalf("native %+v", n)
			}
		}
	}
}

// checkTable checks that the list and the maps of the table hold the same.
func checkTable(t *testing.T, table *table) {
	t.Helper()
	n, metrics, groups := 0, map[*metric]int{}, map[*group]int{}
	table.each(func(s *series) bool {
		n++
		metrics[s.metric]++
		if s.group != nil {
			groups[s.group]++
		}
		return n <= table.count
	})
	if n > table.count || table.byRaw == nil && n < table.count || table.byRaw != nil && len(table.byRaw) != table.count {
		t.Fatalf("%d series on the list, or a ring, and %d in the index, of %d", n, len(table.byRaw), table.count)
	}
	for m, n := range metrics {
		if table.metrics[m.name] != m || m.n < n {
			t.Fatalf("metric %q: %d series, %d listed", m.name, m.n, n)
		}
	}
	for g, n := range groups {
		if table.groups[g.key] != g || g.n < n || len(g.buckets) > g.n {
			t.Fatalf("group %q: %d series, %d listed", g.key, g.n, n)
		}
	}
}
