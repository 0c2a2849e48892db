package demoapi

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// moody is a store that fails for a while.
type moody struct {
	*store.Memory
	until time.Time
}

var errMood = errors.New("not now")

func (m *moody) Order(ctx context.Context, id int64) (store.Order, error) {
	if time.Now().Before(m.until) {
		return store.Order{}, errMood
	}
	return m.Memory.Order(ctx, id)
}

// newTestDesk is a desk on a store that fails for that long.
func newTestDesk(t *testing.T, fails time.Duration) (*desk, *moody) {
	t.Helper()
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	s := &moody{m, time.Now().Add(fails)}
	a := &API{store: s, metrics: NewMetrics(limit.DefaultPlan()), log: slog.New(slog.DiscardHandler)}
	return newDesk(a, queue.Config{}), s
}

func place(t *testing.T, s *moody) int64 {
	t.Helper()
	o, err := s.CreateOrder(t.Context(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: 3, Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

// TestSweep: an order whose job failed is taken up again; one that has just
// come is left to whoever has it.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newTestDesk(t, 70*time.Second)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		old := place(t, s)
		go d.sweep(ctx) // at 0, 30, 60 s in vain, at 90 s not
		synctest.Wait()
		fresh := place(t, s)
		time.Sleep(31 * time.Second)
		if got := d.queue.Stats(); got.Failed != 2 || got.Accepted != 2 {
			t.Errorf("after 31 s: %+v", got)
		}
		time.Sleep(30 * time.Second) // found for the second time
		if got := d.queue.Stats(); got.Failed != 4 {
			t.Errorf("after 61 s: %+v", got)
		}
		time.Sleep(31 * time.Second)
		for _, id := range []int64{old, fresh} {
			if o, err := s.Order(ctx, id); err != nil || o.Status != store.StatusConfirmed {
				t.Errorf("order %d: %+v, %v", id, o, err)
			}
		}
		stop()
		if err := d.queue.Close(t.Context()); err != nil {
			t.Error(err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.inHand) != 0 {
			t.Errorf("still in hand: %v", d.inHand)
		}
	})
}

// TestTwice: an order is in the queue once, however often it is found, and one
// that is settled already is left alone.
func TestTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newTestDesk(t, 0)
		d.queue.Pause()
		id := place(t, s)
		for range 3 {
			d.resubmit([]int64{id})
		}
		if got := d.queue.Stats(); got.Waiting != 1 || got.Accepted != 1 {
			t.Errorf("%+v", got)
		}
		if err := s.SettleOrder(t.Context(), id, store.StatusFailed); err != nil {
			t.Fatal(err)
		}
		if err := d.queue.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if o, err := s.Order(t.Context(), id); err != nil || o.Status != store.StatusFailed || d.queue.Stats().Completed != 1 {
			t.Errorf("%+v, %v, %+v", o, err, d.queue.Stats())
		}
	})
}

func TestExamine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := []store.Item{{ProductID: 1, Quantity: 2, PriceCents: 150}, {ProductID: 2, Quantity: 1, PriceCents: 99}}
		for name, tt := range map[string]struct {
			order  store.Order
			status string
			took   time.Duration
		}{
			"good":        {store.Order{ID: 7, Items: items, TotalCents: 399}, store.StatusConfirmed, 17 * time.Millisecond},
			"declined":    {store.Order{ID: 150, Items: items, TotalCents: 399}, store.StatusFailed, 40 * time.Millisecond},
			"wrong total": {store.Order{ID: 7, Items: items, TotalCents: 400}, store.StatusFailed, 0},
		} {
			start := time.Now()
			status, err := examine(t.Context(), tt.order)
			if err != nil || status != tt.status || time.Since(start) != tt.took {
				t.Errorf("%s: %q, %v after %v, want %q after %v", name, status, err, time.Since(start), tt.status, tt.took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := examine(ctx, store.Order{ID: 7}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut off: %v", err)
		}
	})
}

// TestFeatures: each feature is an endpoint that there is.
func TestFeatures(t *testing.T) {
	there := map[string]bool{}
	for _, r := range (&API{}).routes() {
		there[r.method+" "+r.path] = true
	}
	for e, name := range features() {
		if !there[e.Method+" "+e.Route] {
			t.Errorf("%s is %s %s, which is no route", name, e.Method, e.Route)
		}
	}
}
