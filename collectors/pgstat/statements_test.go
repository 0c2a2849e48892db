package pgstat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

const createExtension = "create extension pg_stat_statements"

// collect polls once and fails the test on an error.
func collect(t testing.TB, s *Statements) *snapshot.Statements {
	t.Helper()
	s.rest = time.Time{} // a busy machine must not make it skip
	s.texts.after = time.Time{}
	r, err := s.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Statements)
}

// find gives the one row whose text holds part and that was run in db.
func find(t testing.TB, r *snapshot.Statements, part string) snapshot.Statement {
	t.Helper()
	var found []snapshot.Statement
	for _, row := range r.Rows {
		if strings.Contains(row.Query.String(), part) {
			found = append(found, row)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d rows hold %q", len(found), part)
	}
	return found[0]
}

func failureOf(t testing.TB, err error) *snapshot.Failure {
	t.Helper()
	f, ok := errors.AsType[*snapshot.Failure](err)
	if !ok {
		t.Fatalf("%v is no Failure", err)
	}
	return f
}

func TestCallsAreExact(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension, "create table goods(id int primary key, name text)",
		"insert into goods select g, 'n' || g from generate_series(1, 100) g")
	app := srv.login(t, "postgres", db)
	s := NewStatements(srv.open(t, "postgres", db))
	run := func(n int) {
		for i := range n {
			app.run(fmt.Sprintf("select  name\n\tfrom goods where id > %d and id <= %d + 3", i, i))
		}
	}
	run(2)
	a := collect(t, s)
	run(7)
	b := collect(t, s)
	const text = "select name from goods where id > $1 and id <= $2 + $3"
	before, after := find(t, a, text), find(t, b, text)
	if after.Query.String() != text {
		t.Errorf("text %q", after.Query)
	}
	if d := after.Calls - before.Calls; d != 7 {
		t.Errorf("%v calls more, want 7", d)
	}
	if d := after.Rows - before.Rows; d != 21 {
		t.Errorf("%v rows more, want 21", d)
	}
	if d := after.BlocksHit + after.BlocksRead - before.BlocksHit - before.BlocksRead; d < 7 {
		t.Errorf("%v blocks more, want at least 7", d)
	}
	if d := after.ExecSeconds - before.ExecSeconds; d <= 0 || d > 1 {
		t.Errorf("%v seconds more", d)
	}
	if !after.Key.TopLevel || after.Utility || after.Own || !after.WALBytes.OK {
		t.Errorf("row %+v", after)
	}
	if d := b.At.Sub(a.At); d <= 0 || d > time.Minute {
		t.Errorf("%v passed on the server's clock", d)
	}
	if info := hasInfo(t, srv); !b.StartedAt.Before(a.At) || !b.IOTiming || b.Max != snapshot.Known(5000) || b.Dealloc.OK != info || b.ResetAt.IsZero() == info {
		t.Errorf("head %v %v %v %v %v", b.StartedAt, b.IOTiming, b.Max, b.Dealloc, b.ResetAt)
	}
}

// TestOwnAndUtility: our statements carry the marker; under a role that is only
// ours, all are; the application's are never.
func TestOwnAndUtility(t *testing.T) {
	srv := needServer(t)
	srv.role(t, "apitop", "grant pg_monitor to apitop")
	db := srv.database(t, createExtension, "create table odd(id int)")
	srv.login(t, "apitop", db).run("select 1 as by_hand")
	for _, user := range []string{"postgres", "apitop"} {
		s := NewStatements(srv.open(t, user, db))
		collect(t, s)
		r := collect(t, s)
		if row := find(t, r, "create table odd"); !row.Utility || row.Own {
			t.Errorf("create table: %+v", row)
		}
		if row := find(t, r, "by_hand"); row.Own != (user == "apitop") {
			t.Errorf("as %s: a statement of role apitop without the marker: own = %v", user, row.Own)
		}
		own := 0
		for _, row := range r.Rows {
			if strings.Contains(row.Query.String(), marker) != row.Own && !strings.Contains(row.Query.String(), "by_hand") {
				t.Errorf("own = %v: %s", row.Own, row.Query)
			}
			if row.Own {
				own++
			}
		}
		if own < 4 {
			t.Errorf("as %s: only %d rows are our own", user, own)
		}
	}
}

