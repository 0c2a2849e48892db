package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/stack"
)

// shop is an API on private servers, with what a test needs to look at it.
type shop struct {
	base   string
	rdb    *redis.Client // of the test's own
	dsn    string
	guests atomic.Int64 // made up so far: one for each request
}

// openShop starts servers and an API in this process; they end with the test.
// Where they are not installed it skips, unless the environment requires them.
func openShop(t *testing.T) *shop {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Simulated() || s.PostgresDSN() == "" {
		_ = s.Close()
		if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
			t.Fatalf("needs redis-server and postgres: %+v", s.Notes())
		}
		t.Skipf("needs redis-server and postgres: %+v", s.Notes())
	}
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opt, err := redis.ParseURL(s.RedisURL())
	if err != nil {
		t.Fatal(err)
	}
	opt.MaxRetries = -1
	sh := &shop{base: BaseURL(ln.Addr()), dsn: s.PostgresDSN(), rdb: redis.NewClient(opt)}
	cfg := Config{RedisURL: s.RedisURL(), PostgresDSN: s.PostgresDSN()}
	cfg.RunsOn(s)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- API(ctx, ln, cfg, Hooks{Ready: func() { close(ready) }, Servers: SwitcherOf(s)})
	}()
	t.Cleanup(func() {
		stop()
		for _, err := range []error{<-ended, sh.rdb.Close(), s.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return sh
}

// ask sends a request as a guest that never asked before, and returns the status.
func (sh *shop) ask(t *testing.T, method, path, body string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, sh.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Client-Id", fmt.Sprintf("test-%d", sh.guests.Add(1)))
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func (sh *shop) get(t *testing.T, path string) int {
	t.Helper()
	return sh.ask(t, http.MethodGet, path, "")
}

// metric adds up the series of the metrics page whose name and labels hold all
// parts; the first part is the name.
func (sh *shop) metric(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(scrape(t, sh.base+"/metrics")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if i := strings.LastIndex(line, "} "); i >= 0 {
			series, value = line[:i+1], strings.TrimSpace(line[i+2:])
		}
		if n, _, _ := strings.Cut(series, "{"); n != name {
			continue
		}
		matches := true
		for _, l := range labels {
			matches = matches && strings.Contains(series, l)
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if matches {
			sum += v
		}
	}
	return sum
}

// sql returns the number that a query gives.
func (sh *shop) sql(t *testing.T, query string) (n float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, sh.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (sh *shop) info(t *testing.T, field string) (n float64) {
	t.Helper()
	text, err := sh.rdb.Info(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			if n, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}
