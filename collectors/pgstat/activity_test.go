package pgstat

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

func activity(t testing.TB, a *Activity) *snapshot.Activity {
	t.Helper()
	r, err := a.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Activity)
}

// whenAlone waits until the sessions of earlier tests have ended.
func whenAlone(t testing.TB, a *Activity) *snapshot.Activity {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		r := activity(t, a)
		if r.Connections.Used == known(0) {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("still there: %+v", r.Connections)
		}
	}
}

func known(v float64) snapshot.Value { return snapshot.Known(v) }

// TestConnections puts sessions into each state and counts them; ours are not
// counted.
func TestConnections(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, "create table held(id int)", "insert into held values (1)")
	a := NewActivity(srv.open(t, "postgres", db))
	start := whenAlone(t, a)
	idle, holder, waiter, busy := srv.login(t, "postgres", db), srv.login(t, "postgres", db), srv.login(t, "postgres", db), srv.login(t, "postgres", db)
	idle.run("select 1")
	holder.run("begin", "update held set id = 2")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _, _ = waiter.conn.Exec(ctx, "update held set id = 3") })
	wg.Go(func() { _, _ = busy.conn.Exec(ctx, "select pg_sleep(30)") })
	want := snapshot.Connections{
		Used: known(4), Max: known(25 - 3),
		Active: known(2), Idle: known(1), IdleInTransaction: known(1), Blocked: known(1),
	}
	var r *snapshot.Activity
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if r = activity(t, a); r.Connections == want && r.OldestIdleTxSeconds.V > 0.02 {
			break
		}
	}
	if r.Connections != want {
		t.Errorf("connections %+v, want %+v", r.Connections, want)
	}
	if r.OldestXactSeconds.V < r.OldestIdleTxSeconds.V || r.OldestXactSeconds.V > 30 {
		t.Errorf("oldest transaction %v, idle in transaction %v", r.OldestXactSeconds, r.OldestIdleTxSeconds)
	}
	if !strings.HasPrefix(r.Server.String(), "PostgreSQL ") || strings.Contains(r.Server.String(), "(") || r.Database.String() != db {
		t.Errorf("server %q, database %q", r.Server, r.Database)
	}
	if r.At.Sub(start.At) <= 0 || !r.StartedAt.Before(r.At) {
		t.Errorf("at %v, started at %v", r.At, r.StartedAt)
	}
	holder.run("rollback")
}

// TestDatabaseTotals: commits and rollbacks of an application show up, deadlocks
// and blocks are known.
func TestDatabaseTotals(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t)
	a := NewActivity(srv.open(t, "postgres", db))
	before := activity(t, a)
	app := srv.login(t, "postgres", db)
	for range 30 {
		app.run("select count(*) from pg_class", "begin", "rollback")
	}
	_ = app.conn.Close(t.Context()) // a backend reports its counts when it ends
	var after *snapshot.Activity
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if after = activity(t, a); after.Rollbacks.V >= before.Rollbacks.V+30 {
			break
		}
	}
	if d := after.Commits.V - before.Commits.V; d < 30 {
		t.Errorf("%v commits more", d)
	}
	if d := after.Rollbacks.V - before.Rollbacks.V; d != 30 {
		t.Errorf("%v rollbacks more, want 30", d)
	}
	if after.BlocksHit.V <= before.BlocksHit.V || !after.BlocksRead.OK || !after.Deadlocks.OK || !after.TempBytes.OK {
		t.Errorf("totals %+v", after)
	}
}

// TestHiddenSessions: what a plain role may not see is unknown, not 0; the rest
// is known.
func TestHiddenSessions(t *testing.T) {
	srv := needServer(t)
	srv.role(t, `"Plain One"`)
	db := srv.database(t)
	a := NewActivity(srv.open(t, "'Plain One'", db))
	alone := whenAlone(t, a)
	if alone.Connections.Blocked != known(0) || len(a.Notes()) != 0 {
		t.Errorf("alone: %+v, notes %v", alone.Connections, a.Notes())
	}
	srv.login(t, "postgres", db).run("begin")
	r := activity(t, a)
	c := r.Connections
	for name, v := range map[string]snapshot.Value{
		"active": c.Active, "idle": c.Idle, "idle in transaction": c.IdleInTransaction, "blocked": c.Blocked,
		"oldest transaction": r.OldestXactSeconds, "oldest idle": r.OldestIdleTxSeconds,
	} {
		if v.OK {
			t.Errorf("%s is known: %v", name, v)
		}
	}
	if c.Used != known(1) || c.Max != known(22) || !r.Commits.OK {
		t.Errorf("used %v, max %v, commits %v", c.Used, c.Max, r.Commits)
	}
	notes := a.Notes()
	if len(notes) != 1 || notes[0].Fix != `GRANT pg_monitor TO "Plain One";` {
		t.Fatalf("notes %v", notes)
	}
	srv.admin(t, db, notes[0].Fix)
	if r := activity(t, a); r.Connections.IdleInTransaction != known(1) || len(a.Notes()) != 0 {
		t.Errorf("after the fix: %+v, notes %v", r.Connections, a.Notes())
	}
}

func TestNotesOnConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		h    hello
		want string
	}{
		"fine":      {hello{user: "apitop"}, "[]"},
		"superuser": {hello{user: "root", superuser: true}, "superuser"},
		"pooled":    {hello{user: "apitop", pooled: true}, "pooler"},
	} {
		if got := fmt.Sprint(notesOn(tt.h, 0)); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
