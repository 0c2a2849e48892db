package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apitop/collectors/analysis"
	"apitop/demoapi/servertest"
)

// limitsConfig is a file with all that may be said of limits; %s are the socket
// of Redis and the address of a service.
const limitsConfig = `
redis: unix://%s
no_host: true
limiters:
- name: shop
  key: '^shop:\{(?P<id>[^}]+)\}:(?P<ep>.+)$'
  type: hash
  algorithm: token-bucket
  fields: {tokens: left, last: at}
  unit: ms
  limit: 100
  window: 1m
- {name: edge, key: '^edge-limit/(?P<id>.+)$', like: ulule-limiter}
limits:
- {layout: edge, tier: gold, limit: 500}
- {layout: edge, limit: 5}
tiers:
- {subject: "9*", tier: gold}
- {key: "user:{id}", field: plan}
limit_headers:
- {url: "%s/products?token=S3cr3tPW", endpoint: /products}
`

// TestLimitsFromConfig: what the file says of limits is in the report, and where
// each limit is from.
func TestLimitsFromConfig(t *testing.T) {
	server := servertest.StartRedis(t)
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodHead {
			t.Errorf("asked by %s", r.Method)
		}
		w.Header().Set("Ratelimit-Limit", "60, 60;w=60")
	}))
	t.Cleanup(service.Close)
	ctx := t.Context()
	now := time.Now().UnixMilli()
	for _, err := range []error{
		client.HSet(ctx, "shop:{42}:/orders", "left", "25", "at", now).Err(), client.PExpire(ctx, "shop:{42}:/orders", time.Minute).Err(),
		client.Set(ctx, "edge-limit/7", "5", time.Minute).Err(), client.Set(ctx, "edge-limit/9", "5", time.Minute).Err(),
		client.Set(ctx, "edge-limit/8", "5", time.Minute).Err(), client.HSet(ctx, "user:8", "plan", "gold").Err(),
		client.Set(ctx, "fastapi-limiter:10.0.0.1:/products:0:0", "6", time.Minute).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(limitsConfig, server.Socket, service.URL)
	c, err := completed(t, nil, "--config", configFile(t, text))
	if err != nil {
		t.Fatal(err)
	}
	r := reportUntil(t, c, func(r *analysis.Report) bool {
		return r.Limits != nil && len(r.Limits.Subjects) == 5 && subjectAt(r, "/products").LimitFrom != ""
	})
	for key, want := range map[string]string{
		"shop:{42}:/orders":                      "shop token-bucket 100 config",
		"edge-limit/7":                           "edge fixed-window 5 config",
		"edge-limit/8":                           "edge fixed-window 500 gold config",
		"edge-limit/9":                           "edge fixed-window 500 gold config",
		"fastapi-limiter:10.0.0.1:/products:0:0": "fastapi-limiter fixed-window 60 headers",
	} {
		s := subjectOfKey(r, key)
		got := strings.Join(strings.Fields(fmt.Sprint(s.Layout, " ", s.Algorithm, " ", s.Limit.V, " ", s.Tier, " ", s.LimitFrom)), " ")
		if got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	if s := subjectOfKey(r, "edge-limit/7"); !s.IsBlocked() || r.Limits.ThrottledSubjects != 1 {
		t.Errorf("%d throttled, %+v", r.Limits.ThrottledSubjects, s)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
	for _, s := range r.Sources {
		if strings.Contains(s.Name.String(), "S3cr3tPW") || s.Error != nil {
			t.Errorf("source %v: %v", s.Name, s.Error)
		}
	}
}

// TestHeadersNotAsked: when the command line names what is watched, the service
// is not asked for its headers.
func TestHeadersNotAsked(t *testing.T) {
	path := configFile(t, "limit_headers: [http://127.0.0.1:1/]\nlimits: [{limit: 5}]\nredis: redis://127.0.0.1:1\n")
	for want, args := range map[int][]string{1: {"--config", path}, 0: {"--config", path, "--redis", "redis://127.0.0.1:1"}} {
		c, err := completed(t, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, j := range w.jobs {
			if j.Collector.Source().Kind == analysis.KindLimits {
				n++
			}
		}
		if err := w.Close(); err != nil || n != want {
			t.Errorf("%v: %d are asked, want %d (%v)", args, n, want, err)
		}
	}
}

// reportUntil watches as c says until ok.
func reportUntil(t *testing.T, c *Config, ok func(*analysis.Report) bool) *analysis.Report {
	t.Helper()
	w, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	live := w.stream(200*time.Millisecond, w.jobs)
	engine := analysis.New(analysis.Options{Interval: 200 * time.Millisecond})
	for {
		s, err := live.Next(ctx)
		if err != nil {
			t.Fatalf("never: %v", err)
		}
		if r := engine.Step(s); ok(r) {
			return r
		}
	}
}

func subjectOfKey(r *analysis.Report, key string) analysis.Subject {
	for _, s := range r.Limits.Subjects {
		if s.Key.Raw() == key {
			return s
		}
	}
	return analysis.Subject{}
}

func subjectAt(r *analysis.Report, endpoint string) analysis.Subject {
	for _, s := range r.Limits.Subjects {
		if s.Endpoint.Raw() == endpoint {
			return s
		}
	}
	return analysis.Subject{}
}
