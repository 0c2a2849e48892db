package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	warmLoads   = 4 // at a time: the store has requests to serve too
	hottestCall = time.Second
)

// WarmItem is an item and where it comes from.
type WarmItem struct {
	Item Item
	Load Loader
}

// Warm fetches items into the cache, a few at a time, without counting that as
// reads: from Redis if they are there, else by a load. It returns how many are in
// the cache afterwards and why the others are not: the errors of their loads, or
// of ctx. An item that does not exist counts as warmed when the cache keeps that.
func (c *Cache) Warm(ctx context.Context, items []WarmItem) (int, error) {
	errs := make([]error, len(items))
	var g errgroup.Group
	g.SetLimit(warmLoads)
	for i, w := range items {
		g.Go(func() error { errs[i] = c.warm(ctx, w); return nil })
	}
	_ = g.Wait() // the errors are in errs
	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	warm := len(items) - len(failed)
	if len(failed) > 0 {
		return warm, fmt.Errorf("cache: warm: %w", errors.Join(failed...))
	}
	return warm, nil
}

func (c *Cache) warm(ctx context.Context, w WarmItem) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{item: w.Item, load: w.Load, reads: c.accesses.of(w.Item.Key, time.Now())}
	_, _, err := c.answer(ctx, j)
	if c.isMissing(err) {
		return nil
	}
	return err
}

// Hottest returns up to n keys by the reads that all processes counted, the
// most read first; see [ItemOf]. Counts outlive a process by a day.
func (c *Cache) Hottest(ctx context.Context, n int) ([]string, error) {
	if n <= 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, hottestCall)
	defer cancel()
	keys, err := c.client.ZRevRange(ctx, AccessKey, 0, int64(n)-1).Result()
	if err != nil {
		c.failed("count", err)
		return nil, fmt.Errorf("cache: read the hottest keys: %w", err)
	}
	return keys, nil
}
