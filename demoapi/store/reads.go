package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const productSQL = `select id, sku, name, category_id, price_cents, stock, description
from apitop_demo.products where id = $1`

// Product returns the product with that id, or [ErrNotFound].
func (s *Postgres) Product(ctx context.Context, id int64) (Product, error) {
	p, err := one[Product](ctx, s, productSQL, id)
	if err != nil {
		return p, failed(fmt.Sprintf("product %d", id), err)
	}
	return p, nil
}

const (
	productsSQL = `select id, sku, name, category_id, price_cents
from apitop_demo.products where id > $1 order by id limit $2`
	productsOfSQL = `select id, sku, name, category_id, price_cents
from apitop_demo.products where category_id = $1 and id > $2 order by id limit $3`
)

// Products returns one page; it is empty past the end.
func (s *Postgres) Products(ctx context.Context, q ListQuery) (page []Listing, err error) {
	switch {
	case s.fault().NPlusOne:
		page, err = s.productsOneByOne(ctx, q)
	case q.CategoryID == 0:
		page, err = many[Listing](ctx, s, productsSQL, q.After, q.Limit)
	default:
		page, err = many[Listing](ctx, s, productsOfSQL, q.CategoryID, q.After, q.Limit)
	}
	return page, failed("products", err)
}

const (
	// The matches are collected before they are sorted. Without that the planner,
	// which cannot judge a prefix, may walk the primary key and read every row.
	searchSQLHead = `with hits as materialized (
	select id, sku, name, category_id, price_cents
	from apitop_demo.products
	where to_tsvector('simple', name) @@ to_tsquery('simple', $1)
)`
	searchSQL = searchSQLHead + `
select id, sku, name, category_id, price_cents from hits order by id limit $2`
)

// Search returns the products whose names have a word beginning with each word
// of the text. A text without words finds nothing.
func (s *Postgres) Search(ctx context.Context, q SearchQuery) (found []Listing, err error) {
	words := Words(q.Text)
	if len(words) == 0 {
		return []Listing{}, nil
	}
	// Words are letters and digits only, so quoting them is enough.
	prefixes := "'" + strings.Join(words, "':* & '") + "':*"
	if slow := s.fault().SlowQuery; slow > 0 {
		found, err = many[Listing](ctx, s, slowSearchSQL, prefixes, q.Limit, slow.Seconds())
	} else {
		found, err = many[Listing](ctx, s, searchSQL, prefixes, q.Limit)
	}
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
	if err != nil {
		return u, failed(fmt.Sprintf("user %d", id), err)
	}
	return u, nil
}

// UserByName returns the account with that name, or [ErrNotFound].
func (s *Postgres) UserByName(ctx context.Context, name string) (User, error) {
	u, err := one[User](ctx, s, userByNameSQL, name)
	return u, failed("user by name", err)
}

// one runs a query for exactly one row whose columns are T's fields in order.
func one[T any](ctx context.Context, s *Postgres, sql string, args ...any) (row T, err error) {
	err = s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, _ := c.Query(ctx, sql, args...) // its error comes out of the rows
		row, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
		return err
	})
	return row, err
}

// many runs a query for any number of rows; none give an empty slice.
func many[T any](ctx context.Context, s *Postgres, sql string, args ...any) (all []T, err error) {
	err = s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, _ := c.Query(ctx, sql, args...)
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	})
	return all, err
}
