package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
)

// buyerEnv makes the test's program a buyer: a process of its own, to be killed.
const buyerEnv = "APITOP_TEST_BUYER_DSN"

// idleEnv makes the buyer hold a fault's lock instead.
const idleEnv = "APITOP_TEST_BUYER_IDLE"

const shelves = 100 // products of the shop that buyers share

// buy orders and settles without a pause, in several goroutines, until it is
// killed or its standard input ends.
func buy(dsn string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever started us
		cancel()
	}()
	s, err := store.OpenPostgres(ctx, dsn, store.PostgresOptions{MaxConns: 4, Timeout: 30 * time.Second})
	if err != nil {
		return err
	}
	defer s.Close()
	if os.Getenv(idleEnv) != "" {
		_, err := s.IdleInTransaction(ctx)
		<-ctx.Done()
		return err
	}
	failed := make(chan error)
	const workers = 4
	for range workers {
		go func() { failed <- buyOn(ctx, s) }()
	}
	for range workers {
		err = errors.Join(err, <-failed)
	}
	return err
}

func buyOn(ctx context.Context, s *store.Postgres) error {
	for ctx.Err() == nil {
		first := rand.Int64N(shelves - 2)
		o, err := s.CreateOrder(ctx, store.NewOrder{UserID: 1 + rand.Int64N(store.Users), Items: []store.Item{
			{ProductID: first + 3, Quantity: 1 + rand.Int64N(3)}, {ProductID: first + 1, Quantity: 1}, {ProductID: first + 2, Quantity: 2},
		}})
		if err == nil {
			switch rand.IntN(3) {
			case 0:
				err = s.SettleOrder(ctx, o.ID, store.StatusConfirmed)
			case 1:
				err = s.SettleOrder(ctx, o.ID, store.StatusFailed)
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrOutOfStock) {
			return err
		}
	}
	return nil
}

// TestKilled kills processes in the middle of their orders: whatever the
// moment, an order is whole or not there, and the stock fits the orders.
func TestKilled(t *testing.T) {
	dsn := servertest.StartPostgres(t)
	if err := open(t, dsn).Seed(t.Context(), store.Seed{Products: shelves}); err != nil {
		t.Fatal(err)
	}
	look, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = look.Close(context.Background()) })
	if _, err := look.Exec(t.Context(), "create temp table at_first as select id, stock from apitop_demo.products"); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		killBuyer(t, look, dsn+" application_name=buyer")
		checkShop(t, look, 0)
	}
	n := value[int64](t, look, "select count(distinct status) from apitop_demo.orders")
	t.Logf("%d orders", value[int64](t, look, "select count(*) from apitop_demo.orders"))
	if n != 3 {
		t.Errorf("the orders have %d different states, want all 3", n)
	}
	t.Run("one holds a lock", func(t *testing.T) { testKilledFault(t, look, dsn) })
	// The checks find each kind of damage.
	for name, damage := range map[string]string{
		"an item is lost":      "delete from apitop_demo.order_items where order_id = (select min(order_id) from apitop_demo.order_items) and quantity = 2",
		"all items are lost":   "delete from apitop_demo.order_items where order_id = (select min(order_id) from apitop_demo.order_items)",
		"a piece is lost":      "update apitop_demo.products set stock = stock - 1 where id = 7",
		"a failed one is sold": "update apitop_demo.orders set status = 'confirmed' where id = (select min(id) from apitop_demo.orders where status = 'failed')",
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := look.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.Background()) }()
			if tag, err := tx.Exec(t.Context(), damage); err != nil || tag.RowsAffected() == 0 {
				t.Fatalf("%s: %v, %v", damage, tag, err)
			}
			checkShop(t, look, 1)
		})
	}
}

// testKilledFault kills a process that holds a lock: nobody may wait for it.
func testKilledFault(t *testing.T, look *pgx.Conn, dsn string) {
	t.Setenv(idleEnv, "1")
	kill := startBuyer(t, dsn)
	await(t, "the lock is held", func() bool { return value[int64](t, look, idleSQL, "update") == 1 })
	kill()
	_, err := open(t, dsn).CreateOrder(t.Context(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: 1, Quantity: 1}}})
	if err != nil {
		t.Errorf("an order of the product that was locked: %v", err)
	}
}

// startBuyer starts a buyer; kill kills it, and so does the end of the test.
func startBuyer(t *testing.T, dsn string) (kill func()) {
	t.Helper()
	var out bytes.Buffer
	buyer := exec.Command(os.Args[0])
	buyer.Env = append(os.Environ(), buyerEnv+"="+dsn)
	buyer.Stderr = &out
	stdin, err := buyer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := buyer.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = buyer.Process.Kill() // fails when it has ended, which it says
		_ = buyer.Wait()
		_ = stdin.Close()
		if out.Len() > 0 {
			t.Errorf("the buyer says %s", out.Bytes())
		}
	})
	t.Cleanup(kill)
	return kill
}

// killBuyer starts a buyer, lets it make some orders and kills it at a random
// moment. It returns when the server has noticed.
func killBuyer(t *testing.T, look *pgx.Conn, dsn string) {
	t.Helper()
	const made = "select count(*) from apitop_demo.orders"
	before := value[int64](t, look, made)
	kill := startBuyer(t, dsn)
	enough := before + 20 + rand.Int64N(100)
	await(t, "the buyer has ordered", func() bool { return value[int64](t, look, made) >= enough })
	time.Sleep(rand.N(5 * time.Millisecond)) // any moment will do
	kill()
	await(t, "the buyer's sessions are gone", func() bool {
		return value[int64](t, look, "select count(*) from pg_stat_activity where application_name = 'buyer'") == 0
	})
}

// checkShop compares the orders with themselves and with the stock.
func checkShop(t *testing.T, look *pgx.Conn, leastWrong int64) {
	t.Helper()
	var wrong int64
	for name, sql := range map[string]string{
		"orders without items": `select count(*) from apitop_demo.orders o
			where not exists (select from apitop_demo.order_items i where i.order_id = o.id)`,
		"orders whose total is not the sum of their items": `select count(*) from apitop_demo.orders o where total_cents
			<> (select coalesce(sum(quantity * price_cents), 0) from apitop_demo.order_items i where i.order_id = o.id)`,
		"products whose stock does not fit what was sold": `select count(*) from apitop_demo.products p join at_first a using (id)
			where a.stock - p.stock <> (select coalesce(sum(i.quantity), 0) from apitop_demo.order_items i
				join apitop_demo.orders o on o.id = i.order_id where i.product_id = p.id and o.status in ('pending', 'confirmed'))`,
	} {
		n := value[int64](t, look, sql)
		wrong += n
		if n > 0 && leastWrong == 0 {
			t.Errorf("%d %s", n, name)
		}
	}
	if wrong < leastWrong {
		t.Error("the damage is not found")
	}
}
