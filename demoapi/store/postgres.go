package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres keeps everything in the schema apitop_demo of a Postgres database,
// version 12 or newer. It is safe for concurrent use.
type Postgres struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

// PostgresOptions are the limits of a [Postgres]; the zero value is usable.
type PostgresOptions struct {
	MaxConns int           // size of the pool; 0: 10
	Timeout  time.Duration // of one call, waiting for a connection included; 0: 2 s
}

// OpenPostgres prepares a store on the database of dsn, a URL or a list of
// key=value. It does not connect yet, so a server that is down is no error
// here. The error never holds any part of dsn.
func OpenPostgres(ctx context.Context, dsn string, o PostgresOptions) (*Postgres, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The library's error repeats the address, which may hold a password.
		return nil, errors.New("store: cannot read the Postgres address: want postgres://user@host:5432/database or key=value pairs")
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 10
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	cfg.MaxConns = int32(min(o.MaxConns, 1000))
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.ConnConfig.ConnectTimeout = o.Timeout
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "demoapi"
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: make the Postgres pool: %w", err)
	}
	return &Postgres{pool: pool, timeout: o.Timeout}, nil
}

// Close waits for running calls and closes all connections.
func (s *Postgres) Close() { s.pool.Close() }

// Stat returns the pool's figures.
func (s *Postgres) Stat() *pgxpool.Stat { return s.pool.Stat() }

// Ping reports whether the database answers.
func (s *Postgres) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return failed("ping", s.pool.Ping(ctx))
}

const productSQL = `select id, sku, name, category_id, price_cents, stock
from apitop_demo.products where id = $1`

// Product returns the product with that id, or [ErrNotFound].
func (s *Postgres) Product(ctx context.Context, id int64) (Product, error) {
	p, err := one[Product](ctx, s, productSQL, id)
	return p, failed(fmt.Sprintf("product %d", id), err)
}

const (
	productsSQL = `select id, sku, name, category_id, price_cents
from apitop_demo.products where id > $1 order by id limit $2`
	productsOfSQL = `select id, sku, name, category_id, price_cents
from apitop_demo.products where category_id = $1 and id > $2 order by id limit $3`
)

// Products returns one page; it is empty past the end.
func (s *Postgres) Products(ctx context.Context, q ListQuery) ([]Listing, error) {
	var page []Listing
	var err error
	if q.CategoryID == 0 {
		page, err = many[Listing](ctx, s, productsSQL, q.After, q.Limit)
	} else {
		page, err = many[Listing](ctx, s, productsOfSQL, q.CategoryID, q.After, q.Limit)
	}
	return page, failed("products", err)
}

// The matches are collected before they are sorted. Without that the planner,
// which cannot judge a prefix, may walk the primary key and read every row.
const searchSQL = `with hits as materialized (
	select id, sku, name, category_id, price_cents
	from apitop_demo.products
	where to_tsvector('simple', name) @@ to_tsquery('simple', $1)
)
select id, sku, name, category_id, price_cents from hits order by id limit $2`

// Search returns the products whose names have a word beginning with each word
// of the text. A text without words finds nothing.
func (s *Postgres) Search(ctx context.Context, q SearchQuery) ([]Listing, error) {
	words := Words(q.Text)
	if len(words) == 0 {
		return []Listing{}, nil
	}
	// Words are letters and digits only, so quoting them is enough.
	prefixes := "'" + strings.Join(words, "':* & '") + "':*"
	found, err := many[Listing](ctx, s, searchSQL, prefixes, q.Limit)
	return found, failed("search", err)
}

const categoriesSQL = `select c.id, c.name,
	(select count(*) from apitop_demo.products p where p.category_id = c.id) as products
from apitop_demo.categories c order by c.id`

// Categories returns all categories by id, with the number of their products.
func (s *Postgres) Categories(ctx context.Context) ([]Category, error) {
	all, err := many[Category](ctx, s, categoriesSQL)
	return all, failed("categories", err)
}

const (
	userSQL       = `select id, username, tier, password_hash from apitop_demo.users where id = $1`
	userByNameSQL = `select id, username, tier, password_hash from apitop_demo.users where username = $1`
)

// User returns the account with that id, or [ErrNotFound].
func (s *Postgres) User(ctx context.Context, id int64) (User, error) {
	u, err := one[User](ctx, s, userSQL, id)
	return u, failed(fmt.Sprintf("user %d", id), err)
}

// UserByName returns the account with that name, or [ErrNotFound].
func (s *Postgres) UserByName(ctx context.Context, name string) (User, error) {
	u, err := one[User](ctx, s, userByNameSQL, name)
	return u, failed("user by name", err)
}

// one runs a query for exactly one row whose columns are T's fields in order.
func one[T any](ctx context.Context, s *Postgres, sql string, args ...any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, _ := s.pool.Query(ctx, sql, args...) // its error comes out of the rows
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
}

// many runs a query for any number of rows; none give an empty slice.
func many[T any](ctx context.Context, s *Postgres, sql string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, _ := s.pool.Query(ctx, sql, args...)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// failed wraps err with what was attempted and with the sentinel of its kind.
func failed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("store: %s: %w", what, ErrNotFound)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("store: %s: %w", what, err)
	case unreachable(err):
		return fmt.Errorf("store: %s: %w: %w", what, ErrUnavailable, err)
	}
	return fmt.Errorf("store: %s: %w", what, err)
}

// unreachable reports whether err means that no answer came, or "not now".
func unreachable(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return outOfService(server.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

// outOfService reports whether a SQLSTATE means "not now": connection trouble
// (08), too few resources (53), shutdown or start-up (57P).
func outOfService(code string) bool {
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53") || strings.HasPrefix(code, "57P")
}
