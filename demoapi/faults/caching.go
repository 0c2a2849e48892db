package faults

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"apitop/demoapi/cache"
)

const (
	flushEvery     = 2 * time.Second
	expireEvery    = 2 * time.Second
	stampedeCalls  = 64
	hottestLooked  = 50 // keys looked at for the first that is a product
	cacheOpTimeout = 2 * time.Second
)

func cacheFlush(_ context.Context, e *env) (undo, error) {
	return e.background(func(ctx context.Context) {
		every(ctx, flushEvery, func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, cacheOpTimeout)
			defer cancel()
			_, _ = e.Cache.Flush(ctx) // Redis may be away; the next time it may not
		})
	}), nil
}

// stampede takes all protection away and lets the hottest product expire under
// many readers, again and again.
func stampede(_ context.Context, e *env) (undo, error) {
	e.Cache.Protect(false)
	tokens := e.readers()
	traffic := e.background(func(ctx context.Context) {
		every(ctx, expireEvery, func(ctx context.Context) {
			id := e.hottestProduct(ctx)
			e.expire(ctx, cache.Product(id))
			e.together(ctx, stampedeCalls, func(i int) call {
				return call{method: http.MethodGet, path: fmt.Sprintf("/products/%d", id), token: tokens[i]}
			})
		})
	})
	return inOrder(traffic, releasing(func() { e.Cache.Protect(true) })), nil
}

func (e *env) expire(ctx context.Context, item cache.Item) {
	ctx, cancel := context.WithTimeout(ctx, cacheOpTimeout)
	defer cancel()
	_ = e.Cache.Delete(ctx, item) // Redis may be away: then everything is a miss
}

// hottestProduct is the most read product, or any while nobody knows.
func (e *env) hottestProduct(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, cacheOpTimeout)
	defer cancel()
	keys, err := e.Cache.Hottest(ctx, hottestLooked)
	if err != nil {
		return hotProduct
	}
	for _, key := range keys {
		digits, ok := strings.CutPrefix(key, "product:")
		if id, err := strconv.ParseInt(digits, 10, 64); ok && err == nil {
			return id
		}
	}
	return hotProduct
}
