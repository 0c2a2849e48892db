package store_test

import (
	"errors"
	"testing"

	"apitop/demoapi/store"
)

// TestMemoryForgets makes more orders than a Memory keeps. A pending order is
// never forgotten; while one blocks the rest, there are no more orders.
func TestMemoryForgets(t *testing.T) {
	m, err := store.NewMemory(store.Seed{Products: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	make := func(product int64) (store.Order, error) {
		return m.CreateOrder(t.Context(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: product, Quantity: 1}}})
	}
	first, err := make(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2*store.OrdersKept - 1) {
		o, err := make(1 + i%50_000)
		if err == nil {
			err = m.SettleOrder(t.Context(), o.ID, store.StatusConfirmed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	stock, _ := m.Product(t.Context(), 1)
	if _, err := make(1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("with the first order pending: error %v, want ErrUnavailable", err)
	}
	if after, _ := m.Product(t.Context(), 1); after != stock {
		t.Errorf("the order that was refused changed the stock from %d to %d", stock.Stock, after.Stock)
	}
	if err := m.SettleOrder(t.Context(), first.ID, store.StatusConfirmed); err != nil {
		t.Fatal(err)
	}
	last, err := make(1)
	if err != nil || last.ID != first.ID+2*store.OrdersKept {
		t.Fatalf("the next order is %+v, %v, want id %d", last, err, first.ID+2*store.OrdersKept)
	}
	for id, want := range map[int64]error{
		first.ID: store.ErrNotFound, last.ID - store.OrdersKept - 1: store.ErrNotFound, last.ID - store.OrdersKept: nil, last.ID: nil,
	} {
		if o, err := m.Order(t.Context(), id); !errors.Is(err, want) || err == nil && o.ID != id {
			t.Errorf("Order(%d) = %+v, %v, want error %v", id, o, err, want)
		}
		if err := m.SettleOrder(t.Context(), id, store.StatusConfirmed); !errors.Is(err, want) {
			t.Errorf("SettleOrder(%d): error %v, want %v", id, err, want)
		}
	}
}
