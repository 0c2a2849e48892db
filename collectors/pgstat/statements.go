package pgstat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

const (
	// probeEvery is how often the extension is looked up again while all is
	// well, and probeMissing while it cannot be read.
	probeEvery   = time.Minute
	probeMissing = 10 * time.Second

	// dearPoll is the time a poll may take on the server without consequence.
	// After a longer one the collector rests restFactor times as long, so that
	// it never takes more than a twentieth of the time, at most maxRest.
	dearPoll   = 50 * time.Millisecond
	restFactor = 20
	maxRest    = 30 * time.Second
)

// Statements reads pg_stat_statements. Its Collect gives (nil, nil) when it is
// too soon to read again: a poll that takes longer than 50 ms makes it rest for
// 20 times as long. Use it from one goroutine at a time.
//
// When the extension is missing, not loaded or closed to this role, Collect
// fails with that state and its cure, and comes alive by itself once it is
// cured.
type Statements struct {
	conn    *Conn
	texts   texts
	state   state
	changed bool      // the extension is not as it was looked up
	rest    time.Time // no poll before
	size    int       // rows of the last reading
	notes   []snapshot.Note
}

// state is what the last probe found.
type state struct {
	extension extension
	queries   queries
	failure   error // why it cannot be read; nil when it can
	epoch     int   // the connection that was probed
	until     time.Time
	proven    bool // a reading succeeded with it
}

// NewStatements makes a collector that reads through c.
func NewStatements(c *Conn) *Statements { return &Statements{conn: c} }

// Source implements collectors.Collector.
func (s *Statements) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("postgres " + s.conn.target.name.Raw() + " statements"), Kind: snapshot.KindPostgres}
}

// Notes implements collectors.Noter.
func (s *Statements) Notes() []snapshot.Note { return s.notes }

// Collect implements collectors.Collector.
func (s *Statements) Collect(ctx context.Context) (snapshot.Reading, error) {
	now := time.Now()
	if now.Before(s.rest) {
		return nil, nil
	}
	if s.state.failure != nil && now.Before(s.state.until) {
		return nil, s.state.failure
	}
	var r *snapshot.Statements
	for {
		err := s.conn.session(ctx, func(ctx context.Context, l *link) (err error) {
			r, err = s.poll(ctx, l)
			return err
		})
		if err == nil {
			return r, nil
		}
		if !s.changed {
			s.notes = nil
			return nil, err
		}
		s.changed = false // look again at once
	}
}

// poll is one reading with everything that belongs to it.
func (s *Statements) poll(ctx context.Context, l *link) (*snapshot.Statements, error) {
	if l.epoch > s.state.epoch || time.Now().After(s.state.until) {
		if err := s.probe(ctx, l); err != nil {
			return nil, err
		}
	}
	r, err := s.state.queries.read(ctx, l, s.size+s.size/16)
	if err != nil {
		return nil, s.readFailure(l, err)
	}
	s.state.proven = true
	r.Max = s.state.extension.max
	s.size = len(r.Rows)
	textNotes := s.joinTexts(ctx, l, r.Rows)
	s.notes = append(s.explain(l, r), textNotes...)
	return r.Statements, nil
}

// readFailure looks whether the extension changed since it was looked up: then
// it is to be looked up again, once.
func (s *Statements) readFailure(l *link, err error) error {
	switch codeOf(err) {
	case codeNoColumn, codeNoFunction, codeNoRelation:
		s.changed = s.state.proven
		s.state = state{}
	case codePrivilege:
		err = snapshot.Fail(snapshot.Denied, "role "+l.hello.user+" may not call pg_stat_statements",
			fmt.Sprintf("GRANT EXECUTE ON FUNCTION %s.pg_stat_statements(boolean) TO %s;", quote(s.state.extension.schema), quote(l.hello.user)))
		s.fail(err)
	}
	return err
}

// probe looks the extension up and keeps what it found.
func (s *Statements) probe(ctx context.Context, l *link) error {
	e, q, err := l.probe(ctx)
	s.state = state{extension: e, queries: q, epoch: l.epoch, until: time.Now().Add(probeEvery)}
	if err != nil {
		s.fail(err)
	}
	return err
}

// fail keeps a failure that a person can cure as the answer until the next
// probe; after any other the next poll probes.
func (s *Statements) fail(err error) {
	s.state.until = time.Time{}
	if _, ok := errors.AsType[*snapshot.Failure](err); ok {
		s.state.failure, s.state.until = err, time.Now().Add(probeMissing)
	}
}

// joinTexts adds the texts to rows and reads missing ones. A failure to do so
// costs only the texts.
func (s *Statements) joinTexts(ctx context.Context, l *link, rows []snapshot.Statement) []snapshot.Note {
	if ids := s.texts.join(rows, time.Now()); len(ids) > 0 {
		if err := s.texts.read(ctx, l, s.state.queries.texts, ids); err != nil {
			why := snapshot.FailureOf(s.conn.failure(ctx, err))
			return []snapshot.Note{{What: safe.Short("the texts of statements cannot be read: "+why.What.Raw(), 200), Fix: why.Fix}}
		}
		s.texts.join(rows, time.Now())
	}
	if l.hello.dedicated() {
		for i := range rows {
			rows[i].Own = rows[i].Own || rows[i].Key.UserID == l.hello.userID
		}
	}
	return nil
}

// explain collects what is worth knowing about the reading, and sets the rest
// after a dear one. The time of the small statement before it stands for the
// way to the server and back.
func (s *Statements) explain(l *link, r reading) []snapshot.Note {
	notes := s.state.extension.outdated()
	if r.HiddenRows > 0 {
		notes = append(notes, snapshot.Note{
			What: safe.Short(fmt.Sprintf("%d statements of other users are hidden from role %s", r.HiddenRows, l.hello.user), 200),
			Fix:  "GRANT pg_monitor TO " + quote(l.hello.user) + ";",
		})
	}
	if len(r.Rows) == 0 && r.HiddenRows == 0 {
		notes = append(notes, snapshot.Note{
			What: safe.New("pg_stat_statements is empty"),
			Fix:  "if it stays so, check pg_stat_statements.track (top) and compute_query_id (auto)",
		})
	}
	cost := r.rowsTook - r.headTook
	if cost > dearPoll {
		pause := min(restFactor*cost, maxRest)
		s.rest = time.Now().Add(pause)
		notes = append(notes, snapshot.Note{What: safe.New(fmt.Sprintf("reading the statements takes %d ms, so it is done every %.1f s only",
			cost.Milliseconds(), pause.Seconds()))})
	}
	return notes
}
