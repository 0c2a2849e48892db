package demoapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/demoapi"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// until polls for ten seconds at most.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// stock asks for a product's stock, past the caches.
func (s *shop) stock(product int64) int64 {
	s.t.Helper()
	p, err := s.store.Product(s.t.Context(), product)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Stock
}

// status asks for an order's status.
func (s *shop) status(location string, auth ...string) string {
	s.t.Helper()
	got := s.do("GET", location, "", auth...)
	var o store.Order
	if err := json.Unmarshal([]byte(got.body), &o); err != nil || got.status != 200 {
		s.t.Fatalf("%+v", got)
	}
	return o.Status
}

// TestOrderIsSettled: an order waits, then stands; one in fifty does not, and
// its pieces are back, also for who looks through the cache.
func TestOrderIsSettled(t *testing.T) {
	s := newShop(t, parts{config: demoapi.Config{Queue: queue.Config{Workers: 20}}})
	header, token := s.login("admin1")
	s.api.Queue().Pause()
	var locations []string
	before := s.stock(7)
	for range 50 {
		got := s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":1}]}`, header, token)
		if got.status != 201 || !strings.Contains(got.body, `"status":"pending"`) {
			t.Fatalf("%+v", got)
		}
		locations = append(locations, got.header.Get("Location"))
	}
	if got := s.status(locations[0], header, token); got != "pending" {
		t.Errorf("nobody works, but it is %s", got)
	}
	s.do("GET", "/products/7", "", header, token) // now it is in the cache
	s.says(`queue_length{queue="orders"} 50`, `orders_total{status="pending"} 50`, `orders_total{status="confirmed"} 0`)
	s.api.Queue().Resume()
	until(t, "all settled", func() bool { return s.api.Queue().Stats().Completed == 50 })
	states := map[string]int{}
	for _, l := range locations {
		states[s.status(l, header, token)]++
	}
	if states["confirmed"] != 49 || states["failed"] != 1 {
		t.Errorf("states %v, want 49 confirmed and 1 failed", states)
	}
	if got := s.stock(7); got != before-49 {
		t.Errorf("stock %d, before %d", got, before)
	}
	if got := s.do("GET", "/products/7", "", header, token).body; !strings.Contains(got, fmt.Sprintf(`"stock":%d`, before-49)) {
		t.Errorf("the cache says %s", got)
	}
	s.says(
		`queue_length{queue="orders"} 0`, `orders_total{status="confirmed"} 49`, `orders_total{status="failed"} 1`,
		`queue_jobs_total{queue="orders",state="completed"} 50`, `queue_job_duration_seconds_count{queue="orders"} 50`,
	)
}

// TestQueueFull: without a place in the queue no order is made.
func TestQueueFull(t *testing.T) {
	s := newShop(t, parts{config: demoapi.Config{Queue: queue.Config{Capacity: 2}}})
	header, token := s.login("basic1")
	s.api.Queue().Pause()
	before := s.stock(7)
	order := func() reply {
		return s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":1}]}`, header, token)
	}
	order()
	order()
	got := order()
	if p := got.problem(t); p.Status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "none was made") {
		t.Errorf("%+v", got)
	}
	if got := s.stock(7); got != before-2 {
		t.Errorf("stock %d, before %d", got, before)
	}
	// What the store refuses gives its place back.
	s.api.Queue().Resume()
	until(t, "room", func() bool { return s.api.Queue().Stats().Completed == 2 })
	for range 3 {
		s.do("POST", "/orders", `{"items":[{"product_id":999999,"quantity":1}]}`, header, token)
	}
	if got := order(); got.status != 201 {
		t.Errorf("%+v", got)
	}
	s.says(`queue_jobs_total{queue="orders",state="rejected"} 1`, `queue_jobs_total{queue="orders",state="accepted"} 3`)
}

// TestOrdersOfTheLastRun: what was pending when the last process ended is
// settled by the next one.
func TestOrdersOfTheLastRun(t *testing.T) {
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	o, err := m.CreateOrder(t.Context(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: 3, Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, parts{store: m})
	l, _ := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.api.Serve(ctx, l) }()
	until(t, "settled", func() bool {
		got, err := m.Order(t.Context(), o.ID)
		return err == nil && got.Status == store.StatusConfirmed
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestShutdownSettles: orders in the queue are settled before the end, also when
// the queue was paused.
func TestShutdownSettles(t *testing.T) {
	s := newShop(t, parts{})
	header, token := s.login("basic1")
	s.api.Queue().Pause()
	for range 5 {
		s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":1}]}`, header, token)
	}
	l, _ := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.api.Serve(ctx, l); err != nil {
		t.Error(err)
	}
	if ids, err := s.store.PendingOrders(t.Context(), 10); err != nil || len(ids) != 0 {
		t.Errorf("pending: %v, %v", ids, err)
	}
	got := s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":1}]}`, header, token)
	if p := got.problem(t); p.Status != 503 {
		t.Errorf("an order after the end: %+v", got)
	}
}
