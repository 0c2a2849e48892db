package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

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
