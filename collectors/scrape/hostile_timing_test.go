package scrape

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// spent is what reading costs: CPU time, and heap taken from the system.
func spent(b *testing.B, f func() error) {
	b.Helper()
	used, grown := time.Duration(0), int64(0)
	for b.Loop() {
		b.StopTimer()
		began, before := cpu(b), heap()
		b.StartTimer()
		if err := f(); err == nil {
			b.Fatal("no error")
		}
		b.StopTimer()
		used += cpu(b) - began
		grown = max(grown, heap()-before)
		b.StartTimer()
	}
	b.ReportMetric(float64(used)/float64(b.N)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(grown)/(1<<20), "MiB")
}

// held keeps a page in memory, so that making it is not measured.
type held struct {
	page []byte
	at   int
}

func (h *held) Read(p []byte) (int, error) {
	if h.at == len(h.page) {
		return 0, io.EOF
	}
	n := copy(p, h.page[h.at:])
	h.at += n
	return n, nil
}

// BenchmarkHostile is what pages cost that are made to cost. The pages are made
// before, 80 MB of those that have no end.
func BenchmarkHostile(b *testing.B) {
	for name, tt := range hostilePages(b) {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			var page []byte
			if name != "no bytes" {
				page, _ = io.ReadAll(io.LimitReader(tt.page(), 80e6))
			}
			spent(b, func() error {
				src := io.Reader(&held{page: page})
				if page == nil {
					src = tt.page()
				}
				_, err := NewReader("t", Limits{}).Read(src, "")
				return err
			})
		})
	}
}

// BenchmarkHostileServer is what servers cost that answer otherwise than hoped,
// their own work in the same process included.
func BenchmarkHostileServer(b *testing.B) {
	large := strings.Repeat("x", 1<<20)
	for name, handler := range map[string]http.HandlerFunc{
		"100 MB, announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000000")
			fmt.Fprint(w, "x 1\n")
		},
		"100 MB in lines": func(w http.ResponseWriter, r *http.Request) {
			for range 100 {
				_, _ = io.WriteString(w, large[:32<<10]+"\n"+large[:32<<10]+"\n"+large)
			}
		},
		"to another host": redirect("http://169.254.169.254/latest/meta-data/"),
		"50,000 headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 50_000 {
				w.Header()[fmt.Sprintf("X-%d", i)] = []string{"a"}
			}
		},
		"HTML": page(200, "text/html", "<html></html>"+large),
		"JSON": page(200, "application/json", `{"a": "`+large+`"}`),
		"a byte each 10 ms": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
	} {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			server := httptest.NewServer(handler)
			defer server.Close()
			benchmarkServer(b, server.URL)
		})
	}
	for name, handle := range map[string]func(net.Conn){"Redis": likeRedis, "Postgres": likePostgres} {
		b.Run(name, func(b *testing.B) { benchmarkServer(b, answer(b, handle)) })
	}
}

func benchmarkServer(b *testing.B, url string) {
	b.Helper()
	spent(b, func() error {
		c, err := New(Config{URL: url, Timeout: 200 * time.Millisecond})
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Collect(b.Context())
		return err
	})
}
