package pgstat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// TestRestAfterDearPoll: the time on the server counts, not the way there, and
// the pause grows with it to a limit.
func TestRestAfterDearPoll(t *testing.T) {
	tests := map[string]struct {
		head, rows time.Duration
		pause      time.Duration // 0: none
	}{
		"cheap":    {time.Millisecond, 12 * time.Millisecond, 0},
		"far away": {300 * time.Millisecond, 320 * time.Millisecond, 0},
		"dear":     {time.Millisecond, 101 * time.Millisecond, 2 * time.Second},
		"limit":    {time.Millisecond, 3 * time.Second, maxRest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := NewStatements(nil)
			r := reading{&snapshot.Statements{HiddenRows: 1}, tt.head, tt.rows}
			notes := fmt.Sprint(s.explain(&link{}, r))
			if tt.pause == 0 {
				if !s.rest.IsZero() || strings.Contains(notes, "takes") {
					t.Errorf("it rests: %s", notes)
				}
				return
			}
			if pause := time.Until(s.rest); pause > tt.pause || pause < tt.pause-time.Second {
				t.Errorf("it rests for %v, want %v", pause, tt.pause)
			}
			if !strings.Contains(notes, fmt.Sprintf("every %.1f s", tt.pause.Seconds())) {
				t.Errorf("notes %s", notes)
			}
			if r, err := s.Collect(t.Context()); r != nil || err != nil { // a nil Conn would panic if it were used
				t.Errorf("while it rests: %v, %v", r, err)
			}
		})
	}
}

// TestTextsFail: without texts the counters are still read, and a note says why.
func TestTextsFail(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	s := NewStatements(srv.open(t, "postgres", db))
	collect(t, s)
	s.texts = texts{}
	s.state.queries.texts = "select /* apitop */ 1/0 where 0 <> all($1::int8[])"
	r := collect(t, s)
	if len(r.Rows) == 0 || !r.Rows[0].Query.IsZero() || !r.Rows[0].Key.TopLevel {
		t.Errorf("%d rows", len(r.Rows))
	}
	if notes := fmt.Sprint(s.Notes()); !strings.Contains(notes, "texts of statements cannot be read: division by zero") {
		t.Errorf("notes %s", notes)
	}
}

// TestEmpty: nothing recorded is a reading with the server's time and a note.
func TestEmpty(t *testing.T) {
	srv := needServer(t)
	db := srv.database(t, createExtension)
	srv.admin(t, db, "alter system set pg_stat_statements.track = 'none'", "select pg_reload_conf()")
	t.Cleanup(func() {
		srv.admin(t, "postgres", "alter system reset pg_stat_statements.track", "select pg_reload_conf()")
	})
	app := srv.login(t, "postgres", db)
	for end := time.Now().Add(5 * time.Second); ; {
		app.run("select pg_stat_statements_reset()")
		if app.number("select count(*) from pg_stat_statements") == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is never empty")
		}
	}
	s := NewStatements(srv.open(t, "postgres", db))
	r := collect(t, s)
	if r.At.IsZero() || len(r.Rows) != 0 || !strings.Contains(fmt.Sprint(s.Notes()), "is empty") {
		t.Errorf("at %v, %d rows, notes %v", r.At, len(r.Rows), s.Notes())
	}
}