func TestReset(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	app := srv.login(t, "postgres", db)
	app.run("select 1 as before_reset")
	s := NewStatements(srv.open(t, "postgres", db))
	a := collect(t, s)
	find(t, a, "before_reset")
	app.run("select pg_stat_statements_reset()")
	b := collect(t, s)
	if hasInfo(t, srv) && (!b.ResetAt.After(a.ResetAt) || b.ResetAt.After(b.At)) {
		t.Errorf("reset at %v, before at %v", b.ResetAt, a.ResetAt)
	}
	if slices.ContainsFunc(b.Rows, func(r snapshot.Statement) bool { return strings.Contains(r.Query.String(), "before_reset") }) {
		t.Error("the row survived the reset")
	}
}

// TestExtensionAppears: the state is named, with its cure, and the collector
// comes alive without a restart once it is cured; it does not ask each second.
func TestExtensionAppears(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t)
	s := NewStatements(srv.open(t, "postgres", db))
	_, err := s.Collect(t.Context())
	f := failureOf(t, err)
	want := "pg_stat_statements is not installed in database " + db
	if f.Kind != snapshot.Unsupported || f.What.String() != want || f.Fix != "CREATE EXTENSION pg_stat_statements;" {
		t.Errorf("failure %v %v", f.Kind, f)
	}
	if r, err := NewActivity(s.conn).Collect(t.Context()); err != nil || r == nil {
		t.Errorf("activity does not work meanwhile: %v", err)
	}
	srv.login(t, "postgres", db).run(f.Fix)
	if _, err := s.Collect(t.Context()); err == nil {
		t.Error("it was looked up again before the pause was over")
	}
	s.state.until = time.Now().Add(-time.Nanosecond) // the pause is over
	if r := collect(t, s); len(r.Rows) == 0 {
		t.Error("no rows after the extension was created")
	}
}

func TestOtherSchema(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, `create schema "Odd ""one"`, createExtension+` schema "Odd ""one"`)
	s := NewStatements(srv.open(t, "postgres", db))
	srv.login(t, "postgres", db).run("select count(*) as wanted_in_" + db + " from pg_class")
	if row := find(t, collect(t, s), "wanted_in_"+db); row.Calls != 1 {
		t.Errorf("row %+v", row)
	}
	if len(s.Notes()) != 0 {
		t.Errorf("notes %v", s.Notes())
	}
}

// TestVersions reads each version of the extension that the server can still
// give, then updates it while it is watched.
func TestVersions(t *testing.T) {
	srv := needServer(t)
	newest, available := versions(t, srv)
	tests := map[string]struct{ wal, reset, since bool }{
		"1.7":  {},
		"1.8":  {wal: true},
		"1.9":  {wal: true, reset: true},
		"1.10": {wal: true, reset: true},
		"1.11": {wal: true, reset: true, since: true},
		"1.12": {wal: true, reset: true, since: true},
		"1.13": {wal: true, reset: true, since: true},
	}
	for version, tt := range tests {
		if !slices.Contains(available, version) {
			continue // another server's
		}
		t.Run(version, func(t *testing.T) {
			db := srv.database(t, createExtension+" version '"+version+"'")
			s := NewStatements(srv.open(t, "postgres", db))
			srv.login(t, "postgres", db).run("select count(*) as wanted_in_" + db + " from pg_class")
			r := collect(t, s)
			row := find(t, r, "wanted_in_"+db)
			if row.Calls != 1 || row.Rows != 1 || row.ExecSeconds <= 0 || row.BlocksHit+row.BlocksRead <= 0 || !row.Key.TopLevel {
				t.Errorf("row %+v", row)
			}
			if row.WALBytes.OK != tt.wal || r.ResetAt.IsZero() == tt.reset || r.Dealloc.OK != tt.reset || row.Since.IsZero() == tt.since {
				t.Errorf("wal %v, reset at %v, dealloc %v, since %v", row.WALBytes, r.ResetAt, r.Dealloc, row.Since)
			}
			if version == newest {
				if len(s.Notes()) != 0 {
					t.Errorf("notes %v", s.Notes())
				}
				return
			}
			notes := s.Notes()
			if len(notes) != 1 || !strings.Contains(notes[0].What.String(), "at version "+version) {
				t.Fatalf("notes %v", notes)
			}
			srv.login(t, "postgres", db).run(notes[0].Fix)
			collect(t, s) // no failure, although columns may have changed their names
			s.state.until = time.Time{}
			want := tests[newest]
			if r := collect(t, s); r.Rows[0].WALBytes.OK != want.wal || r.ResetAt.IsZero() == want.reset || len(s.Notes()) != 0 {
				t.Errorf("after the update: %+v, reset at %v, notes %v", r.Rows[0], r.ResetAt, s.Notes())
			}
		})
	}
}

