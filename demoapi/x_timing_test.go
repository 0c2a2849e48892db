package demoapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

const (
	clients = 64   // connections that ask at the same time
	turn    = 2000 // requests until it is the other server's turn
)

// BenchmarkThroughput compares a cached GET /products/{id} with a bare handler
// that writes the same bytes, over real connections. The goal is 0.70 of its
// requests per second without and 0.35 with the limiter, for one user, whose
// requests lie together in Redis, and for a user on each connection. The client is
// as cheap as can be, and the two take turns, so that a busy machine slows both.
func BenchmarkThroughput(b *testing.B) {
	client := servertest.StartRedis(b).Client()
	b.Cleanup(func() { _ = client.Close() })
	shared, err := limit.New(limit.GCRA, client, rdb.Options{Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	free, limited := benchAPI(b, client, nil), benchAPI(b, client, shared)
	body := answerOf(b, free.URL())
	bare := serveOn(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	none := func(int) string { return "" }
	user := func(id int) string {
		return "Authorization: Bearer " + limited.Token(int64(id), limit.Admin) + "\r\n"
	}
	for _, run := range []struct {
		name, addr string
		auth       func(client int) string
	}{
		{"bare", bare, none}, // against itself: how far the ratio can be trusted
		{"cached", free.addr, none},
		{"limited", limited.addr, func(int) string { return user(7) }},
		{"many-users", limited.addr, func(client int) string { return user(100 + client) }}, // each its own
	} {
		b.Run(run.name, func(b *testing.B) {
			base, tried := dial(b, bare, none), dial(b, run.addr, run.auth)
			b.ResetTimer()
			var baseTook, took time.Duration
			for left := b.N; left > 0; left -= turn {
				baseTook += base.ask(b, min(left, turn))
				took += tried.ask(b, min(left, turn))
			}
			b.ReportMetric(0, "ns/op") // of both together: says nothing
			b.ReportMetric(float64(b.N)/took.Seconds(), "req/s")
			b.ReportMetric(float64(b.N)/baseTook.Seconds(), "bare-req/s")
			b.ReportMetric(baseTook.Seconds()/took.Seconds(), "of-bare")
		})
	}
}

// BenchmarkHandler is what the API itself costs a request, without a network.
func BenchmarkHandler(b *testing.B) {
	client := servertest.StartRedis(b).Client()
	b.Cleanup(func() { _ = client.Close() })
	api := benchAPI(b, client, nil)
	r, err := http.NewRequest("GET", "/products/42", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:9"
	w := &discarding{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		api.ServeHTTP(w, r)
	}
}

// discarding is a ResponseWriter that costs nothing.
type discarding struct{ header http.Header }

func (d *discarding) Header() http.Header         { return d.header }
func (d *discarding) WriteHeader(int)             {}
func (d *discarding) Write(p []byte) (int, error) { return len(p), nil }

// served is an API on a listener of its own.
type served struct {
	*demoapi.API
	addr string
}

func (s served) URL() string { return "http://" + s.addr + "/products/42" }

func benchAPI(b *testing.B, client *redis.Client, l middleware.Limiter) served {
	b.Helper()
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		b.Fatal(err)
	}
	numbers := demoapi.NewMetrics(limit.DefaultPlan())
	c := cache.New(client, cache.Config{Observer: numbers})
	b.Cleanup(c.Close)
	plan := limit.DefaultPlan()
	plan.Requests[limit.Admin] = 1 << 30
	api, err := demoapi.New(demoapi.Config{Metrics: numbers, Plan: plan}, m, c, l)
	if err != nil {
		b.Fatal(err)
	}
	return served{api, serveOn(b, api)}
}

// serveOn serves h as [demoapi.API.Serve] does.
func serveOn(b *testing.B, h http.Handler) (addr string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(l) // it says that the server was closed
	}()
	b.Cleanup(func() { _ = srv.Close(); <-ended })
	return l.Addr().String()
}

// answerOf is a body, asked for twice so that it is in the cache.
func answerOf(b *testing.B, url string) (body []byte) {
	b.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	for range 2 {
		resp, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			b.Fatal(err)
		}
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			b.Fatalf("%s %s %v", resp.Status, body, err)
		}
	}
	return body
}

// connections are the open ones to a server.
type connections struct {
	all      []net.Conn
	readers  []*bufio.Reader
	requests [][]byte
}

func dial(b *testing.B, addr string, header func(client int) string) *connections {
	b.Helper()
	c := &connections{}
	for i := range clients {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		c.all, c.readers = append(c.all, conn), append(c.readers, bufio.NewReaderSize(conn, 4096))
		c.requests = append(c.requests, []byte("GET /products/42 HTTP/1.1\r\nHost: shop\r\n"+header(i)+"\r\n"))
	}
	c.ask(b, clients) // everything is set up now
	return c
}

// ask sends n requests over all connections and returns how long that took.
func (c *connections) ask(b *testing.B, n int) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	start := time.Now()
	for i := range c.all {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := c.one(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// one sends a request and reads the answer to its end.
func (c *connections) one(i int) error {
	if _, err := c.all[i].Write(c.requests[i]); err != nil {
		return err
	}
	in, length := c.readers[i], 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			return fmt.Errorf("answer %q", line)
		case len(line) == len("\r\n"):
			_, err := in.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}
