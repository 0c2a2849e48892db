package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// faultTimeout bounds the switching of a fault, waiting for locks included.
	faultTimeout = 10 * time.Second
	// buildTimeout bounds the building of the indexes.
	buildTimeout = 60 * time.Second
	// longestHold is when the server itself ends a lock that nobody gives back.
	longestHold = 10 * time.Minute
)

// Faults are bad habits that a [Postgres] can be given, to show how they look
// from the outside. The zero value has none.
type Faults struct {
	// NPlusOne: a page of products is a statement for the ids and then one more
	// for each product.
	NPlusOne bool
	// SlowQuery is how much longer each search takes, in the same statement. As
	// long as the time limit of a call or longer, and searches fail.
	SlowQuery time.Duration
}

// SetFaults sets the habits for the calls from now on.
func (s *Postgres) SetFaults(f Faults) { s.faults.Store(&f) }

func (s *Postgres) fault() Faults {
	if f := s.faults.Load(); f != nil {
		return *f
	}
	return Faults{}
}

const (
	productIDsSQL   = `select id from apitop_demo.products where id > $1 order by id limit $2`
	productIDsOfSQL = `select id from apitop_demo.products
where category_id = $1 and id > $2 order by id limit $3`
	// The condition does not depend on a row, so it is asked once.
	slowSearchSQL = searchSQLHead + `
select id, sku, name, category_id, price_cents from hits
where (select pg_sleep($3)) is not null order by id limit $2`
)

// productsOneByOne is [Postgres.Products] as it should not be.
func (s *Postgres) productsOneByOne(ctx context.Context, q ListQuery) ([]Listing, error) {
	page := []Listing{}
	err := s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		sql, args := productIDsSQL, []any{q.After, q.Limit}
		if q.CategoryID != 0 {
			sql, args = productIDsOfSQL, []any{q.CategoryID, q.After, q.Limit}
		}
		rows, _ := c.Query(ctx, sql, args...) // its error comes out of the rows
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, id := range ids {
			rows, _ := c.Query(ctx, productSQL, id)
			p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Product])
			if err != nil {
				return err
			}
			page = append(page, p.listing())
		}
		return nil
	})
	return page, err
}

// HoldConnections takes n connections out of the pool, all of them when it has
// no more than n, and keeps them until release is called, which may be more than
// once. It waits for running calls to give theirs back, 10 s at most.
func (s *Postgres) HoldConnections(ctx context.Context, n int) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	n = min(n, int(s.pool.Stat().MaxConns()))
	var conns []*pgxpool.Conn
	free := func() {
		for _, c := range conns {
			c.Release()
		}
	}
	for range n {
		c, err := s.pool.Acquire(ctx)
		if err != nil {
			free()
			return nil, failed(fmt.Sprintf("hold %d connections", n), err)
		}
		conns = append(conns, c)
	}
	return s.held.add(free)
}

const dropIndexesSQL = `drop index if exists apitop_demo.products_category_id_id, apitop_demo.products_name_words`

// DropIndexes drops the indexes for pages of a category and for the search.
// Without them both give the same answers from a table read from end to end.
func (s *Postgres) DropIndexes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, dropIndexesSQL)
	return failed("drop indexes", err)
}

// CreateIndexes builds what [Postgres.DropIndexes] dropped; what is there stays
// as it is. [Postgres.Seed] does so too. Orders wait while it builds.
func (s *Postgres) CreateIndexes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	return failed("create indexes", createIndexes(ctx, s.pool))
}

// LockProducts locks the table of products, so that every statement on it waits,
// until release is called, which may be more than once. The lock is held by a
// connection outside of the pool; the server ends it after 10 minutes.
func (s *Postgres) LockProducts(ctx context.Context) (release func(), err error) {
	release, err = s.occupy(ctx, "lock table apitop_demo.products in access exclusive mode")
	return release, failed("lock products", err)
}

// IdleInTransaction begins a transaction outside of the pool, changes product 1
// and then does nothing, so that orders of that product wait, until release is
// called, which may be more than once; the server ends it after 10 minutes. The
// product keeps its stock.
func (s *Postgres) IdleInTransaction(ctx context.Context) (release func(), err error) {
	release, err = s.occupy(ctx, "update apitop_demo.products set stock = stock where id = 1")
	return release, failed("stay idle in a transaction", err)
}

// occupy runs sql in a transaction of a new connection and leaves it open until
// release. It dies with the process, as its connection does.
func (s *Postgres) occupy(ctx context.Context, sql string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	cfg := s.pool.Config().ConnConfig // a copy
	cfg.Tracer = nil
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	end := func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		defer cancel()
		// Waits for the answer, so that the lock is gone when release returns. When
		// the server has ended the session already this fails, and all is well.
		_, _ = conn.Exec(ctx, "rollback")
		_ = conn.Close(ctx)
	}
	// One by one: the last is what the server shows as the session's statement.
	longest := fmt.Sprintf("set local idle_in_transaction_session_timeout = %d", s.longestHold.Milliseconds())
	for _, statement := range []string{"begin", longest, sql} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			end()
			return nil, err
		}
	}
	return s.held.add(end)
}
