package demoapi

import (
	"context"
	"log/slog"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/store"
)

type warmCache interface {
	Warm(ctx context.Context, items []cache.WarmItem) (int, error)
	Hottest(ctx context.Context, n int) ([]string, error)
}

const (
	warmMost    = 200 // values
	warmTimeout = 30 * time.Second

	// Without a memory of the last run these are what people ask for first.
	warmPages   = 5
	warmProduct = 42 // the one that all examples show
)

// warm fills the cache with what was asked for most in the last run, or else
// with the shop's entrance. Requests are served meanwhile.
func (a *API) warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	start := time.Now()
	keys, err := a.cache.Hottest(ctx, warmMost)
	if err != nil {
		a.log.WarnContext(ctx, "cannot look up what was asked for most", slog.String("error", err.Error()))
	}
	items := a.warmItems(keys)
	if len(items) == 0 {
		items = a.entrance()
	}
	warmed, err := a.cache.Warm(ctx, items)
	attrs := []slog.Attr{
		slog.Int("values", warmed), slog.Int("of", len(items)), slog.Float64("took_ms", float64(time.Since(start).Microseconds())/1000),
	}
	level := slog.LevelInfo
	if err != nil && ctx.Err() == nil { // the end of the process is no failure
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.log.LogAttrs(ctx, level, "cache warmed", attrs...)
}

// warmItems are the keys that can be loaded by nothing but themselves.
func (a *API) warmItems(keys []string) []cache.WarmItem {
	var items []cache.WarmItem
	for _, key := range keys {
		item, ok := cache.ItemOf(key)
		if !ok {
			continue
		}
		if load := a.loader(item); load != nil {
			items = append(items, cache.WarmItem{Item: item, Load: load})
		}
	}
	return items
}

// loader is how the item is loaded; nil: unknown, or nobody may ask for it.
func (a *API) loader(item cache.Item) cache.Loader {
	if id, ok := item.ProductID(); ok {
		return a.productLoader(id)
	}
	if p, ok := item.Page(); ok && p.Limit >= 1 && p.Limit <= longestPage {
		return a.pageLoader(store.ListQuery{CategoryID: p.Category, After: p.After, Limit: p.Limit})
	}
	if item == cache.Categories() {
		return a.loadCategories
	}
	return nil
}

// entrance is the list of categories, the first pages, and their products.
func (a *API) entrance() []cache.WarmItem {
	items := []cache.WarmItem{
		{Item: cache.Categories(), Load: a.loadCategories},
		{Item: cache.Product(warmProduct), Load: a.productLoader(warmProduct)},
	}
	for page := range int64(warmPages) {
		ask := store.ListQuery{After: page * defaultPage, Limit: defaultPage}
		items = append(items, cache.WarmItem{Item: cache.Products(0, ask.After, ask.Limit), Load: a.pageLoader(ask)})
	}
	for id := int64(1); id <= defaultPage; id++ {
		items = append(items, cache.WarmItem{Item: cache.Product(id), Load: a.productLoader(id)})
	}
	return items
}
