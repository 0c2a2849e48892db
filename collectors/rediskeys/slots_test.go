package rediskeys

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
)

// TestReadSlots: a real log of a thousand requests, one a second, the last three
// seconds ago; a counter; a list; a key that is gone.
func TestReadSlots(t *testing.T) {
	srv := redistest.Start(t)
	target, err := redisconn.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	server := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = server.Close() })
	now := float64(time.Now().UnixMilli()) / 1000
	add := []string{"ZADD", "rate_limit:42:/orders"}
	push := []string{"RPUSH", "LIMITS:LIMITER/127.0.0.1/api.orders/5/1/minute"}
	for i := range 1000 {
		at := strconv.FormatFloat(now-3-float64(i), 'f', 3, 64)
		add = append(add, at, fmt.Sprint("m", i))
		if i < 5 {
			push = append(push, at)
		}
	}
	srv.Do(add...)
	srv.Do(push...)
	srv.Do("SET", "rl:127.0.0.1", "7")
	for name, tt := range map[string]struct {
		key         string
		ages, total int
	}{
		"a log":     {"rate_limit:42:/orders", 512, 1000},
		"a list":    {push[1], 5, 5},
		"a counter": {"rl:127.0.0.1", 0, 0},
		"gone":      {"rate_limit:43:/orders", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ReadSlots(t.Context(), server, ratelimit.Layouts(), tt.key)
			if err != nil || len(s.Ages) != tt.ages || s.Total != tt.total || s.Exact != (tt.ages > 0) {
				t.Fatalf("%d ages, total %d, exact %v, error %v", len(s.Ages), s.Total, s.Exact, err)
			}
			for i, age := range s.Ages {
				if math.Abs(age-3-float64(i)) > 2 {
					t.Fatalf("the %d-th newest was %.3f s ago", i, age)
				}
			}
		})
	}
	srv.Kill()
	if _, err := ReadSlots(t.Context(), server, ratelimit.Layouts(), push[1]); err == nil {
		t.Error("no error from a server that is gone")
	}
}
