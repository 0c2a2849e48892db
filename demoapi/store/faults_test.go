package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
)

// faulty is a seeded store and a connection beside it to look at the server.
type faulty struct {
	*store.Postgres
	look *pgx.Conn
}

// TestFaults switches each fault on and off on a real server, and looks at what
// a monitor would see.
func TestFaults(t *testing.T) {
	dsn := servertest.StartPostgres(t)
	s, err := store.OpenPostgres(t.Context(), dsn, store.PostgresOptions{MaxConns: 4, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Seed(t.Context(), store.Seed{Products: 20_000, Orders: 10}); err != nil {
		t.Fatal(err)
	}
	look, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = look.Close(context.Background()) })
	f := &faulty{s, look}
	t.Run("n plus one", f.testNPlusOne)
	t.Run("slow query", f.testSlowQuery)
	t.Run("held connections", func(t *testing.T) { f.testHoldConnections(t, dsn) })
	t.Run("dropped indexes", f.testIndexes)
	t.Run("locked products", f.testLockProducts)
	t.Run("idle in transaction", f.testIdleInTransaction)
	t.Run("caller gives up", f.testGivenUp)
	t.Run("nobody releases", f.testUnreleased)
	t.Run("nothing is left", f.testNothingLeft)
}

func value[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	rows, _ := conn.Query(t.Context(), sql, args...)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// await polls until is gives true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// statements are how many a call sends.
func statements(t *testing.T, call func(context.Context) error) int64 {
	t.Helper()
	var n atomic.Int64
	if err := call(store.CountQueries(t.Context(), &n)); err != nil {
		t.Fatal(err)
	}
	return n.Load()
}

func (f *faulty) testNPlusOne(t *testing.T) {
	defer f.SetFaults(store.Faults{})
	for name, q := range map[string]store.ListQuery{
		"all": {After: 100, Limit: 20}, "of a category": {CategoryID: 3, After: 100, Limit: 20}, "past the end": {After: 1 << 40, Limit: 20},
	} {
		var pages [2][]store.Listing
		var sent [2]int64
		for i, on := range []bool{false, true} {
			f.SetFaults(store.Faults{NPlusOne: on})
			sent[i] = statements(t, func(ctx context.Context) (err error) { pages[i], err = f.Products(ctx, q); return err })
		}
		if want := int64(1 + len(pages[0])); sent[0] != 1 || sent[1] != want {
			t.Errorf("%s: %d statements, with the fault %d, want 1 and %d", name, sent[0], sent[1], want)
		}
		if len(pages[1]) != len(pages[0]) || pages[1] == nil {
			t.Fatalf("%s: %d products with the fault, %d without", name, len(pages[1]), len(pages[0]))
		}
		for i := range pages[0] {
			if pages[0][i] != pages[1][i] {
				t.Errorf("%s: product %+v with the fault, %+v without", name, pages[1][i], pages[0][i])
			}
		}
	}
	calls := value[int64](t, f.look, `select sum(calls)::bigint from pg_stat_statements where query like 'select id, sku, name, category_id, price_cents, stock%where id = $1'`)
	if calls < 40 {
		t.Errorf("the server has counted %d calls of the product statement, want 40", calls)
	}
}

func (f *faulty) testSlowQuery(t *testing.T) {
	defer f.SetFaults(store.Faults{})
	const slow = 200 * time.Millisecond
	f.SetFaults(store.Faults{SlowQuery: slow})
	for _, text := range []string{"ash desk", "no such words"} { // also without a match
		start := time.Now()
		sent := statements(t, func(ctx context.Context) error {
			_, err := f.Search(ctx, store.SearchQuery{Text: text, Limit: 20})
			return err
		})
		if took := time.Since(start); took < slow || sent != 1 {
			t.Errorf("search for %q took %v in %d statements, want at least %v in 1", text, took, sent, slow)
		}
	}
	mean := value[float64](t, f.look, `select mean_exec_time from pg_stat_statements where query like '%to_tsquery%' and query like '%pg_sleep%'`)
	if mean < 200 {
		t.Errorf("the server has measured %v ms a search, want at least 200", mean)
	}
	f.SetFaults(store.Faults{})
	sleeps := `select calls from pg_stat_statements where query like '%to_tsquery%' and query like '%pg_sleep%'`
	before := value[int64](t, f.look, sleeps)
	found, err := f.Search(t.Context(), store.SearchQuery{Text: "ash desk", Limit: 20})
	if err != nil || len(found) == 0 || value[int64](t, f.look, sleeps) != before {
		t.Errorf("after the fault: %d found, error %v, and the slow statement may have run", len(found), err)
	}
}

func (f *faulty) testHoldConnections(t *testing.T, dsn string) {
	hurried, err := store.OpenPostgres(t.Context(), dsn, store.PostgresOptions{MaxConns: 4, PoolWait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer hurried.Close()                                                 // releases
	if _, err := hurried.HoldConnections(t.Context(), 1000); err != nil { // as many as there are
		t.Fatal(err)
	}
	if got := hurried.Stat().AcquiredConns(); got != 4 {
		t.Errorf("%d connections held, want all 4", got)
	}
	if _, err := hurried.Product(t.Context(), 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("with no connection left: error %v, want ErrUnavailable", err)
	}
	release, err := f.HoldConnections(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	waiting := make(chan error)
	go func() { _, err := f.Product(context.Background(), 1); waiting <- err }()
	release()
	release()
	if err := <-waiting; err != nil {
		t.Errorf("a call that waited: %v", err)
	}
	await(t, "the pool is free", func() bool { return f.Stat().AcquiredConns() == 0 })
	if release, err := f.HoldConnections(t.Context(), -1); err != nil || f.Stat().AcquiredConns() != 0 {
		t.Errorf("holding -1 connections: %d held, error %v", f.Stat().AcquiredConns(), err)
	} else {
		release()
	}
}

func (f *faulty) testIndexes(t *testing.T) {
	search := "execute search('''ash'':*', 20)"
	list := "select id from apitop_demo.products where category_id = 3 order by id"
	if _, err := f.look.Exec(t.Context(), "prepare search as "+store.Statements()["search"].SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	// Its answers do not depend on indexes.
	answers := func() (n int) {
		for _, q := range []string{"ash desk", "lamp"} {
			found, err := f.Search(t.Context(), store.SearchQuery{Text: q, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			n += len(found)
		}
		return n
	}
	whole := answers()
	for range 2 { // twice: it is idempotent
		if err := f.DropIndexes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p := explainAny(t, f.look, search); !strings.Contains(p, "Seq Scan on products") {
		t.Errorf("without indexes the search is planned as\n%s", p)
	}
	if got := answers(); got != whole {
		t.Errorf("%d products found without indexes, %d with them", got, whole)
	}
	for range 2 {
		if err := f.CreateIndexes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p := explainAny(t, f.look, search); !strings.Contains(p, "products_name_words") {
		t.Errorf("with indexes again the search is planned as\n%s", p)
	}
	if p := explainAny(t, f.look, list); !strings.Contains(p, "products_category_id_id") {
		t.Errorf("with indexes again a category is planned as\n%s", p)
	}
	if err := f.DropIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Seed(t.Context(), store.Seed{Products: 20_000}); err != nil {
		t.Fatal(err)
	}
	if p := explainAny(t, f.look, search); !strings.Contains(p, "products_name_words") {
		t.Errorf("after a new seed the search is planned as\n%s", p)
	}
}

func explainAny(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	rows, _ := conn.Query(t.Context(), "explain "+sql, pgx.QueryExecModeSimpleProtocol)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, "\n")
}

const (
	waitingSQL = `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0`
	idleSQL    = `select count(*) from pg_stat_activity where state = 'idle in transaction' and query like '%' || $1 || '%'`
)

func (f *faulty) testLockProducts(t *testing.T) {
	release, err := f.LockProducts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if n := value[int64](t, f.look, `select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted
		and relation = 'apitop_demo.products'::regclass`); n != 1 {
		t.Errorf("%d exclusive locks on products, want 1", n)
	}
	if n := f.Stat().AcquiredConns(); n != 0 {
		t.Errorf("the lock takes %d connections of the pool", n)
	}
	waiting := make(chan error)
	go func() { _, err := f.Product(context.Background(), 1); waiting <- err }()
	await(t, "the product is waited for", func() bool { return value[int64](t, f.look, waitingSQL) == 1 })
	if _, err := f.User(t.Context(), 1); err != nil {
		t.Errorf("another table: %v", err)
	}
	release()
	release()
	if err := <-waiting; err != nil {
		t.Errorf("the call that waited: %v", err)
	}
}

func (f *faulty) testIdleInTransaction(t *testing.T) {
	before, err := f.Product(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	release, err := f.IdleInTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if n := value[int64](t, f.look, idleSQL, "update apitop_demo.products"); n != 1 {
		t.Errorf("%d sessions idle in a transaction, want 1", n)
	}
	order := func(product int64) error {
		_, err := f.CreateOrder(context.Background(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: product, Quantity: 1}}})
		return err
	}
	waiting := make(chan error)
	go func() { waiting <- order(1) }()
	await(t, "the order waits", func() bool { return value[int64](t, f.look, waitingSQL) == 1 })
	if err := order(2); err != nil {
		t.Errorf("an order of another product: %v", err)
	}
	if p, err := f.Product(t.Context(), 1); err != nil || p != before {
		t.Errorf("reading the product gives %+v, %v, want %+v", p, err, before)
	}
	release()
	release()
	if err := <-waiting; err != nil {
		t.Errorf("the order that waited: %v", err)
	}
	if p, err := f.Product(t.Context(), 1); err != nil || p.Stock != before.Stock-1 {
		t.Errorf("in the end the stock is %d, %v, want %d", p.Stock, err, before.Stock-1)
	}
}

// testGivenUp switches faults on that cannot be: nothing may stay behind.
func (f *faulty) testGivenUp(t *testing.T) {
	release, err := f.LockProducts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, fault := range map[string]func() (func(), error){
		"lock":                func() (func(), error) { return f.LockProducts(ctx) },
		"idle in transaction": func() (func(), error) { return f.IdleInTransaction(ctx) },
		"indexes":             func() (func(), error) { return nil, f.DropIndexes(ctx) },
	} {
		if _, err := fault(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s while the table is locked: error %v, want ErrUnavailable", name, err)
		}
	}
	hold, err := f.HoldConnections(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer hold()
	if _, err := f.HoldConnections(ctx, 4); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("hold more than is left: error %v, want ErrUnavailable", err)
	}
	await(t, "the fourth connection is free", func() bool { return f.Stat().AcquiredConns() == 3 })
}

// testUnreleased forgets a lock: the server ends it.
func (f *faulty) testUnreleased(t *testing.T) {
	f.SetLongestHold(time.Second)
	defer f.SetLongestHold(10 * time.Minute)
	release, err := f.LockProducts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Product(t.Context(), 1); err != nil {
		t.Errorf("the lock was not ended: %v", err)
	}
	release() // of what is gone: no harm
}

// testNothingLeft holds things and closes the store: the server must be free of
// it, and what comes later must not stay.
func (f *faulty) testNothingLeft(t *testing.T) {
	if _, err := f.LockProducts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.HoldConnections(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	f.Close()
	await(t, "all sessions are gone", func() bool {
		return value[int64](t, f.look, `select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`) == 0
	})
	if release, err := f.IdleInTransaction(t.Context()); err == nil || release != nil {
		t.Errorf("a fault of a closed store: error %v, want one", err)
	}
	if n := value[int64](t, f.look, idleSQL, "update"); n != 0 {
		t.Errorf("%d sessions idle in a transaction after Close", n)
	}
}
