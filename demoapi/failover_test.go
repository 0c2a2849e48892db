package demoapi_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// TestLimitedWithoutRedis: with Redis gone the quotas hold in the process, and
// everything is answered from the store; the metrics say all that.
func TestLimitedWithoutRedis(t *testing.T) {
	server := miniredis.RunT(t)
	client, err := rdb.Open("redis://" + server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	numbers := demoapi.NewMetrics(limit.DefaultPlan())
	o := rdb.Options{Pause: time.Hour, OnState: numbers.BreakerChanged}
	shared, err := limit.New(limit.GCRA, client, o)
	if err != nil {
		t.Fatal(err)
	}
	c := cache.New(client, cache.Config{Redis: o, Observer: numbers, NotFound: store.ErrNotFound})
	l := limit.NewFailover(shared, limit.NewLocal(limit.LocalOptions{}), numbers)
	api, err := demoapi.New(demoapi.Config{Metrics: numbers}, m, c, l)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{Server: httptest.NewServer(api), t: t, api: api}
	t.Cleanup(func() { s.Close(); c.Close(); _ = client.Close() })
	server.Close()
	counts := map[int]int{}
	for range 15 { // a guest has 10 logins
		got := s.do("POST", "/auth/login", `{"username":"test","password":"wrong"}`, "X-Client-Id", "17")
		counts[got.status]++
		if got.header.Get("X-RateLimit-Limit") != "10" {
			t.Errorf("%+v", got)
		}
	}
	if counts[401] != 10 || counts[429] != 5 {
		t.Errorf("statuses %v, want 10 times 401 and 5 times 429", counts)
	}
	s.says(
		`ratelimit_local_decisions_total{decision="allowed"} 10`, `ratelimit_local_decisions_total{decision="denied"} 5`,
		`ratelimit_decisions_total{decision="denied",endpoint="/auth/login",tier="guest"} 5`,
		`breaker_state{name="limiter"} 2`, `breaker_transitions_total{name="limiter",to="open"} 1`,
	)
}
