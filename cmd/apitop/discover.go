package main

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Ports where services usually listen on a developer's machine.
var (
	metricsPorts = []int{8000, 8080, 9090, 3000, 5000, 9100}
	redisPort    = 6379
	postgresPort = 5432
)

// probeTime bounds the look around: it happens before the first frame.
const probeTime = 250 * time.Millisecond

// discover looks at the usual local ports, reading only, and adds what answers
// to c. A port that answers as something else is left alone.
func discover(ctx context.Context, c *Config) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	found := make([]string, len(metricsPorts))
	var wg sync.WaitGroup
	for i, port := range metricsPorts {
		wg.Go(func() {
			if url := metricsURL(local(port)); servesMetrics(ctx, url) {
				found[i] = url
			}
		})
	}
	var redis, postgres bool
	wg.Go(func() { redis = listens(ctx, redisPort) })
	wg.Go(func() { postgres = listens(ctx, postgresPort) })
	wg.Wait()
	for _, url := range found {
		if url != "" {
			c.Metrics = []string{url} // one service: the first that answers
			break
		}
	}
	if redis {
		c.Redis = "redis://" + local(redisPort)
	}
	if postgres {
		c.Postgres = "postgres://" + local(postgresPort)
	}
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func listens(ctx context.Context, port int) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", local(port))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// servesMetrics tells whether url answers 200; whether it is a metrics page is
// for the collector to say.
func servesMetrics(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, http.NoBody)
	if err != nil {
		return false
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // a HEAD has no body
	return resp.StatusCode == http.StatusOK
}
