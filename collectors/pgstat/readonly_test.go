package pgstat

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// allowedSQL is all that may be sent for an extension in schema public.
func allowedSQL(t testing.TB, e extension) []string {
	t.Helper()
	q, err := e.build()
	if err != nil {
		t.Fatal(err)
	}
	return []string{helloSQL, beginSQL, commitSQL, probeSQL, activitySQL, q.head, q.rows, q.texts}
}

// TestOnlyKnownSQL polls everything in every state and compares what was sent
// with the fixed set: by pgx's tracer, and by the server's own log, which would
// show what bypasses the tracer.
func TestOnlyKnownSQL(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t)
	c := srv.open(t, "postgres", db)
	trace := &recorder{}
	c.tracer = trace
	s, a := NewStatements(c), NewActivity(c)
	_, offset := srv.logged(t, appName, 0)
	if _, err := s.Collect(t.Context()); err == nil {
		t.Fatal("no failure without the extension")
	}
	app := srv.login(t, "postgres", db)
	app.run(createExtension)
	s.state.until = time.Now().Add(-time.Nanosecond)
	for i := range 5 {
		app.run(fmt.Sprintf("select 1 as new_statement_%d", i))
		collect(t, s)
		if _, err := a.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	allowed := allowedSQL(t, s.state.extension)
	used := map[string]bool{}
	for _, sql := range trace.sql {
		if !slices.Contains(allowed, sql) {
			t.Errorf("unknown statement: %s", sql)
		}
		used[sql] = true
	}
	if len(used) != len(allowed)-2 { // begin and commit are for poolers
		t.Errorf("%d of %d statements were used", len(used), len(allowed)-2)
	}
	c.Close()
	logged, _ := srv.logged(t, appName, offset)
	if len(logged) != len(trace.sql) {
		t.Errorf("the server logged %d statements, the tracer saw %d", len(logged), len(trace.sql))
	}
	for i, sql := range logged {
		if i < len(trace.sql) && squash(sql) != squash(trace.sql[i]) {
			t.Errorf("statement %d: the server logged %q, the tracer saw %q", i, sql, trace.sql[i])
		}
	}
}

func squash(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestMarkerInside: each statement carries the marker where version 18 does not
// strip it, after its first word.
func TestMarkerInside(t *testing.T) {
	all := allowedSQL(t, extension{schema: "public", columns: columnsOf("1.12"), infoExists: true})
	for _, sql := range append(all, headSQL) {
		for part := range strings.SplitSeq(sql, ";") {
			words := strings.Fields(part)
			if strings.Join(words[1:4], " ") != marker {
				t.Errorf("no marker after the first word: %.40s", part)
			}
		}
	}
}

// TestNothingIsWritten: the server hands out no transaction id and writes no
// row while it is watched.
func TestNothingIsWritten(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	const tuples = "select tup_inserted + tup_updated + tup_deleted from pg_stat_database where datname = current_database()"
	const xact = "select pg_snapshot_xmax(pg_current_snapshot())::text::float8"
	watch := srv.login(t, "postgres", db)
	others := func() float64 {
		return watch.number("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")
	}
	for others() > 0 { // a backend reports its counts when it ends
		time.Sleep(time.Millisecond)
	}
	tuplesBefore, xactBefore := watch.number(tuples), watch.number(xact)
	c := srv.open(t, "postgres", db)
	s, a := NewStatements(c), NewActivity(c)
	for range 20 {
		collect(t, s)
		if _, err := a.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	for others() > 0 {
		time.Sleep(time.Millisecond)
	}
	if got := watch.number(tuples); got != tuplesBefore {
		t.Errorf("%v tuples were written", got-tuplesBefore)
	}
	if got := watch.number(xact); got != xactBefore {
		t.Errorf("%v transaction ids were handed out", got-xactBefore)
	}
}

// TestSQLOfVersions keeps the statements for each version of the extension as a
// golden, so that a change to what is sent is seen in review.
func TestSQLOfVersions(t *testing.T) {
	var b strings.Builder
	for _, v := range []string{"1.7", "1.8", "1.9", "1.10", "1.11", "1.12", "1.13"} {
		e := extension{schema: "public", version: v, columns: columnsOf(v), infoExists: v != "1.7" && v != "1.8"}
		q, err := e.build()
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		fmt.Fprintf(&b, "-- %s\n%s\n%s\n%s\n", v, q.head, q.rows, q.texts)
	}
	const golden = "testdata/queries.sql"
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the statements differ from %s; got:\n%s", golden, b.String())
	}
	if _, err := (extension{schema: "public", version: "9", columns: []string{"calls"}}).build(); err == nil {
		t.Error("an extension without its main columns was accepted")
	}
}

// columnsOf gives the columns of the extension's versions that are of interest
// here, and one that is not.
func columnsOf(version string) []string {
	common := []string{"userid", "dbid", "queryid", "query", "calls", "rows", "shared_blks_hit", "shared_blks_read", "temp_blks_written"}
	newer := []string{"total_exec_time", "stddev_exec_time", "wal_bytes", "plans"}
	switch version {
	case "1.7":
		return append(common, "total_time", "stddev_time", "blk_read_time")
	case "1.8":
		return slices.Concat(common, newer)
	case "1.9", "1.10":
		return slices.Concat(common, newer, []string{"toplevel"})
	default:
		return slices.Concat(common, newer, []string{"toplevel", "stats_since"})
	}
}
