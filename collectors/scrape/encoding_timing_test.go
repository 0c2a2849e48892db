package scrape

import (
	"bytes"
	"fmt"
	"net"
	"testing"
)

// canned is a server that costs nothing: each request gets the same bytes.
func canned(t testing.TB, page []byte, how packing) (addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	body := pack(t, how, page)
	encoding := ""
	if how != unpacked {
		encoding = "Content-Encoding: " + string(how) + "\r\n"
	}
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n%sContent-Length: %d\r\n\r\n", encoding, len(body))
	answer = append(answer, body...)
	serve := func(conn net.Conn) {
		defer conn.Close()
		request := make([]byte, 4096)
		for {
			n := 0
			for !bytes.HasSuffix(request[:n], []byte("\r\n\r\n")) {
				m, err := conn.Read(request[n:])
				if err != nil {
					return
				}
				n += m
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// scraper makes a Collector of a canned page and reads it twice.
func scraper(t testing.TB, page []byte, how packing) *Collector {
	t.Helper()
	c, err := New(Config{URL: canned(t, page, how)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	alone(c)
	for range 2 {
		if _, err := c.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestScrapeAllocations bounds what a scrape of 100,000 samples over HTTP
// allocates once warm, however it is packed.
func TestScrapeAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	page := bigPage(1)
	for _, how := range []packing{unpacked, packedGzip, packedZstd} {
		t.Run("as "+string(how), func(t *testing.T) {
			c := scraper(t, page, how)
			allocs := testing.AllocsPerRun(5, func() {
				if _, err := c.Collect(t.Context()); err != nil {
					t.Error(err)
				}
			})
			if allocs > 100 {
				t.Errorf("%v allocations, want at most 100", allocs)
			}
			t.Logf("%v allocations", allocs)
		})
	}
}

// BenchmarkScrape reads 100,000 samples (12.6 MB) over HTTP.
func BenchmarkScrape(b *testing.B) {
	page := bigPage(1)
	for name, how := range map[string]packing{"plain": unpacked, "gzip": packedGzip, "zstd": packedZstd} {
		b.Run(name, func(b *testing.B) {
			c := scraper(b, page, how)
			b.SetBytes(int64(len(page)))
			timedRun(b, func() {
				if _, err := c.Collect(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(c.reader.body.in)/1e6, "wire-MB")
		})
	}
}

// BenchmarkPacking is what packing a page costs the service that answers.
func BenchmarkPacking(b *testing.B) {
	page := bigPage(1)
	for _, how := range []packing{packedGzip, packedZstd} {
		b.Run(string(how), func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			timedRun(b, func() { pack(b, how, page) })
		})
	}
}
