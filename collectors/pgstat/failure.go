package pgstat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"apitop/collectors/snapshot"
)

// SQLSTATEs with a meaning here (PostgreSQL documentation, appendix A).
const (
	codeProtocol      = "08P01"
	codeAuthorization = "28000"
	codePassword      = "28P01"
	codeNoDatabase    = "3D000"
	codePrivilege     = "42501"
	codeNoColumn      = "42703"
	codeNoFunction    = "42883"
	codeNoRelation    = "42P01"
	codeTooMany       = "53300"
	codeLockTimeout   = "55P03"
	codeCancelled     = "57014"
	codeShutdown      = "57P01"
	codeCrash         = "57P02"
	codeStarting      = "57P03"
)

// codeOf is the SQLSTATE in err's chain; empty when the server said nothing.
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// failure turns err into a [snapshot.Failure]. Its text never holds what pgx
// says about the connection settings.
func (c *Conn) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*snapshot.Failure](err); ok {
		return f
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("read postgres: %w", context.Canceled)
	}
	if ctx.Err() != nil {
		fix := "if this lasts, look at the load of the server"
		if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
			fix = "check the host and port in the DSN: is it PostgreSQL that listens there?"
		}
		return snapshot.Fail(snapshot.Unreachable, "no answer in time", fix)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgFailure(e)
	}
	if errors.Is(err, errFormat) {
		return snapshot.Fail(snapshot.Unsupported, err.Error(), "is it PostgreSQL 12 or newer?")
	}
	return c.networkFailure(err)
}

// pgFailure is for what the server said itself. Login failures get fixed texts:
// the server repeats the user, which may be a mislaid password.
func pgFailure(e *pgconn.PgError) error {
	switch e.Code {
	case codePassword:
		return snapshot.Fail(snapshot.Denied, "the server refused the password", "check user and password in the DSN, PGPASSWORD or the password file")
	case codeAuthorization:
		if strings.Contains(e.Message, "pg_hba.conf") {
			return snapshot.Fail(snapshot.Denied, "no line of pg_hba.conf lets this user in from here", "add one, or try sslmode=require")
		}
		return snapshot.Fail(snapshot.Denied, "the server refused the user", "check the user in the DSN or PGUSER: the role must exist and have LOGIN")
	case codeNoDatabase:
		return snapshot.Fail(snapshot.Unsupported, "the database does not exist", "name one that does in the DSN; psql -l lists them")
	case codePrivilege:
		return snapshot.Fail(snapshot.Denied, e.Message, "GRANT pg_monitor to the role of the DSN")
	case codeTooMany:
		return snapshot.Fail(snapshot.Unreachable, "the server has no connection left: "+e.Message, "raise max_connections, or from version 16 GRANT pg_use_reserved_connections to the role of the DSN")
	case codeCancelled:
		return snapshot.Fail(snapshot.Unreachable, "the statement took longer than "+statementTimeout, "if this lasts, look at the load of the server")
	case codeLockTimeout, codeShutdown, codeCrash, codeStarting:
		return snapshot.Fail(snapshot.Unreachable, e.Message, "")
	}
	return snapshot.Fail(snapshot.Unsupported, e.Message+" (SQLSTATE "+e.Code+")", "")
}

// networkFailure is for connections that were not made or broke off.
func (c *Conn) networkFailure(err error) error {
	fail := func(what, fix string) error { return snapshot.Fail(snapshot.Unreachable, what, fix) }
	if what := tlsProblem(err); what != "" {
		return fail("TLS: "+what, "check sslmode and sslrootcert in the DSN")
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fail("the host name does not resolve: "+e.Err, "check the host in the DSN")
	}
	switch {
	case errors.Is(err, errClosed):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("connection refused", "is PostgreSQL running and listening at "+c.target.name.String()+"?")
	case errors.Is(err, fs.ErrNotExist):
		return fail("there is no socket for this port in the directory", "is PostgreSQL running? SHOW unix_socket_directories says where")
	case errors.Is(err, fs.ErrPermission):
		return snapshot.Fail(snapshot.Denied, "the socket may not be used by this user", "check the permissions of its directory")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fail("the server closed the connection", "")
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return fail("no answer in time", "check the address and the firewall")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return fail(e.Err.Error(), "check the host and port in the DSN")
	}
	return snapshot.Fail(snapshot.Unsupported, "it does not answer as PostgreSQL", "check the host and port in the DSN")
}

// tlsProblem says what was wrong with TLS; empty: something else was.
func tlsProblem(err error) string {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return e.Error()
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return "the server does not offer it"
	}
	return ""
}
