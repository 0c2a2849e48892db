package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"apitop/collectors/snapshot"
)

// pack compresses a page.
func pack(t testing.TB, how packing, page []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch how {
	case packedGzip:
		w, err = gzip.NewWriterLevel(&b, gzip.DefaultCompression)
	case packedZstd:
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	case unpacked:
		return page
	}
	if err == nil {
		_, err = w.Write(page)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEncodings reads a page however it is packed and whatever is said of it,
// three times over one connection, since what unpacks it is used again.
func TestEncodings(t *testing.T) {
	protobuf := encode(t, []byte(shopPage))
	tests := map[string]struct {
		header string
		how    packing
		page   []byte
	}{
		"plain":                  {"", unpacked, []byte(shopPage)},
		"identity":               {"identity", unpacked, []byte(shopPage)},
		"gzip":                   {"gzip", packedGzip, []byte(shopPage)},
		"x-gzip":                 {"X-GZIP", packedGzip, []byte(shopPage)},
		"zstd":                   {"zstd", packedZstd, []byte(shopPage)},
		"gzip protobuf":          {"gzip", packedGzip, protobuf},
		"zstd protobuf":          {"zstd", packedZstd, protobuf},
		"gzip, not said":         {"", packedGzip, []byte(shopPage)},
		"zstd, not said":         {"", packedZstd, []byte(shopPage)},
		"plain, said to be gzip": {"gzip", unpacked, []byte(shopPage)},
		"zstd, said to be gzip":  {"gzip", packedZstd, []byte(shopPage)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := pack(t, tt.how, tt.page)
			peers := map[string]bool{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				peers[r.RemoteAddr] = true
				if tt.header != "" {
					w.Header().Set("Content-Encoding", tt.header)
				}
				w.Header().Set("Content-Type", "text/html") // says nothing
				_, _ = w.Write(body)
			}))
			defer server.Close()
			c, err := New(Config{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			alone(c)
			for range 3 {
				r, err := c.Collect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				h := r.(*snapshot.HTTP)
				if h.Page.Bytes != int64(len(tt.page)) {
					t.Errorf("%d bytes, want %d", h.Page.Bytes, len(tt.page))
				}
				checkShop(t, h)
			}
			if len(peers) != 1 {
				t.Errorf("%d connections", len(peers))
			}
		})
	}
}

// TestChangingEncodings reads pages with one Reader that are packed now so, now so.
func TestChangingEncodings(t *testing.T) {
	r := NewReader("t", Limits{})
	for i, how := range []packing{packedZstd, packedGzip, unpacked, packedGzip, packedZstd, packedZstd, unpacked} {
		if _, err := r.Read(strings.NewReader("\x1f\x8bnothing"), ""); err == nil {
			t.Error("no error for a broken page")
		}
		h, err := r.Read(iotest.HalfReader(bytes.NewReader(pack(t, how, []byte(shopPage)))), "")
		if err != nil {
			t.Fatalf("page %d, %s: %v", i, how, err)
		}
		checkShop(t, h)
	}
}

// TestPackedFiles reads saved pages that are compressed.
func TestPackedFiles(t *testing.T) {
	for _, how := range []packing{packedGzip, packedZstd} {
		path := filepath.Join(t.TempDir(), "page.prom")
		if err := os.WriteFile(path, pack(t, how, []byte(shopPage)), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := NewReader("t", Limits{}).ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkShop(t, h)
	}
}

// TestAsksForEncodings compresses what crosses the network only.
func TestAsksForEncodings(t *testing.T) {
	tests := map[string]struct {
		host    string
		proxied bool
		want    string
	}{
		"name":        {"api.example", false, acceptPacked},
		"address":     {"10.0.0.7", false, acceptPacked},
		"localhost":   {"localhost", false, acceptPlain},
		"loopback":    {"127.0.0.7", false, acceptPlain},
		"loopback v6": {"::1", false, acceptPlain},
		"proxy":       {"localhost", true, acceptPacked},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := encodings(tt.host, tt.proxied); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestBadEncodings ends in an error that says what is wrong.
func TestBadEncodings(t *testing.T) {
	gz, zs := pack(t, packedGzip, []byte(shopPage)), pack(t, packedZstd, []byte(shopPage))
	window := []byte("\x28\xb5\x2f\xfd\x04\xa0") // a window of 1 GiB
	garbled := append(append([]byte{}, gz[:40]...), bytes.Repeat([]byte{0xff}, 100)...)
	tests := map[string]struct {
		header, body, want string
	}{
		"brotli":         {"br", "x", "the page is compressed as br, which was not asked for"},
		"two":            {"gzip, zstd", "x", "the page is compressed as gzip, zstd, which was not asked for"},
		"escape":         {"\x1b[2J", "x", "the page is compressed as "},
		"gzip twice":     {"gzip", string(pack(t, packedGzip, gz)), "the page is data compressed twice, not metrics"},
		"zstd in gzip":   {"gzip", string(pack(t, packedGzip, zs)), "the page is data compressed twice, not metrics"},
		"gzip cut off":   {"gzip", string(gz[:len(gz)/2]), "the page broke off after "},
		"zstd cut off":   {"zstd", string(zs[:len(zs)/2]), "the page broke off after "},
		"header cut off": {"gzip", string(gz[:5]), "the page broke off after 0 bytes"},
		"garbled gzip":   {"gzip", string(garbled), "the page is gzip data that cannot be unpacked"},
		"garbled zstd":   {"zstd", string(zs[:4]) + strings.Repeat("\xff", 100), "the page is zstd data that"},
		"bad checksum":   {"gzip", string(gz[:len(gz)-8]) + "12345678", "the page is gzip data that cannot be unpacked"},
		"large window":   {"zstd", string(window) + strings.Repeat("\x00", 100), "the page is zstd data that needs more than 8 MiB"},
		"packed nothing": {"gzip", string(pack(t, packedGzip, nil)), "the page is empty: no metrics on it"},
		"packed HTML":    {"zstd", string(pack(t, packedZstd, []byte("<html></html>"))), "the page is HTML, not metrics"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Encoding"] = []string{strings.ReplaceAll(tt.header, "\x1b", "?")}
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			_, _, err := collect(t, Config{URL: server.URL, Timeout: 4 * time.Second})
			f, ok := errors.AsType[*snapshot.Failure](err)
			if !ok || !strings.Contains(f.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestIdlePage packs as well as pages do: it must not pass for a bomb.
func TestIdlePage(t *testing.T) {
	var page bytes.Buffer
	for route := range 5000 {
		for _, le := range []string{"0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"} {
			fmt.Fprintf(&page, "http_request_duration_seconds_bucket{method=\"GET\",route=\"/api/v1/resources/%d\",status=\"200\",le=\"%s\"} 0\n", route, le)
		}
	}
	for _, how := range []packing{packedGzip, packedZstd} {
		body := pack(t, how, page.Bytes())
		if _, err := NewReader("t", Limits{}).Read(bytes.NewReader(body), ""); err != nil {
			t.Error(err)
		}
		t.Logf("%s: 1 byte makes %d", how, page.Len()/len(body))
	}
}
