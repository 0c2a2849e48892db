package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	pendingSQL = `select id from apitop_demo.orders where status = 'pending' order by id limit $1`
	settleSQL  = `update apitop_demo.orders set status = $2 where id = $1 and status = 'pending'`
	statusSQL  = `select status from apitop_demo.orders where id = $1`
	// Locked in the order of ids, as lockStockSQL does.
	returnStockSQL = `with lines as materialized (
	select p.id, i.quantity
	from apitop_demo.order_items i join apitop_demo.products p on p.id = i.product_id
	where i.order_id = $1 order by p.id for update of p
)
update apitop_demo.products p set stock = p.stock + l.quantity from lines l where p.id = l.id`
)

// PendingOrders returns the ids of orders not settled yet, the oldest first, at
// most limit of them.
func (s *Postgres) PendingOrders(ctx context.Context, limit int) (ids []int64, err error) {
	err = s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, _ := c.Query(ctx, pendingSQL, max(limit, 0)) // its error comes out of the rows
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	return ids, failed("pending orders", err)
}

// SettleOrder ends the processing of an order: status is [StatusConfirmed], or
// [StatusFailed], which gives its pieces back to the stock. To settle an order
// again in the same way changes nothing; in the other way it is [ErrSettled].
// Without such an order it is [ErrNotFound].
func (s *Postgres) SettleOrder(ctx context.Context, id int64, status string) error {
	if err := checkSettling(id, status); err != nil {
		return err
	}
	err := s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		if status == StatusConfirmed { // a single change needs no transaction
			_, err := settle(ctx, c, id, status)
			return err
		}
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			changed, err := settle(ctx, tx, id, status)
			if err == nil && changed {
				_, err = tx.Exec(ctx, returnStockSQL, id)
			}
			return err
		})
	})
	if err != nil {
		return failed(fmt.Sprintf("settle order %d as %s", id, status), err)
	}
	return nil
}

// settle changes the status of a pending order. Of several at once one changes
// it, and the others wait for that one.
func settle(ctx context.Context, db executor, id int64, status string) (changed bool, err error) {
	tag, err := db.Exec(ctx, settleSQL, id, status)
	if err != nil || tag.RowsAffected() == 1 {
		return err == nil, err
	}
	var is string
	if err := db.QueryRow(ctx, statusSQL, id).Scan(&is); err != nil {
		return false, err
	}
	if is != status {
		return false, ErrSettled
	}
	return false, nil
}

func checkSettling(id int64, status string) error {
	if status != StatusConfirmed && status != StatusFailed {
		return fmt.Errorf("store: settle order %d as %q: want %s or %s", id, status, StatusConfirmed, StatusFailed)
	}
	return nil
}
