package pgstat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// pollOnce polls the activity of dsn and gives the failure.
func pollOnce(t *testing.T, dsn string) *snapshot.Failure {
	t.Helper()
	target, err := Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c := Open(target)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = NewActivity(c).Collect(ctx)
	f := failureOf(t, err)
	if strings.Contains(fmt.Sprintf("%v %+v", err, f), canary) {
		t.Errorf("the failure shows the password: %v", f)
	}
	return f
}

func TestLoginFailures(t *testing.T) {
	srv := needServer(t)
	srv.role(t, "secretive", "alter role secretive password 'right'")
	srv.role(t, "banned")
	srv.role(t, "single", "alter role single connection limit 0")
	srv.role(t, "no_login", "alter role no_login nologin")
	tests := map[string]struct {
		dsn  string
		kind snapshot.FailureKind
		what string
	}{
		"wrong password":  {srv.dsn("secretive", "postgres") + " password=" + canary, snapshot.Denied, "refused the password"},
		"no password":     {srv.dsn("secretive", "postgres"), snapshot.Denied, "refused the password"},
		"pg_hba":          {srv.dsn("banned", "postgres") + " password=" + canary, snapshot.Denied, "pg_hba.conf"},
		"no such role":    {srv.dsn(canary, "postgres"), snapshot.Denied, "refused the user"},
		"no login":        {srv.dsn("no_login", "postgres"), snapshot.Denied, "refused the user"},
		"no database":     {srv.dsn("postgres", "nowhere"), snapshot.Unsupported, "does not exist"},
		"no slot":         {srv.dsn("single", "postgres"), snapshot.Unreachable, "too many connections"},
		"no socket":       {"host=/nowhere user=bob dbname=app password=" + canary, snapshot.Unreachable, "no socket"},
		"refused":         {"postgres://bob:" + canary + "@127.0.0.1:" + closedPort(t) + "/app", snapshot.Unreachable, "connection refused"},
		"no such host":    {"postgres://bob:" + canary + "@host.invalid/app", snapshot.Unreachable, ""},
		"another server":  {"postgres://bob:" + canary + "@" + answering(t, "SSH-2.0-OpenSSH\r\n") + "/app", snapshot.Unsupported, "does not answer as PostgreSQL"},
		"TLS not offered": {"postgres://bob:" + canary + "@" + answering(t, "N") + "/app?sslmode=require", snapshot.Unreachable, "TLS: the server does not offer it"},
		"no real TLS":     {"postgres://bob:" + canary + "@" + answering(t, "Snonsense") + "/app?sslmode=require", snapshot.Unsupported, ""},
		"wrong TLS":       {"postgres://bob:" + canary + "@" + tlsServer(t) + "/app?sslmode=verify-full", snapshot.Unreachable, "TLS: x509"},
		"silent":          {"postgres://bob:" + canary + "@" + answering(t, "") + "/app", snapshot.Unreachable, "no answer in time"},
		"hangs up":        {"postgres://bob:" + canary + "@" + answering(t, hangUp) + "/app", snapshot.Unreachable, "closed the connection"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := pollOnce(t, tt.dsn)
			if f.Kind != tt.kind || !strings.Contains(f.What.String(), tt.what) {
				t.Errorf("failure %v: %v", f.Kind, f)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return port
}

// tlsServer agrees to TLS and has a certificate that nobody trusts.
func tlsServer(t *testing.T) string {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	return accepting(t, func(conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil { // SSLRequest
			return
		}
		_, _ = conn.Write([]byte("S"))
		_ = tls.Server(conn, &tls.Config{Certificates: web.TLS.Certificates}).Handshake() //nolint:gosec // a test
	})
}

// hangUp makes answering close each connection at once.
const hangUp = "-"

// answering accepts connections and gives each the same answer; none for "".
func answering(t *testing.T, answer string) string {
	t.Helper()
	return accepting(t, func(conn net.Conn) {
		if answer == hangUp {
			_ = conn.Close()
		} else {
			_, _ = conn.Write([]byte(answer))
		}
	})
}

// accepting serves one connection after the other and closes them at the end.
func accepting(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			serve(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestUnexpectedAnswers(t *testing.T) {
	srv := needServer(t)
	c := srv.open(t, "postgres", "postgres")
	tests := map[string]struct {
		sql  string
		read func(*fields)
		what string
	}{
		"text for a number":   {"select 'a'", func(f *fields) { f.float(0) }, "column 0 is no number"},
		"text for an integer": {"select '1.5'", func(f *fields) { f.integer(0) }, "column 0 is no integer"},
		"too few columns":     {"select 1", func(f *fields) { f.text(1) }, "column 1 is missing"},
	}
	for name, tt := range tests {
		err := c.session(t.Context(), func(ctx context.Context, l *link) error { return l.query(ctx, tt.sql, tt.read) })
		if f := failureOf(t, err); f.Kind != snapshot.Unsupported || !strings.Contains(f.What.String(), tt.what) {
			t.Errorf("%s: %v %v", name, f.Kind, f)
		}
	}
}

func TestFields(t *testing.T) {
	f := fields{raw: [][]byte{[]byte("42"), []byte("-7"), nil, []byte("1e-05"), []byte("1234567890123456789"), []byte("t"), []byte("1700000000.25"), []byte("")}}
	got := fmt.Sprint(f.float(0), f.integer(1), f.float(2), f.value(2).OK, f.value(3), f.integer(4), f.boolean(5), f.moment(6).UnixMilli(), f.moment(2).IsZero())
	if want := "42 -7 0 false {1e-05 true} 1234567890123456789 true 1700000000250 true"; got != want || f.err != nil {
		t.Errorf("got %s, error %v, want %s", got, f.err, want)
	}
	if f.boolean(7); f.err != nil {
		t.Error(f.err)
	}
	if f.text(9); !errors.Is(f.err, errFormat) {
		t.Errorf("a missing column gave %v", f.err)
	}
}
