package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ordersKept is how many orders a Memory keeps when it has to forget some, which
// it does at twice as many.
const ordersKept = 100_000

// CreateOrder makes a pending order and lowers the stock, or does neither and
// returns a [ProductError], or [ErrNotFound] when there is no such user. With
// 200,000 orders of which hardly any is settled it is [ErrUnavailable].
func (m *Memory) CreateOrder(ctx context.Context, n NewOrder) (Order, error) {
	if _, err := m.User(ctx, n.UserID); err != nil {
		return Order{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.makeRoomLocked() {
		return Order{}, fmt.Errorf("store: order: too many wait to be settled: %w", ErrUnavailable)
	}
	items := slices.Clone(n.Items)
	sortItems(items)
	for i, it := range items {
		if it.ProductID < 1 || it.ProductID > int64(len(m.products)) {
			return Order{}, &ProductError{it.ProductID, ErrUnknownProduct}
		}
		p := m.products[it.ProductID-1]
		if it.Quantity > p.Stock {
			return Order{}, &ProductError{it.ProductID, ErrOutOfStock}
		}
		items[i].PriceCents = p.PriceCents
	}
	for _, it := range items {
		m.products[it.ProductID-1].Stock -= it.Quantity
	}
	o := Order{
		ID: m.forgotten + int64(len(m.orders)) + 1, UserID: n.UserID, Items: items, TotalCents: total(items),
		Status: StatusPending, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	m.orders = append(m.orders, o)
	m.pending = append(m.pending, o.ID)
	o.Items = slices.Clone(items) // the caller's own
	return o, nil
}

// makeRoomLocked forgets the oldest settled orders when there are too many. It
// does so rarely, since the others are moved, and reports false when it cannot.
func (m *Memory) makeRoomLocked() bool {
	if len(m.orders) < 2*ordersKept {
		return true
	}
	drop := int64(len(m.orders) - ordersKept)
	if len(m.pending) > 0 {
		drop = min(drop, m.pending[0]-1-m.forgotten)
	}
	if drop < ordersKept/10 {
		return false
	}
	m.orders = slices.Clone(m.orders[drop:])
	m.forgotten += drop
	return true
}

// Order returns the order with that id, or [ErrNotFound].
func (m *Memory) Order(_ context.Context, id int64) (Order, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	o := m.orderLocked(id)
	if o == nil {
		return Order{}, fmt.Errorf("store: order %d: %w", id, ErrNotFound)
	}
	read := *o
	read.Items = slices.Clone(o.Items)
	return read, nil
}

// orderLocked is the order kept under id, or nil.
func (m *Memory) orderLocked(id int64) *Order {
	i := id - 1 - m.forgotten
	if i < 0 || i >= int64(len(m.orders)) {
		return nil
	}
	return &m.orders[i]
}

// PendingOrders returns the ids of orders not settled yet, the oldest first, at
// most limit of them.
func (m *Memory) PendingOrders(_ context.Context, limit int) ([]int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return append([]int64{}, m.pending[:min(max(limit, 0), len(m.pending))]...), nil
}

// SettleOrder ends the processing of an order: status is [StatusConfirmed], or
// [StatusFailed], which gives its pieces back to the stock. To settle an order
// again in the same way changes nothing; in the other way it is [ErrSettled].
// Without such an order it is [ErrNotFound].
func (m *Memory) SettleOrder(_ context.Context, id int64, status string) error {
	if err := checkSettling(id, status); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.orderLocked(id)
	switch {
	case o == nil:
		return fmt.Errorf("store: settle order %d as %s: %w", id, status, ErrNotFound)
	case o.Status == status:
		return nil
	case o.Status != StatusPending:
		return fmt.Errorf("store: settle order %d as %s: %w", id, status, ErrSettled)
	}
	o.Status = status
	if at, found := slices.BinarySearch(m.pending, id); found {
		m.pending = slices.Delete(m.pending, at, at+1)
	}
	if status == StatusFailed {
		for _, it := range o.Items {
			m.products[it.ProductID-1].Stock += it.Quantity
		}
	}
	return nil
}