// versions asks the server which versions of the extension it has.
func versions(t *testing.T, srv *pgServer) (newest string, available []string) {
	t.Helper()
	conn := srv.login(t, "postgres", "postgres").conn
	err := conn.QueryRow(t.Context(), `select a.default_version, array_agg(v.version) from pg_available_extensions a
		join pg_available_extension_versions v on v.name = a.name where a.name = 'pg_stat_statements' group by 1`).Scan(&newest, &available)
	if err != nil {
		t.Fatal(err)
	}
	return newest, available
}

// hasInfo tells whether the server has the view pg_stat_statements_info.
func hasInfo(t *testing.T, srv *pgServer) bool {
	t.Helper()
	return srv.login(t, "postgres", "postgres").number("select current_setting('server_version_num')::float8") >= 140000
}

func TestNotLoaded(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	empty := srv.database(t)
	s, none := NewStatements(srv.open(t, "postgres", db)), NewStatements(srv.open(t, "postgres", empty))
	collect(t, s)
	srv.restart(t, "shared_preload_libraries=")
	for name, c := range map[string]*Statements{"created": s, "not created": none} {
		_, err := c.Collect(t.Context())
		f := failureOf(t, err)
		if f.Kind != snapshot.Unsupported || !strings.Contains(f.What.String(), "did not load") || !strings.Contains(f.Fix, "shared_preload_libraries") {
			t.Errorf("%s: %v %v", name, f.Kind, f)
		}
		if created := !strings.Contains(f.Fix, "CREATE EXTENSION"); created != (name == "created") {
			t.Errorf("%s: fix %q", name, f.Fix)
		}
	}
	srv.restart(t)
	s.state.until = time.Now().Add(-time.Nanosecond)
	collect(t, s)
}

// TestPlainRole: what other users do is counted as hidden and fails nothing.
func TestPlainRole(t *testing.T) {
	srv := needServer(t)
	srv.role(t, "plain")
	srv.role(t, "watcher", "grant pg_monitor to watcher")
	db := srv.database(t, createExtension)
	srv.login(t, "postgres", db).run("select 1 as of_another_user")
	srv.login(t, "plain", db).run("select 1 as of_our_own")

	s := NewStatements(srv.open(t, "plain", db))
	r := collect(t, s)
	find(t, r, "of_our_own")
	if r.HiddenRows == 0 {
		t.Error("no hidden rows")
	}
	notes := s.Notes()
	if len(notes) != 1 || notes[0].Fix != "GRANT pg_monitor TO plain;" || !strings.Contains(notes[0].What.String(), "hidden from role plain") {
		t.Errorf("notes %v", notes)
	}

	s = NewStatements(srv.open(t, "watcher", db))
	r = collect(t, s)
	find(t, r, "of_another_user")
	if r.HiddenRows != 0 || len(s.Notes()) != 0 {
		t.Errorf("%d hidden rows, notes %v", r.HiddenRows, s.Notes())
	}
}

func TestNotPermitted(t *testing.T) {
	srv := needServer(t)
	srv.role(t, "shut_out")
	tests := map[string][]string{ // what to set up beside the extension
		"schema":   {"create schema closed", createExtension + " schema closed"},
		"function": {createExtension, "revoke execute on function pg_stat_statements(boolean) from public"},
	}
	for name, setup := range tests {
		t.Run(name, func(t *testing.T) {
			db := srv.database(t, setup...)
			s := NewStatements(srv.open(t, "shut_out", db))
			_, err := s.Collect(t.Context())
			f := failureOf(t, err)
			if f.Kind != snapshot.Denied || !strings.Contains(f.What.String(), "shut_out may not") {
				t.Fatalf("failure %v %v", f.Kind, f)
			}
			if _, err := s.Collect(t.Context()); !errors.Is(err, f) {
				t.Errorf("the next poll gave %v", err)
			}
			srv.login(t, "postgres", db).run(f.Fix) // the cure is real
			s.state.until = time.Now().Add(-time.Nanosecond)
			collect(t, s)
		})
	}
}
