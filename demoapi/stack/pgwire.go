package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// pgVersion connects to the server behind the socket and returns its version,
// "15.18". An error means that it does not answer, or not yet.
//
// A few messages are all that is needed, and unlike a driver this reads no PG*
// variable, service or password file of the user.
func pgVersion(ctx context.Context, socket string) (string, error) {
	_, running, closeConn, err := pgConnect(ctx, socket)
	if err != nil {
		return "", err
	}
	return running, closeConn()
}

// pgExec runs one statement.
func pgExec(ctx context.Context, socket, sql string) error {
	f, _, closeConn, err := pgConnect(ctx, socket)
	if err != nil {
		return err
	}
	f.Send(&pgproto3.Query{String: sql})
	if err := f.Flush(); err != nil {
		return errors.Join(fmt.Errorf("postgres: send %q: %w", sql, err), closeConn())
	}
	if _, err := pgReady(f); err != nil {
		return errors.Join(fmt.Errorf("postgres: %s: %w", sql, err), closeConn())
	}
	return closeConn()
}

// pgConnect logs in; the caller closes with the returned function.
func pgConnect(ctx context.Context, socket string) (f *pgproto3.Frontend, running string, closeConn func() error, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, "", nil, fmt.Errorf("postgres: connect: %w", err)
	}
	deadline := time.Now().Add(5 * time.Second)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	err = conn.SetDeadline(deadline)
	f = pgproto3.NewFrontend(conn, conn)
	f.Send(&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters:      map[string]string{"user": pgUser, "database": "postgres", "application_name": "apitop demo"},
	})
	if err == nil {
		err = f.Flush()
	}
	if err == nil {
		running, err = pgReady(f)
	}
	if err != nil {
		return nil, "", nil, errors.Join(fmt.Errorf("postgres: log in: %w", err), conn.Close())
	}
	return f, running, conn.Close, nil
}

// pgReady reads until the server waits for the next statement. The version is
// what it announces while logging in.
func pgReady(f *pgproto3.Frontend) (running string, err error) {
	for {
		msg, err := f.Receive()
		if err != nil {
			return "", err
		}
		switch m := msg.(type) {
		case *pgproto3.ParameterStatus:
			if m.Name == "server_version" { // "15.18 (Debian 15.18-0+deb12u1)"
				running, _, _ = strings.Cut(m.Value, " ")
			}
		case *pgproto3.ErrorResponse:
			return "", fmt.Errorf("%s (%s)", m.Message, m.Code)
		case *pgproto3.ReadyForQuery:
			return running, nil
		}
	}
}
