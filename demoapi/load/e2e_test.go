package load_test

import (
	"context"
	"io"
	"maps"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
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
	l, err := limit.New(limit.GCRA, client, patient)
	if err != nil {
		t.Fatal(err)
	}
	c := cache.New(client, cache.Config{Redis: patient})
	api, err := demoapi.New(demoapi.Config{}, m, c, l)
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

// TestCourseOnRealAPI: the notes' benchmark, and a guest's logins, of which the
// API admits exactly what it advertises.
func TestCourseOnRealAPI(t *testing.T) {
	s := shop(t)
	course := measure(t, load.Spec{Target: s.URL, Scenario: load.CourseScenario(), Closed: load.Closed{Users: 5, Requests: 20}})
	if course.OK != 500 || course.Logins.OK != 10 || len(course.Course) != 5 || course.Errors != 0 {
		t.Errorf("%+v", course)
	}
	for _, c := range course.Course {
		if c.Total != 100 || c.Errors != 0 || c.Status["200"] != 100 || c.Avg == nil || c.P95 != nil {
			t.Errorf("%+v, want 100 good answers, too few for a p95", c)
		}
	}
	guess := &load.Scenario{
		Name: "guess", ClientHeader: "X-Client-Id", Tiers: []load.TierShare{{Tier: "guest", Share: 1, Identities: 2}},
		Requests: []load.Request{{Method: "POST", Path: "/auth/login", Body: `{"username":"test","password":"wrong"}`, Weight: 1}},
	}
	rep := measure(t, load.Spec{Target: s.URL, Scenario: guess, Closed: load.Closed{Users: 2, Requests: 15}})
	if rep.ClientErrors != 20 || rep.Throttled != 10 || len(rep.Tiers) != 1 {
		t.Fatalf("%+v, want 20 wrong passwords and 10 refusals", rep)
	}
	for _, c := range rep.Tiers[0].Conformance {
		if strings.Contains(c.Policy, "login") && (c.Limit != 10 || c.Most != 10 || c.Denying != 2 || c.Conforms == nil || !*c.Conforms) {
			t.Errorf("%+v (conforms %v)", c, c.Conforms != nil && *c.Conforms)
		}
	}
	if rep.Tiers[0].Conformance == nil || rep.Tiers[0].Denied != 10 || rep.Tiers[0].FirstDenial == nil {
		t.Errorf("%+v", rep.Tiers[0])
	}
}

func measure(t *testing.T, spec load.Spec) *load.Report {
	t.Helper()
	r, err := load.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rep
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
