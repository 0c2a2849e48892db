package pgstat

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"apitop/collectors/snapshot"
)

// recorder is a tracer that keeps every statement.
type recorder struct {
	mu  sync.Mutex
	sql []string
}

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sql = append(r.sql, d.SQL)
	return ctx
}

func (*recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// ask runs one query in a session and gives its first column.
func ask(ctx context.Context, c *Conn, sql string) (string, error) {
	var got string
	err := c.session(ctx, func(ctx context.Context, l *link) error {
		return l.query(ctx, sql, func(f *fields) { got = f.text(0) })
	})
	return got, err
}

func mustAsk(t testing.TB, c *Conn, sql string) string {
	t.Helper()
	got, err := ask(t.Context(), c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func TestSettingsArrive(t *testing.T) {
	c := needServer(t).open(t, "postgres", "postgres")
	want := limits()
	want["application_name"] = appName
	for name, value := range want {
		if got := mustAsk(t, c, "select current_setting('"+name+"')"); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	_, err := ask(t.Context(), c, "create table forbidden(id int)")
	if f := failureOf(t, err); !strings.Contains(f.What.String(), "read-only transaction") {
		t.Errorf("a write gave %v", f)
	}
}

func TestStatementTimeout(t *testing.T) {
	c := needServer(t).open(t, "postgres", "postgres")
	mustAsk(t, c, "select set_config('statement_timeout', '40ms', false)")
	pid := mustAsk(t, c, "select pg_backend_pid()")
	_, err := ask(t.Context(), c, "select pg_sleep(20)")
	if f := failureOf(t, err); f.Kind != snapshot.Unreachable || !strings.Contains(f.What.String(), "took longer") {
		t.Errorf("failure %v %v", f.Kind, f)
	}
	if got := mustAsk(t, c, "select pg_backend_pid()"); got != pid {
		t.Error("the timeout cost the connection")
	}
}

// TestEndOfContext: a poll whose time is over stops the statement on the server
// and keeps the connection.
func TestEndOfContext(t *testing.T) {
	srv := needServer(t)
	c := srv.open(t, "postgres", "postgres")
	pid := mustAsk(t, c, "select pg_backend_pid()")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := ask(ctx, c, "select pg_sleep(20)")
	if f := failureOf(t, err); f.Kind != snapshot.Unreachable || f.What.String() != "no answer in time" {
		t.Errorf("failure %v %v", f.Kind, f)
	}
	if took := time.Since(start); took > 50*time.Millisecond+2*cancelGrace {
		t.Errorf("it took %v", took)
	}
	if got := mustAsk(t, c, "select pg_backend_pid()"); got != pid {
		t.Error("the end of the context cost the connection")
	}
	if n := srv.login(t, "postgres", "postgres").number("select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()"); n != 0 {
		t.Error("the statement still runs on the server")
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := ask(ctx, c, "select 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

// TestAtMostTwoConnections: many sessions at once share two, however they end.
func TestAtMostTwoConnections(t *testing.T) {
	srv := needServer(t)
	c := srv.open(t, "postgres", "postgres")
	watch := srv.login(t, "postgres", "postgres")
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+10*i)*time.Millisecond)
			defer cancel()
			if _, err := ask(ctx, c, "select pg_sleep(0.005 * "+strconv.Itoa(i%3)+")"); err != nil {
				_ = failureOf(t, err) // out of time, and named so
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	most := 0.0
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		most = max(most, watch.number("select count(*) from pg_stat_activity where application_name = 'apitop'"))
	}
	if most != maxLinks {
		t.Errorf("up to %v connections, want %d", most, maxLinks)
	}
}

// TestServerGoesAndComes: down is unreachable, back is noticed by itself, and a
// restart between two polls costs none of them.
func TestServerGoesAndComes(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	c := srv.open(t, "postgres", db)
	s, a := NewStatements(c), NewActivity(c)
	before := collect(t, s)
	if _, err := a.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.stop()
	for range 2 {
		for _, poll := range []func(context.Context) (snapshot.Reading, error){s.Collect, a.Collect} {
			s.rest = time.Time{}
			_, err := poll(t.Context())
			if f := failureOf(t, err); f.Kind != snapshot.Unreachable {
				t.Errorf("while down: %v %v", f.Kind, f)
			}
		}
	}
	if err := srv.start(); err != nil {
		t.Fatal(err)
	}
	after := collect(t, s)
	if !after.StartedAt.After(before.StartedAt) {
		t.Errorf("started at %v, before at %v", after.StartedAt, before.StartedAt)
	}
	srv.restart(t)
	collect(t, s)
	if _, err := a.Collect(t.Context()); err != nil {
		t.Errorf("after a restart between two polls: %v", err)
	}
}

// TestHungServer: a server that does not move costs a poll its time and no more,
// and no connection beyond the two.
func TestHungServer(t *testing.T) {
	srv := needServer(t)
	c := srv.open(t, "postgres", "postgres")
	a := NewActivity(c)
	if _, err := a.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := mustAsk(t, c, "select pg_backend_pid()")
	var backend int
	if _, err := fmt.Sscan(pid, &backend); err != nil {
		t.Fatal(err)
	}
	for _, p := range []int{backend, srv.cmd.Process.Pid} {
		if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(p, syscall.SIGCONT) }()
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start := time.Now()
		_, err := a.Collect(ctx)
		cancel()
		if f := failureOf(t, err); f.What.String() != "no answer in time" {
			t.Errorf("failure %v", f)
		}
		if took := time.Since(start); took > 100*time.Millisecond+2*cancelGrace {
			t.Errorf("a poll took %v", took)
		}
	}
	for _, p := range []int{backend, srv.cmd.Process.Pid} {
		if err := syscall.Kill(p, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Collect(t.Context()); err != nil {
		t.Errorf("once it moves again: %v", err)
	}
}

func TestClose(t *testing.T) {
	srv := needServer(t)
	c := srv.open(t, "postgres", "postgres")
	mustAsk(t, c, "select 1")
	c.Close()
	c.Close()
	if _, err := ask(t.Context(), c, "select 1"); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
	watch := srv.login(t, "postgres", "postgres")
	for end := time.Now().Add(5 * time.Second); watch.number("select count(*) from pg_stat_activity where application_name = 'apitop'") > 0; {
		if time.Now().After(end) {
			t.Fatal("the connection is still there")
		}
	}
}
