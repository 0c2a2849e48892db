package store

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

type countKey struct{}

// CountQueries returns a context under which every statement that a [Postgres]
// sends adds one to n; begin and commit are statements too. Under a context
// derived twice only the later n counts. A [Memory] sends none.
func CountQueries(ctx context.Context, n *atomic.Int64) context.Context {
	return context.WithValue(ctx, countKey{}, n)
}

// counting is the tracer of all connections.
type counting struct{}

// TraceQueryStart implements [pgx.QueryTracer].
func (counting) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if n, _ := ctx.Value(countKey{}).(*atomic.Int64); n != nil {
		n.Add(1)
	}
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (counting) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
