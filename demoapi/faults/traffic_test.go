package faults

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/demoapi/limit"
)

// listener counts what the faults' traffic asks for.
type listener struct {
	mu     sync.Mutex // guards the rest
	calls  map[string]int
	tokens map[string]int
	at     int // under way
	most   int // at once
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // empty or short
	l.mu.Lock()
	l.calls[r.Method+" "+r.URL.Path+" "+string(body)]++
	l.tokens[r.Header.Get("Authorization")+r.Header.Get("X-Client-Id")]++
	l.at++
	l.most = max(l.most, l.at)
	l.mu.Unlock()
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	l.at--
	l.mu.Unlock()
	w.WriteHeader(http.StatusTooManyRequests) // nobody minds
}

// total is the number of calls that begin so.
func (l *listener) total(prefix string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for call, c := range l.calls {
		if strings.HasPrefix(call, prefix) {
			n += c
		}
	}
	return n
}

// callers is how many identities were seen that begin so.
func (l *listener) callers(prefix string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token := range l.tokens {
		if strings.HasPrefix(token, prefix) {
			n++
		}
	}
	return n
}

// listening returns hooks for a server of its own that only counts.
func listening(t *testing.T) (*listener, Hooks, *record) {
	t.Helper()
	l := &listener{calls: map[string]int{}, tokens: map[string]int{}}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	r := &record{}
	token := func(id int64, tier limit.Tier) string { return string(tier) + "-" + time.Duration(id).String() }
	return l, Hooks{Cache: parts{r}, Queue: parts{r}, BaseURL: srv.URL, Token: token}, r
}

// TestTraffic: each fault with traffic of its own sends what it says at about its
// rate, and no more when it is off.
func TestTraffic(t *testing.T) {
	tests := map[string]struct {
		call          string
		perSecond     float64
		token         string
		callers       int // at least, after a while
		before, after string
	}{
		"hot-key":      {"GET /products/42 ", hotKeyRate, "Bearer admin-", madeUp, "l1 false", "l1 true"},
		"abusive-user": {"GET /", abuserRate, "Bearer basic-", 1, "", ""},
		"retry-storm":  {`POST /auth/login {"username":"basic1"`, stormRate, "storm-", stormers, "", ""},
		"queue-stall":  {`POST /orders {"items":[{"product_id":`, orderRate, "Bearer admin-", 2, "pause", "resume"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, h, r := listening(t)
			began := time.Now()
			s := started(t, h, name)
			within(t, 20*time.Second, "a second's worth of calls", func() bool { return float64(l.total(tt.call)) >= tt.perSecond })
			took := time.Since(began)
			if n := float64(l.total("")); n > tt.perSecond*(took.Seconds()+1) {
				t.Errorf("%v calls in %v", n, took)
			}
			within(t, 20*time.Second, "its callers", func() bool { return l.callers(tt.token) >= tt.callers })
			switchTo(t, s, name, false)
			// What was on its way may still arrive.
			within(t, 5*time.Second, "it has ended", func() bool {
				n := l.total("")
				time.Sleep(300 * time.Millisecond)
				return l.total("") == n
			})
			if done := strings.Join(r.take(), ","); done != strings.Trim(tt.before+","+tt.after, ",") {
				t.Errorf("done to the parts: %q", done)
			}
		})
	}
}

// TestStampedeTraffic: many ask at once, right after each expiry.
func TestStampedeTraffic(t *testing.T) {
	l, h, r := listening(t)
	s := started(t, h, "stampede")
	within(t, 20*time.Second, "two waves", func() bool { return l.total("GET /products/42 ") >= 2*stampedeCalls })
	switchTo(t, s, "stampede", false)
	done := strings.Join(r.take(), ",")
	if !strings.HasPrefix(done, "protect false,hottest,delete,hottest,delete") || !strings.HasSuffix(done, "protect true") {
		t.Errorf("done to the parts: %q", done)
	}
	if l.most < stampedeCalls/4 {
		t.Errorf("at most %d at once", l.most)
	}
}

// TestNobodyListens: traffic ends in time when nothing answers, and when nobody
// is there at all.
func TestNobodyListens(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	for name, url := range map[string]string{"silent": srv.URL, "gone": "http://127.0.0.1:1", "unreadable": "http://[::1"} {
		t.Run(name, func(t *testing.T) {
			_, h, _ := listening(t)
			h.BaseURL = url
			s := started(t, h, "abusive-user")
			time.Sleep(200 * time.Millisecond)
			began := time.Now()
			switchTo(t, s, "abusive-user", false)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v to end", took)
			}
		})
	}
}

// TestStreamBehind: what cannot be sent in time is left out, not saved up.
func TestStreamBehind(t *testing.T) {
	l, h, _ := listening(t)
	e := newEnv(h)
	defer e.cancel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	e.send(ctx, stream{rate: 100_000, most: 4, next: func(int) call { return call{method: http.MethodGet, path: "/x"} }})
	if n := l.total(""); n == 0 || n > 5000 || l.most > 4 {
		t.Errorf("%d calls, %d at once", n, l.most)
	}
	e.client.CloseIdleConnections()
}
