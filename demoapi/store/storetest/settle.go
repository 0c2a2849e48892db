package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"apitop/demoapi/store"
)

// order makes an order of three pieces of one product and one of the next.
func order(t *testing.T, s Store, product int64) store.Order {
	t.Helper()
	o, err := s.CreateOrder(t.Context(), store.NewOrder{UserID: 5, Items: []store.Item{
		{ProductID: product, Quantity: 3}, {ProductID: product + 1, Quantity: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// pending are the ids of all orders that wait.
func pending(t *testing.T, s Store) []int64 {
	t.Helper()
	ids, err := s.PendingOrders(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if ids == nil || !slices.IsSorted(ids) {
		t.Errorf("PendingOrders = %v, want ids in ascending order", ids)
	}
	return ids
}

func testSettledOrders(t *testing.T, s Store) {
	tests := map[string]struct {
		first, again string
		err          error
		returned     int64 // pieces of the first product back in stock at the end
	}{
		"confirmed":        {store.StatusConfirmed, store.StatusConfirmed, nil, 0},
		"failed":           {store.StatusFailed, store.StatusFailed, nil, 3},
		"confirmed stands": {store.StatusConfirmed, store.StatusFailed, store.ErrSettled, 0},
		"failed stands":    {store.StatusFailed, store.StatusConfirmed, store.ErrSettled, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := order(t, s, 600), order(t, s, 602)
			before := stock(t, s, 600)
			if got := pending(t, s); !slices.Contains(got, a.ID) || !slices.Contains(got, b.ID) {
				t.Errorf("pending are %v, want %d and %d among them", got, a.ID, b.ID)
			}
			if err := s.SettleOrder(t.Context(), a.ID, tt.first); err != nil {
				t.Fatal(err)
			}
			if err := s.SettleOrder(t.Context(), a.ID, tt.again); !errors.Is(err, tt.err) {
				t.Errorf("settled again: error %v, want %v", err, tt.err)
			}
			if got, err := s.Order(t.Context(), a.ID); err != nil || got.Status != tt.first || !slices.Equal(got.Items, a.Items) {
				t.Errorf("the order is now %+v, %v, want %+v, %s", got, err, a, tt.first)
			}
			if got := stock(t, s, 600) - before; got != tt.returned {
				t.Errorf("%d pieces came back, want %d", got, tt.returned)
			}
			if got := pending(t, s); slices.Contains(got, a.ID) || !slices.Contains(got, b.ID) {
				t.Errorf("pending are %v, want %d among them and %d not", got, b.ID, a.ID)
			}
		})
	}
}

// testSettledAtOnce has two workers settle the same order in opposite ways: one
// of them wins, and the stock shows which.
func testSettledAtOnce(t *testing.T, s Store) {
	for range 20 {
		before := stock(t, s, 700)
		o := order(t, s, 700)
		var won [2]atomic.Bool
		var wg sync.WaitGroup
		for i := range 8 {
			status := []string{store.StatusConfirmed, store.StatusFailed}[i%2]
			wg.Go(func() {
				switch err := s.SettleOrder(context.Background(), o.ID, status); {
				case err == nil:
					won[i%2].Store(true)
				case !errors.Is(err, store.ErrSettled):
					t.Errorf("settle as %s: %v", status, err)
				}
			})
		}
		wg.Wait()
		got, err := s.Order(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		confirmed, failed := won[0].Load(), won[1].Load()
		sold := before - stock(t, s, 700)
		if confirmed == failed || confirmed != (got.Status == store.StatusConfirmed) || confirmed != (sold == 3) || failed != (sold == 0) {
			t.Errorf("confirmed %v, failed %v, but the order is %s and %d pieces are sold", confirmed, failed, got.Status, sold)
		}
	}
}

func testRefusedSettling(t *testing.T, s Store) {
	o := order(t, s, 800)
	for name, status := range map[string]string{"back to pending": store.StatusPending, "empty": "", "unknown": "lost"} {
		if err := s.SettleOrder(t.Context(), o.ID, status); err == nil {
			t.Errorf("%s: SettleOrder(%q) gave no error", name, status)
		}
	}
	if got := pending(t, s); !slices.Contains(got, o.ID) {
		t.Errorf("a refused settling took order %d off %v", o.ID, got)
	}
	for _, id := range []int64{-1, 0, o.ID + 1000} {
		if err := s.SettleOrder(t.Context(), id, store.StatusFailed); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("SettleOrder(%d): error %v, want ErrNotFound", id, err)
		}
	}
	for _, limit := range []int{-1, 0, 1} {
		if got, err := s.PendingOrders(t.Context(), limit); err != nil || len(got) != max(limit, 0) {
			t.Errorf("PendingOrders(%d) = %v, %v", limit, got, err)
		}
	}
}
