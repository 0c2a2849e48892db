package demoapi_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"apitop/demoapi"
	"apitop/demoapi/cache"
)

// TestWarm: before the first request the cache holds what the last run was
// asked for, or else the shop's entrance.
func TestWarm(t *testing.T) {
	tests := map[string]struct {
		counted map[string]float64 // what the last run left
		values  int
		paths   map[string]string
	}{
		"first run": {nil, 27, map[string]string{
			"/products": "hit", "/products/42": "hit", "/categories": "hit", "/products/1": "hit", "/products?after=20": "hit", "/products/77": "miss",
		}},
		"later run": {
			map[string]float64{
				cache.Product(77).Key: 9, cache.Products(3, 0, 5).Key: 5, cache.Categories().Key: 2,
				"search:limit=20&q=oak": 4, "product:x": 3, cache.Products(0, 0, 100_000).Key: 1,
			},
			3, map[string]string{"/products/77": "hit", "/products?category=3&limit=5": "hit", "/categories": "hit", "/products/42": "miss"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var mu sync.Mutex
			s := newShop(t, parts{config: demoapi.Config{Log: slog.NewJSONHandler(locked{&mu, &log}, nil)}})
			for key, n := range tt.counted {
				if _, err := s.redis.ZAdd(cache.AccessKey, n, key); err != nil {
					t.Fatal(err)
				}
			}
			l, _ := listen(t)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.api.Serve(ctx, l) }()
			until(t, "warm", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return strings.Contains(log.String(), fmt.Sprintf(`"msg":"cache warmed","values":%d,"of":%[1]d,`, tt.values))
			})
			for path, want := range tt.paths {
				if got := s.do("GET", path, "").header.Get("X-Cache"); got != want {
					t.Errorf("%s is a %s, want a %s", path, got, want)
				}
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
