package pgstat

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// hello is what a connection knows about itself.
type hello struct {
	user        string // our role on the server
	userID      uint32 // its oid
	superuser   bool
	database    string
	version     string // "15.18"
	preloaded   bool   // the pg_stat_statements library is loaded
	pooled      bool   // the backend is not the one that we logged in to
	transaction bool   // our limits must be set in each transaction
}

// dedicated tells whether only monitoring is done under this role, so that all
// its statements are ours. A superuser of that name may well own the database.
func (h hello) dedicated() bool { return h.user == appName && !h.superuser }

// greet asks who we are and whether our settings arrived: some poolers refuse
// them, others drop them in silence.
func (l *link) greet(ctx context.Context) error {
	got := false
	err := l.query(ctx, helloSQL, func(f *fields) {
		got = true
		pid := f.integer(0)
		l.hello = hello{
			user:      f.text(1),
			userID:    uint32(f.integer(2)),
			superuser: f.text(3) == "on",
			database:  f.text(6),
			preloaded: !f.null(7),
			pooled:    pid != int64(l.conn.PgConn().PID()),
		}
		l.hello.transaction = l.hello.pooled || f.text(4) != "on" || f.text(5) != statementTimeout
	})
	if err != nil {
		return err
	}
	if !got {
		return errNoRow
	}
	l.hello.version, _, _ = strings.Cut(l.conn.PgConn().ParameterStatus("server_version"), " ")
	return nil
}

// inTransaction runs do, between begin and commit where our limits need that.
func (l *link) inTransaction(ctx context.Context, do func(context.Context, *link) error) error {
	if !l.hello.transaction {
		return do(ctx, l)
	}
	// The simple protocol, as the message holds several statements.
	if _, err := l.conn.Exec(ctx, beginSQL, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := do(ctx, l)
	// A transaction must not stay open because the poll's time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	if _, endErr := l.conn.Exec(ctx, commitSQL); endErr != nil {
		_ = l.conn.Close(ctx)
		if err == nil {
			err = fmt.Errorf("commit: %w", endErr)
		}
	}
	return err
}

// query runs one statement and hands each row to row; what it could not decode
// is the error.
func (l *link) query(ctx context.Context, sql string, row func(*fields), args ...any) error {
	rows, err := l.conn.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	var f fields
	for rows.Next() {
		f.raw = rows.RawValues()
		row(&f)
		if f.err != nil {
			return f.err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}
