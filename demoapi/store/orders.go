package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// The rows are locked in the order of their ids, so that two orders of the
	// same products cannot wait for each other.
	lockStockSQL = `select id, price_cents, stock from apitop_demo.products
where id = any($1) order by id for update`
	lowerStockSQL = `update apitop_demo.products p set stock = p.stock - i.quantity
from unnest($1::bigint[], $2::bigint[]) as i(id, quantity) where p.id = i.id`
	insertOrderSQL = `insert into apitop_demo.orders (user_id, total_cents, status) values ($1, $2, 'pending')
returning id, created_at`
	insertItemsSQL = `insert into apitop_demo.order_items (order_id, product_id, quantity, price_cents)
select $1, i.* from unnest($2::bigint[], $3::bigint[], $4::bigint[]) as i`
	orderSQL = `select o.id, o.user_id, o.total_cents, o.status, o.created_at,
	array_agg(i.product_id order by i.product_id),
	array_agg(i.quantity order by i.product_id),
	array_agg(i.price_cents order by i.product_id)
from apitop_demo.orders o join apitop_demo.order_items i on i.order_id = o.id
where o.id = $1 group by o.id`
)

// foreignKeyViolation is the SQLSTATE of a row that refers to nothing.
const foreignKeyViolation = "23503"

// CreateOrder makes a pending order and lowers the stock, or does neither and returns
// a [ProductError], or [ErrNotFound] when there is no such user.
func (s *Postgres) CreateOrder(ctx context.Context, n NewOrder) (Order, error) {
	o := Order{UserID: n.UserID, Items: slices.Clone(n.Items), Status: StatusPending}
	sortItems(o.Items)
	err := s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if err := takeStock(ctx, tx, o.Items); err != nil {
				return err
			}
			return insertOrder(ctx, tx, &o)
		})
	})
	var faulty *ProductError
	var server *pgconn.PgError
	switch {
	case err == nil:
		return o, nil
	case errors.As(err, &faulty):
		return Order{}, faulty
	case errors.As(err, &server) && server.Code == foreignKeyViolation:
		return Order{}, fmt.Errorf("store: order of user %d: %w", n.UserID, ErrNotFound)
	}
	return Order{}, failed("order", err)
}

// takeStock lowers the stock of all items and fills in their prices.
func takeStock(ctx context.Context, tx pgx.Tx, items []Item) error {
	ids, quantities, _ := columns(items)
	rows, _ := tx.Query(ctx, lockStockSQL, ids) // its error comes out of the rows
	type shelf struct{ ID, PriceCents, Stock int64 }
	shelves, err := pgx.CollectRows(rows, pgx.RowToStructByPos[shelf])
	if err != nil {
		return err
	}
	for i := range items {
		at := slices.IndexFunc(shelves, func(s shelf) bool { return s.ID == items[i].ProductID })
		if at < 0 {
			return &ProductError{items[i].ProductID, ErrUnknownProduct}
		}
		if items[i].Quantity > shelves[at].Stock {
			return &ProductError{items[i].ProductID, ErrOutOfStock}
		}
		items[i].PriceCents = shelves[at].PriceCents
	}
	_, err = tx.Exec(ctx, lowerStockSQL, ids, quantities)
	return err
}

func insertOrder(ctx context.Context, tx pgx.Tx, o *Order) error {
	o.TotalCents = total(o.Items)
	if err := tx.QueryRow(ctx, insertOrderSQL, o.UserID, o.TotalCents).Scan(&o.ID, &o.CreatedAt); err != nil {
		return err
	}
	o.CreatedAt = o.CreatedAt.UTC()
	ids, quantities, prices := columns(o.Items)
	_, err := tx.Exec(ctx, insertItemsSQL, o.ID, ids, quantities, prices)
	return err
}

// Order returns the order with that id, or [ErrNotFound].
func (s *Postgres) Order(ctx context.Context, id int64) (Order, error) {
	type row struct {
		ID, UserID, TotalCents  int64
		Status                  string
		CreatedAt               time.Time
		IDs, Quantities, Prices []int64
	}
	r, err := one[row](ctx, s, orderSQL, id)
	if err != nil {
		return Order{}, failed(fmt.Sprintf("order %d", id), err)
	}
	o := Order{ID: r.ID, UserID: r.UserID, TotalCents: r.TotalCents, Status: r.Status, CreatedAt: r.CreatedAt.UTC()}
	for i := range r.IDs {
		o.Items = append(o.Items, Item{ProductID: r.IDs[i], Quantity: r.Quantities[i], PriceCents: r.Prices[i]})
	}
	return o, nil
}

// columns turns lines into the arrays the statements take, so that an order of
// any length is one statement text.
func columns(items []Item) (ids, quantities, prices []int64) {
	for _, it := range items {
		ids = append(ids, it.ProductID)
		quantities = append(quantities, it.Quantity)
		prices = append(prices, it.PriceCents)
	}
	return ids, quantities, prices
}
