package pgstat

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// pooler stands between client and server as PgBouncer does where it matters
// here: it refuses settings in the startup message. The rest passes through.
type pooler struct {
	server  string
	refused atomic.Int64
	conns   sync.WaitGroup
}

// startPooler gives the folder of its socket.
func startPooler(t *testing.T, server string) (*pooler, string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "apgp") //nolint:usetesting // a socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	p := &pooler{server: server}
	p.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.conns.Wait()
		_ = os.RemoveAll(dir)
	})
	return p, dir
}

func (p *pooler) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	back := pgproto3.NewBackend(client, client)
	first, err := back.ReceiveStartupMessage()
	if err != nil {
		return
	}
	start, ok := first.(*pgproto3.StartupMessage)
	if ok {
		for name := range start.Parameters {
			if name != "user" && name != "database" && name != "application_name" {
				p.refused.Add(1)
				back.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
				_ = back.Flush()
				return
			}
		}
	}
	server, err := net.Dial("unix", filepath.Join(p.server, ".s.PGSQL.5432"))
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	message, err := first.(interface{ Encode([]byte) ([]byte, error) }).Encode(nil)
	if err != nil {
		return
	}
	if _, err := server.Write(message); err != nil {
		return
	}
	var down sync.WaitGroup
	down.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	_, _ = io.Copy(server, client)
	_ = server.Close()
	down.Wait()
}

// TestPooler: refused once, then each poll is a read-only transaction with our
// limits in it.
func TestPooler(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	p, dir := startPooler(t, srv.dir)
	target, err := Parse("host=" + dir + " user=postgres sslmode=disable dbname=" + db + " options='-c geqo=off'")
	if err != nil {
		t.Fatal(err)
	}
	c := Open(target)
	trace := &recorder{}
	c.tracer = trace
	t.Cleanup(c.Close)
	s, a := NewStatements(c), NewActivity(c)
	collect(t, s)
	r := collect(t, s)
	if len(r.Rows) == 0 {
		t.Error("no rows through a pooler")
	}
	if _, err := a.Collect(t.Context()); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"transaction_read_only": "on", "statement_timeout": "3s", "lock_timeout": "200ms", "search_path": "pg_catalog"} {
		if got := mustAsk(t, c, "select current_setting('"+name+"')"); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if _, err := ask(t.Context(), c, "select 1/0"); failureOf(t, err).What.String() != "division by zero (SQLSTATE 22012)" {
		t.Errorf("a failing statement gave %v", err)
	}
	mustAsk(t, c, "select 1") // the failed transaction was ended
	if n := p.refused.Load(); n != 1 {
		t.Errorf("asked %d times with settings, want once", n)
	}
	if got := strings.Join(trace.sql[:3], "\n"); got != helloSQL+"\n"+beginSQL+"\n"+probeSQL {
		t.Errorf("the first statements were %s", got)
	}
	n := srv.login(t, "postgres", "postgres").number("select count(*) from pg_stat_activity where application_name = 'apitop' and state like 'idle in transaction%'")
	if n != 0 {
		t.Errorf("%v transactions were left open", n)
	}
}

func TestOtherProtocolErrorsAreKept(t *testing.T) {
	if refusesSettings(errors.New("unsupported startup parameter")) || refusesSettings(nil) {
		t.Error("an error that is not the server's counts as its refusal")
	}
}
