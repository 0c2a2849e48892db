package analysis

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// dbState follows pg_stat_statements and the database's own totals.
type dbState struct {
	rows       *growth[snapshot.StatementKey]
	totals     *growth[string]
	since      map[snapshot.StatementKey]time.Time
	statements *snapshot.Statements
	activity   *snapshot.Activity
	section    *Database
}

// The vector of a statement's totals. The sum of squares makes the spread of a
// window computable: a statement's stddev and mean give it exactly, and it adds
// up, which they do not.
const (
	stCalls = iota
	stSeconds
	stRows
	stHit
	stRead
	stSquares // sum of squared seconds; not strict, rounding makes it tremble
	stFields
)

// maxStatements bounds the statements of a report.
const maxStatements = 100

func newDBState(opt Options) dbState {
	return dbState{
		rows:   newGrowth[snapshot.StatementKey](opt),
		totals: newGrowth[string](opt),
		since:  map[snapshot.StatementKey]time.Time{},
	}
}

// step returns what is worth a mark on the charts.
func (d *dbState) step(s snapshot.Snapshot, rps Value) []Event {
	var events []Event
	if a := s.Activity; a != nil {
		if d.activity != nil && !a.StartedAt.Equal(d.activity.StartedAt) {
			events = append(events, Event{At: s.At, Kind: "restart", Text: "postgres restarted"})
		}
		d.takeActivity(a)
	}
	if s.Statements != nil && d.takeStatements(s.Statements) {
		events = append(events, Event{At: s.At, Kind: "reset", Text: "statement statistics were reset"})
	}
	if s.Activity != nil || s.Statements != nil {
		d.section = d.report(rps)
	}
	return events
}

func (d *dbState) takeActivity(a *snapshot.Activity) {
	d.activity = a
	d.totals.begin(a.At, false)
	d.totals.put("commits", a.Commits)
	d.totals.put("rollbacks", a.Rollbacks)
	d.totals.put("hit", a.BlocksHit)
	d.totals.put("read", a.BlocksRead)
	d.totals.put("deadlocks", a.Deadlocks)
	d.totals.end()
}

// takeStatements follows one complete reading and tells whether the statistics
// were reset. A changed stats_reset makes all totals count from zero; a clean
// restart keeps them, so the start time says nothing here.
func (d *dbState) takeStatements(st *snapshot.Statements) (reset bool) {
	reset = d.statements != nil && !st.ResetAt.Equal(d.statements.ResetAt)
	d.statements = st
	d.rows.begin(st.At, reset)
	v := make([]float64, stFields)
	for i := range st.Rows {
		r := &st.Rows[i]
		if was, ok := d.since[r.Key]; ok && !was.Equal(r.Since) {
			d.rows.forget(r.Key) // evicted and come back between two polls
		}
		if !r.Since.IsZero() {
			d.since[r.Key] = r.Since
		}
		d.rows.add(r.Key, vectorOf(r, v), stSquares)
	}
	d.rows.end()
	if len(d.since) > 4*len(st.Rows)+1000 {
		clear(d.since)
	}
	return reset
}

func (d *dbState) report(rps Value) *Database {
	out := &Database{}
	if a := d.activity; a != nil {
		hit, read := d.totals.one("hit"), d.totals.one("read")
		commits, rollbacks := d.totals.one("commits"), d.totals.one("rollbacks")
		out.HitRatio = over(hit, plus(hit, read))
		out.TPS = over(plus(commits, rollbacks), d.totals.elapsed())
		out.RollbackRatio = over(rollbacks, plus(commits, rollbacks))
		out.Deadlocks = d.totals.one("deadlocks")
		out.Connections = Connections(a.Connections)
		out.OldestXact = a.OldestXactSeconds
	}
	if d.statements != nil {
		d.reportStatements(out, rps)
	}
	return out
}

// reportStatements fills the figures that come from statements. Only top-level
// rows count: nested time is inside their parent's.
func (d *dbState) reportStatements(out *Database, rps Value) {
	elapsed := d.rows.elapsed()
	var calls, seconds float64
	list := make([]Statement, 0, min(len(d.statements.Rows), maxStatements))
	v := make([]float64, 0, stFields)
	for i := range d.statements.Rows {
		r := &d.statements.Rows[i]
		if !r.Key.TopLevel || r.Own {
			continue
		}
		var known bool
		if v, known = d.rows.delta(r.Key, v); known {
			calls, seconds = calls+v[stCalls], seconds+v[stSeconds]
		}
		if r.Utility || (known && v[stCalls] == 0) {
			continue
		}
		list = append(list, statement(r, v, known, elapsed))
	}
	if elapsed.OK {
		out.CallsPerSecond = ratio(calls, elapsed.V)
		out.Load = ratio(seconds, elapsed.V)
	}
	for i := range list {
		list[i].Share = over(list[i].Share, Value{V: seconds, OK: elapsed.OK})
		list[i].CallsPerRequest = over(list[i].CallsPerSecond, rps)
	}
	slices.SortStableFunc(list, func(a, b Statement) int { return cmp.Compare(rank(b.Share), rank(a.Share)) })
	out.Statements = list[:min(len(list), maxStatements)]
}

// statement is one row; Share holds its seconds until all are known.
func statement(r *snapshot.Statement, v []float64, known bool, elapsed Value) Statement {
	s := Statement{QueryID: strconv.FormatInt(r.Key.QueryID, 10), Query: r.Query}
	if !known {
		return s
	}
	n := v[stCalls]
	s.CallsPerSecond = over(Value{V: n, OK: true}, elapsed)
	s.Share = Value{V: v[stSeconds], OK: true}
	s.Mean = ratio(v[stSeconds], n)
	s.RowsPerCall = ratio(v[stRows], n)
	s.HitRatio = ratio(v[stHit], v[stHit]+v[stRead])
	if n > 1 {
		variance := v[stSquares]/n - (v[stSeconds]/n)*(v[stSeconds]/n)
		s.Stddev = Value{V: math.Sqrt(max(variance, 0)), OK: true}
	}
	return s
}

// vectorOf writes r's totals to v.
func vectorOf(r *snapshot.Statement, v []float64) []float64 {
	mean := 0.0
	if r.Calls > 0 {
		mean = r.ExecSeconds / r.Calls
	}
	v[stCalls], v[stSeconds], v[stRows] = r.Calls, r.ExecSeconds, r.Rows
	v[stHit], v[stRead] = r.BlocksHit, r.BlocksRead
	v[stSquares] = r.Calls * (r.StddevSeconds*r.StddevSeconds + mean*mean)
	return v
}
