package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// OrdersKept is how many orders a Memory keeps when it forgets some.
const OrdersKept = ordersKept

// SetLongestHold sets when the server ends a fault's lock; not while one is held.
func (s *Postgres) SetLongestHold(d time.Duration) { s.longestHold = d }

// Trace does what the store does before each statement, beside sending it.
func Trace(ctx context.Context) context.Context {
	return counting{}.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{})
}

// Statement is a statement of the store with arguments to plan it with.
type Statement struct{ SQL, Args string }

// Statements are the store's statements that have to find something.
func Statements() map[string]Statement {
	return map[string]Statement{
		"product":      {productSQL, "(1)"},
		"products":     {productsSQL, "(100, 20)"},
		"products_of":  {productsOfSQL, "(3, 100, 20)"},
		"search":       {searchSQL, "($q$'ash':* & 'des':*$q$, 20)"},
		"categories":   {categoriesSQL, ""},
		"user_by_id":   {userSQL, "(1)"},
		"user_by_name": {userByNameSQL, "('admin1')"},
		"lock_stock":   {lockStockSQL, "('{1,2}')"},
		"order_by_id":  {orderSQL, "(1)"},
		"lower_stock":  {lowerStockSQL, "('{1,2}', '{1,1}')"},
		"pending":      {pendingSQL, "(100)"},
		"settle":       {settleSQL, "(1, 'failed')"},
		"return_stock": {returnStockSQL, "(1)"},
		"one_by_one":   {productIDsSQL, "(100, 20)"},
		"ids_of":       {productIDsOfSQL, "(3, 100, 20)"},
		"slow_search":  {slowSearchSQL, "($q$'ash':* & 'des':*$q$, 20, 0)"},
	}
}
