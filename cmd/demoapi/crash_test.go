package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/servertest"
)

// crash is an API on servers that outlive it, and what its clients know.
type crash struct {
	redis *redis.Client
	pg    *pgx.Conn
	args  []string
	api   *program

	mu       sync.Mutex       // guards what follows
	sent     map[string]int64 // POST /orders by user id, answered or not
	admitted map[string]int64 // those answered, but not with 429
	orders   []int64          // ids of orders that were confirmed to the client
}

// TestCrash kills the API in the middle of its work. What its clients were told
// is true afterwards: no slot of the limiter is lost or counted twice, and every
// order is whole.
func TestCrash(t *testing.T) {
	for _, algorithm := range []string{"gcra", "sliding-log"} {
		t.Run(algorithm, func(t *testing.T) {
			server := servertest.StartRedis(t)
			dsn := servertest.StartPostgres(t)
			c := &crash{sent: map[string]int64{}, admitted: map[string]int64{}, redis: server.Client()}
			t.Cleanup(func() { _ = c.redis.Close() })
			var err error
			if c.pg, err = pgx.Connect(t.Context(), dsn); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.pg.Close(context.Background()) })
			c.args = []string{"--listen", "127.0.0.1:0", "--redis", "unix://" + server.Socket, "--postgres", dsn, "--limiter", algorithm}
			c.api = launch(t, nil, c.args...)
			c.work(t, true)
			c.check(t, algorithm)
			c.api = launch(t, nil, c.args...)
			c.work(t, false)
			c.check(t, algorithm)
			c.settled(t)
		})
	}
}

// work lets several users order at once, and kills the API meanwhile if asked.
func (c *crash) work(t *testing.T, kill bool) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 8 {
		// A user each: what the API counts can be compared with what one client saw.
		u := client{base: c.api.url, id: fmt.Sprint("device-", i)}.login(t, fmt.Sprint("premium", i+1))
		id, _, _ := strings.Cut(u.token, ".")
		wg.Go(func() {
			for n := range 40 {
				if !c.order(u, id, 1+(i*40+n)%97) {
					return
				}
			}
		})
	}
	if kill {
		for c.count() < 100 {
			time.Sleep(time.Millisecond)
		}
		if err := c.api.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.api.cmd.Wait()
	}
	wg.Wait()
}

// order buys one product; false when the API is gone.
func (c *crash) order(u client, id string, product int) bool {
	c.mu.Lock()
	c.sent[id]++
	c.mu.Unlock()
	a, err := u.try("POST", "/orders", fmt.Sprintf(`{"items":[{"product_id":%d,"quantity":2},{"product_id":%d,"quantity":1}]}`, product, product+1))
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.status != http.StatusTooManyRequests {
		c.admitted[id]++
	}
	if a.status == http.StatusCreated {
		var o struct{ ID int64 }
		if json.Unmarshal(a.body, &o) == nil {
			c.orders = append(c.orders, o.ID)
		}
	}
	return true
}

func (c *crash) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.orders)
}

// check compares Redis and Postgres with what the clients saw.
func (c *crash) check(t *testing.T, algorithm string) {
	t.Helper()
	for id, sent := range c.sent {
		fields, err := c.redis.HGetAll(t.Context(), "rate_limit_meta:"+id).Result()
		if err != nil {
			t.Fatal(err)
		}
		allowed, _ := strconv.ParseInt(fields["allowed:/orders"], 10, 64) // missing: 0
		if allowed < c.admitted[id] || allowed > sent {
			t.Errorf("user %s: %d requests counted; %d were admitted of %d sent", id, allowed, c.admitted[id], sent)
		}
		if algorithm == "sliding-log" {
			if slots := c.redis.ZCard(t.Context(), "rate_limit:"+id+":/orders").Val(); slots != allowed {
				t.Errorf("user %s: %d slots, %d requests counted", id, slots, allowed)
			}
		}
	}
	keys, err := c.redis.Keys(t.Context(), "rate_*").Result() // a server of our own
	if err != nil || len(keys) < len(c.sent) {
		t.Fatalf("limiter keys %q: %v", keys, err)
	}
	for _, key := range keys {
		if ttl := c.redis.PTTL(t.Context(), key).Val(); ttl <= 0 {
			t.Errorf("%s never expires: %v", key, ttl)
		}
	}
	c.checkOrders(t)
}

// checkOrders: each order a client knows of is there; each that is there has its
// items, adds up, and took its pieces from the stock, once. Seeded orders took
// none.
func (c *crash) checkOrders(t *testing.T) {
	t.Helper()
	for what, sql := range map[string]string{
		"orders without items": `select count(*) from apitop_demo.orders o
			where not exists (select from apitop_demo.order_items i where i.order_id = o.id)`,
		"orders that do not add up": `select count(*) from apitop_demo.orders o where total_cents <>
			(select sum(quantity * price_cents) from apitop_demo.order_items i where i.order_id = o.id)`,
		"products whose stock is wrong": `with sold as (
				select i.product_id as id, sum(i.quantity) as pieces from apitop_demo.order_items i join apitop_demo.orders o on o.id = i.order_id
				where o.id > 2000 and o.status <> 'failed' group by 1)
			select count(*) from apitop_demo.products p left join sold using (id)
			where stock <> 1000 + p.id * 37 % 9000 - coalesce(pieces, 0)`,
	} {
		var n int64
		if err := c.pg.QueryRow(t.Context(), sql).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %s (%v)", n, what, err)
		}
	}
	var found int
	err := c.pg.QueryRow(t.Context(), "select count(*) from apitop_demo.orders where id = any($1)", c.orders).Scan(&found)
	if err != nil || found != len(c.orders) {
		t.Errorf("%d of %d orders that clients know of are there (%v)", found, len(c.orders), err)
	}
	t.Logf("%d orders known to clients", found)
}

// settled waits until no order is pending any more, those of before the crash
// included.
func (c *crash) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var pending int
		if err := c.pg.QueryRow(t.Context(), "select count(*) from apitop_demo.orders where status = 'pending'").Scan(&pending); err != nil {
			t.Fatal(err)
		}
		if pending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d orders are still pending", pending)
		}
	}
	c.checkOrders(t)
}
