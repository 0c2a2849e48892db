package store_test

import (
	"context"
	"sync/atomic"
	"testing"

	"apitop/demoapi/store"
)

func testCountQueries(t *testing.T, s *store.Postgres) {
	items := []store.Item{{ProductID: 1, Quantity: 1}, {ProductID: 2, Quantity: 1}, {ProductID: 3, Quantity: 1}}
	tests := map[string]struct {
		call func(context.Context) error
		want int64
	}{
		"product":    {func(ctx context.Context) error { _, err := s.Product(ctx, 1); return err }, 1},
		"categories": {func(ctx context.Context) error { _, err := s.Categories(ctx); return err }, 1},
		"no words":   {func(ctx context.Context) error { _, err := s.Search(ctx, store.SearchQuery{Text: "-"}); return err }, 0},
		// begin, lock, lower the stock, order, items, commit, however many items
		"order": {func(ctx context.Context) error {
			_, err := s.CreateOrder(ctx, store.NewOrder{UserID: 1, Items: items})
			return err
		}, 6},
		"two calls": {func(ctx context.Context) error {
			if _, err := s.User(ctx, 1); err != nil {
				return err
			}
			_, err := s.UserByName(ctx, "basic1")
			return err
		}, 2},
		"counted by another": {func(ctx context.Context) error {
			var other atomic.Int64
			_, err := s.Product(store.CountQueries(ctx, &other), 1)
			if other.Load() != 1 {
				t.Errorf("the inner counter has %d, want 1", other.Load())
			}
			return err
		}, 0},
	}
	for name, tt := range tests {
		if got := statements(t, tt.call); got != tt.want {
			t.Errorf("%s: %d statements, want %d", name, got, tt.want)
		}
	}
	if _, err := s.Product(store.CountQueries(t.Context(), nil), 1); err != nil {
		t.Errorf("with a counter that is nil: %v", err)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	var n atomic.Int64
	for name, ctx := range map[string]context.Context{"not asked for": t.Context(), "counted": store.CountQueries(t.Context(), &n)} {
		if got := testing.AllocsPerRun(100, func() { store.Trace(ctx) }); got != 0 {
			t.Errorf("%s: %v allocations a statement, want 0", name, got)
		}
	}
	if n.Load() != 101 { // AllocsPerRun warms up once
		t.Errorf("%d statements counted, want 101", n.Load())
	}
}
