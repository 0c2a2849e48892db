package demoapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apitop/demoapi"
	"apitop/demoapi/limit"
	"apitop/demoapi/queue"
)

// page is what /metrics says.
func (s *shop) page() string {
	s.t.Helper()
	return s.do("GET", "/metrics", "").body
}

// says fails the test for each line that the page has not.
func (s *shop) says(lines ...string) {
	s.t.Helper()
	page := s.page()
	for _, line := range lines {
		if !strings.Contains(page, "\n"+line+"\n") {
			s.t.Errorf("missing: %s", line)
		}
	}
}

func TestToken(t *testing.T) {
	s := newShop(t, parts{})
	token := s.api.Token(1_000_000, limit.Admin) // of nobody
	if got := s.do("GET", "/products/1", "", "Authorization", "Bearer "+token); got.status != 200 || got.header.Get("X-RateLimit-Limit") != "10000" {
		t.Errorf("%+v", got)
	}
	if got := s.do("GET", "/users/me", "", "Authorization", "Bearer "+token); got.problem(t).Status != 404 {
		t.Errorf("an account that is not: %+v", got)
	}
}

// failing lets all requests of a route fail.
type failing string

func (f failing) Inject(route string) bool { return route == string(f) }

func TestInjector(t *testing.T) {
	s := newShop(t, parts{config: demoapi.Config{Injector: failing("/products/{id}")}})
	if p := s.do("GET", "/products/1", "").problem(t); p.Status != 500 || p.Detail != "" {
		t.Errorf("%+v", p)
	}
	if got := s.do("GET", "/products", ""); got.status != 200 {
		t.Errorf("another route: %+v", got)
	}
	s.says(`http_requests_total{method="GET",route="/products/{id}",status="500"} 1`)
}

// TestFaultsPath: only this machine reaches the switches; they are neither
// limited nor counted.
func TestFaultsPath(t *testing.T) {
	faults := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	s := newShop(t, parts{config: demoapi.Config{Faults: faults}})
	for addr, status := range map[string]int{
		"127.0.0.1:5": 202, "[::1]:5": 202, "[::ffff:127.0.0.1]:5": 202, "@": 202, "203.0.113.9:5": 404, "[2001:db8::1]:5": 404, "x:5": 404,
	} {
		for _, path := range []string{"/demo/faults", "/demo/faults/"} {
			r := httptest.NewRequest("POST", path, nil)
			r.RemoteAddr = addr
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			if w.Code != status || status == 202 && (w.Header().Get("RateLimit") != "" || w.Header().Get("X-Request-Id") == "") {
				t.Errorf("%s from %s: %d %v", path, addr, w.Code, w.Header())
			}
		}
	}
	if page := s.page(); strings.Contains(page, `status="202"`) {
		t.Error("the switches are counted")
	}
	if got := newShop(t, parts{}).do("GET", "/demo/faults", ""); got.status != 404 {
		t.Errorf("without switches: %+v", got)
	}
}

// TestNoLimiter: without a limiter nobody is limited, and no answer says so.
func TestNoLimiter(t *testing.T) {
	s := newShop(t, parts{})
	api, err := demoapi.New(demoapi.Config{}, s.store, s.cache, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 150 { // a guest has 100
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("GET", "/categories", nil))
		if w.Code != 200 || w.Header().Get("RateLimit") != "" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
	}
}

func TestHealth(t *testing.T) {
	s := newShop(t, parts{})
	for _, path := range []string{"/health", "/health/live", "/health/ready"} {
		for range 101 { // a guest has 100 requests
			if got := s.do("GET", path, ""); got.status != 200 || got.body != `{"status":"ok"}` {
				t.Fatalf("%s: %+v", path, got)
			}
		}
	}
	s.says(`http_requests_total{method="GET",route="/health/live",status="200"} 101`, `active_users{window="5m"} 0`)
	down := newShop(t, parts{store: faulty{err: context.DeadlineExceeded}})
	for path, status := range map[string]int{"/health": 503, "/health/live": 200, "/health/ready": 503} {
		if got := down.do("GET", path, ""); got.status != status {
			t.Errorf("%s without a store: %+v", path, got)
		}
	}
}

// TestUse: the figures of the shop's owner are those of what was done.
func TestUse(t *testing.T) {
	s := newShop(t, parts{})
	auth, token := s.login("basic1")
	for range 4 {
		s.do("GET", "/products/42", "", auth, token)
	}
	s.do("GET", "/products/9999", "", auth, token) // there is none: no use
	s.do("HEAD", "/products/42", "", "X-Client-Id", "a")
	s.do("GET", "/categories", "", "X-Client-Id", "b")
	s.do("POST", "/orders", `{"items":[{"product_id":42,"quantity":2}]}`, auth, token)
	s.says(
		`feature_uses_total{feature="view"} 4`, `feature_uses_total{feature="browse"} 1`, `feature_uses_total{feature="login"} 1`,
		`feature_uses_total{feature="order"} 1`, `feature_uses_total{feature="search"} 0`,
		`funnel_events_total{step="view"} 4`, `funnel_events_total{step="order"} 1`,
		`user_requests_total{tier="basic"} 6`, `user_requests_total{tier="guest"} 3`,
		`active_users{window="5m"} 4`, // basic1, a, b, and the guest who logged in
		`orders_total{status="pending"} 1`, `order_value_cents_total 31994`,
		`queue_capacity{queue="orders"} 1000`,
	)
}

// TestQueueSettings: the API's queue is the one configured, under its own name.
func TestQueueSettings(t *testing.T) {
	m := demoapi.NewMetrics(limit.DefaultPlan())
	s := newShop(t, parts{config: demoapi.Config{Queue: queue.Config{Name: "x", Capacity: 3, Workers: 2}, Metrics: m}})
	s.api.Queue().Pause()
	if st := s.api.Queue().Stats(); st.Capacity != 3 || st.Workers != 2 {
		t.Errorf("%+v", st)
	}
	s.says(`queue_workers{queue="orders"} 2`)
}
