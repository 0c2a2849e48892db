package scrape

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/protobuf/encoding/protowire"

	"apitop/collectors/snapshot"
)

// endless repeats a line without end, with a running number where ~ stands.
type endless struct {
	line        string
	n           int
	block, rest []byte
}

func (e *endless) Read(b []byte) (int, error) {
	before, after, counts := strings.Cut(e.line, "~")
	if len(e.rest) == 0 && (e.block == nil || counts) {
		e.block = e.block[:0]
		for len(e.block) < 1<<16 {
			e.block = append(e.block, before...)
			if counts {
				e.block = strconv.AppendInt(e.block, int64(e.n), 10)
			}
			e.block = append(e.block, after...)
			e.n++
		}
	}
	if len(e.rest) == 0 {
		e.rest = e.block
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// message is one delimited MetricFamily with a name and the given fields.
func message(fields ...[]byte) []byte {
	msg := protowire.AppendTag(nil, familyName, protowire.BytesType)
	msg = protowire.AppendString(msg, "http_requests_total")
	for _, f := range fields {
		msg = append(msg, f...)
	}
	return append(protowire.AppendVarint(nil, uint64(len(msg))), msg...)
}

func sub(num protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), body)
}

// skippable is a zstd frame of n bytes without content: RFC 8878, section 3.1.2.
func skippable(n int) string {
	return string(binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), uint32(n))) + strings.Repeat("\x00", n)
}

// bomb packs n MiB of lines that are no waste of themselves.
func bomb(t testing.TB, how packing, n int) []byte {
	t.Helper()
	return pack(t, how, bytes.Repeat([]byte("# "+strings.Repeat("x", 32<<10-3)+"\n"), n<<5))
}

// hostilePage is a page made to cost, and what it may.
type hostilePage struct {
	page func() io.Reader
	want string
	cpu  time.Duration
	mem  int64 // MiB
}

func hostilePages(t testing.TB) map[string]hostilePage {
	t.Helper()
	label := sub(metricLabel, append(sub(labelName, []byte("a")), sub(labelText, bytes.Repeat([]byte("x"), 60_000))...))
	gzipped, zipped := bomb(t, packedGzip, 200), bomb(t, packedZstd, 200)
	nothing := string(pack(t, packedGzip, nil))
	buckets := sub(metricHistogram, bytes.Repeat(sub(distParts, nil), 50_000))
	manyLabels := "x{" + strings.Repeat(`a="1",`, 8000) + "} 1\n"
	return map[string]hostilePage{
		"a million labels": {func() io.Reader { return strings.NewReader("x{" + strings.Repeat(`a="",`, 1_000_000) + "} 1\n") }, "line 1 is longer than 64 KiB", time.Second, 16},
		"8000 labels":      {func() io.Reader { return strings.NewReader(manyLabels) }, "a series has more than 128 labels", time.Second, 16},
		"8000 labels each": {func() io.Reader { return &endless{line: manyLabels} }, "a series has more than 128 labels", time.Second, 80},
		"a line of 100 MB": {func() io.Reader { return io.LimitReader(&endless{line: "x"}, 100e6) }, "line 1 is longer than 64 KiB", time.Second, 16},
		"a comment of 100 MB": {func() io.Reader {
			return io.MultiReader(strings.NewReader("# HELP x "), io.LimitReader(&endless{line: "x"}, 100e6))
		}, "line 1 is longer than 64 KiB", time.Second, 16},
		"a million series":         {func() io.Reader { return &endless{line: "x{a=\"~\"} 1\n"} }, "the page has more than 500000 series", time.Second, 50},
		"a million of them longer": {func() io.Reader { return &endless{line: "http_requests_total{path=\"/users/~\"} 1 # and a comment\n"} }, "the page has more than 500000 series", time.Second, 50},
		"a million families":       {func() io.Reader { return &endless{line: "# TYPE x~ counter\n"} }, "the page is data with more families than samples", time.Second, 16},
		"the same again":           {func() io.Reader { return &endless{line: "x 1\n"} }, "the page is data that mostly cannot be read (the same series again", time.Second, 16},
		"comments":                 {func() io.Reader { return &endless{line: "# nothing\n"} }, "the page is data with hardly any samples", time.Second, 16},
		"empty lines":              {func() io.Reader { return &endless{line: "\n"} }, "the page is data with hardly any samples", time.Second, 16},
		"bad lines":                {func() io.Reader { return &endless{line: "nothing here\n"} }, "the page is text without samples", time.Second, 16},
		"bad among good":           {func() io.Reader { return io.MultiReader(strings.NewReader("x 1\n"), &endless{line: "nothing here\n"}) }, "the page is data that mostly cannot be read", time.Second, 16},
		"no bytes":                 {func() io.Reader { return noBytes{} }, "multiple Read calls return no data", time.Second, 16},
		"a huge message":           {func() io.Reader { return bytes.NewReader(append(protowire.AppendVarint(nil, 1<<40), message()[1:]...)) }, "larger than 32 MiB", time.Second, 16},
		"a message cut off": {func() io.Reader {
			return io.MultiReader(bytes.NewReader(append(protowire.AppendVarint(nil, 1<<20), message()[1:]...)))
		}, "unexpected EOF", time.Second, 16},
		"empty metrics":   {func() io.Reader { return &endless{line: string(message(bytes.Repeat(sub(familyMetric, nil), 1_000)))} }, "the page is data with hardly any samples", time.Second, 16},
		"gzip bomb":       {func() io.Reader { return bytes.NewReader(gzipped) }, "the page is gzip data of which each byte makes more than 400", time.Second, 16},
		"zstd bomb":       {func() io.Reader { return bytes.NewReader(zipped) }, "the page is zstd data of which each byte makes more than 400", time.Second, 16},
		"gzip of nothing": {func() io.Reader { return &endless{line: nothing} }, "the page is gzip data with nothing in it", time.Second, 16},
		"zstd of nothing": {func() io.Reader { return &endless{line: skippable(1)} }, "the page is zstd data with nothing in it", time.Second, 16},
		"zstd skipping":   {func() io.Reader { return &endless{line: skippable(1 << 20)} }, "the page is zstd data with nothing in it", time.Second, 16},
		"gzip, endless name": {func() io.Reader {
			return io.MultiReader(strings.NewReader("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00"), &endless{line: "x"})
		}, "the page is gzip data that cannot be unpacked", time.Second, 16},
		"label times buckets": {func() io.Reader { return bytes.NewReader(message(sub(familyMetric, append(label, buckets...)))) }, "the page is larger than 64 MiB", 10 * time.Second, 64},
	}
}

