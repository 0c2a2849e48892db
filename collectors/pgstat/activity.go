package pgstat

import (
	"context"
	"fmt"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Activity reads connections by state and the totals of all databases. Use it
// from one goroutine at a time.
type Activity struct {
	conn  *Conn
	notes []snapshot.Note
}

// NewActivity makes a collector that reads through c.
func NewActivity(c *Conn) *Activity { return &Activity{conn: c} }

// Source implements collectors.Collector.
func (a *Activity) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("postgres " + a.conn.target.name.Raw() + " activity"), Kind: snapshot.KindPostgres}
}

// Notes implements collectors.Noter.
func (a *Activity) Notes() []snapshot.Note { return a.notes }

// Collect implements collectors.Collector. Figures about sessions that this
// role may not see are unknown.
func (a *Activity) Collect(ctx context.Context) (snapshot.Reading, error) {
	a.notes = nil
	var r *snapshot.Activity
	err := a.conn.session(ctx, func(ctx context.Context, l *link) error {
		r = nil
		hidden := 0.0
		err := l.query(ctx, activitySQL, func(f *fields) {
			r, hidden = decodeActivity(f)
		})
		if err != nil {
			return err
		}
		if r == nil {
			return errNoRow
		}
		r.Server = safe.Short("PostgreSQL "+l.hello.version, 60)
		r.Database = safe.Short(l.hello.database, 80)
		a.notes = notesOn(l.hello, hidden)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// decodeActivity reads the row of activitySQL.
func decodeActivity(f *fields) (r *snapshot.Activity, hidden float64) {
	hidden = f.float(4)
	seen := func(i int) snapshot.Value {
		if hidden > 0 {
			return snapshot.Value{}
		}
		return f.value(i)
	}
	r = &snapshot.Activity{
		At:        f.moment(0),
		StartedAt: f.moment(1),
		Connections: snapshot.Connections{
			Max: f.value(2), Used: f.value(3),
			Active: seen(5), Idle: seen(6), IdleInTransaction: seen(7), Blocked: seen(8),
		},
		OldestXactSeconds:   seen(9),
		OldestIdleTxSeconds: seen(10),
		Commits:             f.value(11), Rollbacks: f.value(12),
		BlocksHit: f.value(13), BlocksRead: f.value(14),
		Deadlocks: f.value(15), TempBytes: f.value(16),
	}
	return r, hidden
}

// notesOn says what limits the view of a connection, and what is unwise.
func notesOn(h hello, hidden float64) []snapshot.Note {
	var notes []snapshot.Note
	note := func(what, fix string) {
		notes = append(notes, snapshot.Note{What: safe.Short(what, 200), Fix: fix})
	}
	if hidden > 0 {
		note(fmt.Sprintf("what %.0f sessions of other users do is hidden from role %s", hidden, h.user), "GRANT pg_monitor TO "+quote(h.user)+";")
	}
	if h.superuser {
		note("connected as a superuser, which is more than watching needs", "CREATE ROLE apitop LOGIN; GRANT pg_monitor TO apitop;")
	}
	if h.pooled {
		note("connected through a pooler: its connections to the server are shown, not the clients' to it", "give a DSN that leads to the server itself")
	}
	return notes
}
