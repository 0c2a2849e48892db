package demoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/metrics"
	"apitop/demoapi/middleware"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
)

type settlementStore interface {
	PendingOrders(ctx context.Context, limit int) ([]int64, error)
	SettleOrder(ctx context.Context, id int64, status string) error
}

const (
	ordersQueue = "orders" // a metric's label

	// sweepEvery is how often orders are looked for that nobody works on: those
	// of the last run, and those whose job failed.
	sweepEvery = 30 * time.Second
	// sweepMost bounds one search; it takes the oldest ones.
	sweepMost    = 1000
	sweepTimeout = 5 * time.Second
)

// desk settles orders, one after the other, after they were made.
type desk struct {
	store interface {
		orderStore
		settlementStore
	}
	cache   answerCache
	metrics *metrics.Metrics
	log     *slog.Logger
	queue   *queue.Queue

	mu     sync.Mutex         // guards inHand
	inHand map[int64]struct{} // orders in the queue or being settled
}

func newDesk(a *API, cfg queue.Config) *desk {
	d := &desk{store: a.store, cache: a.cache, metrics: a.metrics, log: a.log, inHand: map[int64]struct{}{}}
	cfg.Name, cfg.Observer, cfg.Failed = ordersQueue, a.metrics, d.failed
	d.queue = queue.New(cfg)
	return d
}

// submit puts the order into the queue, unless it is there.
func (d *desk) submit(place *queue.Place, id int64) {
	if d.take(id) {
		place.Submit(func(ctx context.Context) error {
			defer d.drop(id)
			return d.settle(ctx, id)
		})
	}
}

func (d *desk) take(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, taken := d.inHand[id]; taken {
		return false
	}
	d.inHand[id] = struct{}{}
	return true
}

func (d *desk) drop(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inHand, id)
}

// settle decides on the order and notes the outcome. After an error the order
// is pending still, and the next sweep finds it.
func (d *desk) settle(ctx context.Context, id int64) error {
	o, err := d.store.Order(ctx, id)
	if err != nil {
		return fmt.Errorf("demoapi: settle order %d: %w", id, err)
	}
	if o.Status != store.StatusPending {
		return nil
	}
	status, err := examine(ctx, o)
	if err != nil {
		return err
	}
	switch err := d.store.SettleOrder(ctx, id, status); {
	case errors.Is(err, store.ErrSettled):
		return nil // by another instance
	case err != nil:
		return fmt.Errorf("demoapi: settle order %d: %w", id, err)
	}
	d.metrics.OrderSettled(status)
	if status == store.StatusFailed {
		d.forgetStock(ctx, o.Items) // it went up again
	}
	return nil
}

// Orders are paid for as in life: that takes a moment, and some cards are
// declined. Both depend on the order's number alone, so that a run can be
// repeated.
const (
	payTime      = 10 * time.Millisecond // and up to paySpread more
	paySpread    = 40
	declineEvery = 50 // 2 %
)

// examine checks the order's sum and has it paid for.
func examine(ctx context.Context, o store.Order) (status string, err error) {
	sum := int64(0)
	for _, it := range o.Items {
		sum += it.Quantity * it.PriceCents
	}
	if sum != o.TotalCents {
		return store.StatusFailed, nil
	}
	wait := time.NewTimer(payTime + time.Duration(o.ID%paySpread)*time.Millisecond)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return "", fmt.Errorf("demoapi: have order %d paid: %w", o.ID, ctx.Err())
	}
	if o.ID%declineEvery == 0 {
		return store.StatusFailed, nil
	}
	return store.StatusConfirmed, nil
}

// failed logs a job's failure.
func (d *desk) failed(err error) {
	d.log.Error("an order stays pending until the next try", slog.String("error", err.Error()))
}

// sweep takes up the orders that nobody works on, now and then, until ctx ends.
// It begins with all that the last run left. Later an order has to be found
// twice: else those that another instance has just taken would be found too.
func (d *desk) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	seen := d.pending(ctx)
	d.resubmit(seen)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		found := d.pending(ctx)
		d.resubmit(slices.DeleteFunc(slices.Clone(found), func(id int64) bool { return !slices.Contains(seen, id) }))
		seen = found
	}
}

// pending are the oldest orders not settled; none if the store does not answer.
func (d *desk) pending(ctx context.Context) []int64 {
	limited, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	ids, err := d.store.PendingOrders(limited, sweepMost)
	if err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "cannot look for pending orders", slog.String("error", err.Error()))
	}
	return ids
}

// resubmit puts orders into the queue as long as there is room.
func (d *desk) resubmit(ids []int64) {
	for _, id := range ids {
		place, err := d.queue.Reserve()
		if err != nil {
			return // the rest is found again
		}
		d.submit(place, id)
		place.Release()
	}
}

// forgetStock removes the products from the cache, even if the client has gone:
// the order stands.
func (d *desk) forgetStock(ctx context.Context, items []store.Item) {
	stale := make([]cache.Item, len(items))
	for i, it := range items {
		stale[i] = cache.Product(it.ProductID)
	}
	if err := d.cache.Delete(context.WithoutCancel(ctx), stale...); err != nil {
		d.log.WarnContext(ctx, "products stay in the cache with their old stock until they expire",
			slog.String("request_id", middleware.InfoFrom(ctx).RequestID), slog.String("error", err.Error()))
	}
}