// TestHostile reads pages made to cost: each must end in its own error, soon and
// with little memory. The times are generous, for busy machines.
func TestHostile(t *testing.T) {
	if raceDetector {
		t.Skip("what it bounds says nothing under the race detector")
	}
	tests := hostilePages(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			debug.FreeOSMemory()
			began, before := cpuTime(t), heap()
			_, err := r.Read(tt.page(), "")
			used, grown := cpuTime(t)-began, heap()-before
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if used > tt.cpu {
				t.Errorf("%v of CPU, want at most %v", used, tt.cpu)
			}
			if grown>>20 > tt.mem {
				t.Errorf("%d MiB of heap taken from the system, want at most %d", grown>>20, tt.mem)
			}
			if r.table.count+len(r.table.byRaw)+len(r.table.metrics)+len(r.table.groups)+len(r.table.decls) > 0 {
				t.Error("the table still holds what the failed page brought")
			}
			t.Logf("%v, %d MiB: %v", used.Round(time.Millisecond), grown>>20, err)
			runtime.KeepAlive(r)
		})
	}
}

// noBytes is a reader that never gives anything.
type noBytes struct{}

func (noBytes) Read([]byte) (int, error) { return 0, nil }

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is the memory that the heap has from the system.
func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys - m.HeapReleased)
}

// TestBomb stops a page that is small on the wire and large in memory.
func TestBomb(t *testing.T) {
	if raceDetector {
		t.Skip("as TestHostile")
	}
	debug.FreeOSMemory()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z, err := gzip.NewWriterLevel(w, gzip.DefaultCompression)
		if err != nil {
			return
		}
		chunk := bytes.Repeat([]byte("# "+strings.Repeat("x", 32<<10-3)+"\n"), 1<<5)
		for range 2048 { // 2 GiB
			if _, err := z.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	before := heap()
	_, _, err := collect(t, Config{URL: server.URL, Timeout: 30 * time.Second})
	f, ok := errors.AsType[*snapshot.Failure](err)
	if !ok || f.Kind != snapshot.Unsupported || !strings.Contains(f.Error(), "the page is gzip data of which each byte makes more than 400") {
		t.Errorf("error %v", err)
	}
	if grown := (heap() - before) >> 20; grown > 64 {
		t.Errorf("%d MiB of heap", grown)
	}
}
