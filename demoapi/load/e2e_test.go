package load_test

import (
	"context"
	"io"
	"maps"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9/logging"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/load"
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// shop is the real API on a memory store and an embedded Redis.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	client, err := rdb.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	// The client's complaints about a busy machine are not ours.
	logging.Disable()
	t.Cleanup(logging.Enable)
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	patient := rdb.Options{Timeout: 10 * time.Second}
	c := cache.New(client, cache.Config{Redis: patient})
	api, err := demoapi.New(demoapi.Config{}, m, c, limit.NewWindow(client, patient))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(api)
	t.Cleanup(func() { s.Close(); c.Close(); client.Close() })
	return s
}

// events are what the traffic must cause, as the API's metrics show it.
func events() map[string]string {
	return map[string]string{
		"logins of users":      `http_requests_total\{method="POST",route="/auth/login",status="200"\} (\d+)`,
		"guesses of passwords": `http_requests_total\{method="POST",route="/auth/login",status="401"\} (\d+)`,
		"requests of admins":   `ratelimit_decisions_total\{decision="allowed",endpoint="default",tier="admin"\} (\d+)`,
		"orders":               `http_requests_total\{method="POST",route="/orders",status="201"\} (\d+)`,
		"orders looked at":     `http_requests_total\{method="GET",route="/orders/\{id\}",status="200"\} (\d+)`,
		"accounts looked at":   `http_requests_total\{method="GET",route="/users/me",status="200"\} (\d+)`,
		"searches":             `http_requests_total\{method="POST",route="/products/search",status="200"\} (\d+)`,
		"hits of the cache":    `cache_requests_total\{cache="product",layer="redis",result="hit"\} (\d+)`,
	}
}

// TestOnRealAPI: the traffic knows the API: its accounts, paths and bodies. And
// both ends count the same.
func TestOnRealAPI(t *testing.T) {
	s := shop(t)
	g, err := load.New(load.Spec{
		Target: s.URL, Scenario: load.DemoTraffic(), LoginInLoad: true, Seed: 11, Timeout: 20 * time.Second,
		Stages: []load.Stage{{From: 80, To: 80}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _, _ = g.Run(ctx) }()
	missing := events()
	for deadline := time.Now().Add(time.Minute); len(missing) > 0 || g.Progress().Totals.Answered() < 200; {
		if time.Now().After(deadline) {
			t.Errorf("after a minute there are none of: %v", missing)
			break
		}
		time.Sleep(50 * time.Millisecond)
		page := metricsPage(t, s)
		maps.DeleteFunc(missing, func(_, pattern string) bool { return sum(page, pattern) > 0 })
	}
	stop()
	<-done
	stats := g.Progress().Totals
	answered := stats.Answered()
	if stats.Unanswered() != 0 || stats.Sent != answered+stats.Abandoned {
		t.Errorf("%+v", stats)
	}
	// 401 is for strangers and the abuser, 429 for the abuser alone.
	for status, n := range stats.Status {
		known := status == 200 || status == 201 || status == 401 || status == 429
		if !known || status >= 400 && n > stats.Sent/10 {
			t.Errorf("%d answers of status %d, of %d", n, status, stats.Sent)
		}
	}
	counted := sum(metricsPage(t, s), `http_requests_total\{.*\} (\d+)`)
	if counted < answered || counted > stats.Sent {
		t.Errorf("the API counts %d requests, the generator %d sent and %d completed", counted, stats.Sent, answered)
	}
}

func metricsPage(t *testing.T, s *httptest.Server) string {
	t.Helper()
	resp, err := s.Client().Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// sum adds up the first group of all matches of the pattern.
func sum(page, pattern string) (total uint64) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1) {
		n, _ := strconv.ParseUint(m[1], 10, 64) // the pattern has digits only
		total += n
	}
	return total
}
