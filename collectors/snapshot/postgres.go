package snapshot

import (
	"time"

	"apitop/collectors/safe"
)

// Statements is one complete reading of pg_stat_statements. All totals count
// since the last reset.
type Statements struct {
	At         time.Time // the server's clock_timestamp()
	StartedAt  time.Time // pg_postmaster_start_time()
	ResetAt    time.Time // pg_stat_statements_info.stats_reset; zero before 14
	Dealloc    Value     // eviction passes
	Max        Value     // pg_stat_statements.max
	HiddenRows int       // rows of other users that this role may not read
	Rows       []Statement
	IOTiming   bool // track_io_timing: without it, block times say nothing
}

// StatementKey identifies a row of pg_stat_statements.
type StatementKey struct {
	UserID, DBID uint32
	QueryID      int64
	TopLevel     bool // true before 14
}

// Statement is one row.
type Statement struct {
	Key           StatementKey
	Query         safe.Text // normalised text, one line; empty until it was read
	Utility       bool      // not a SELECT, INSERT, UPDATE, DELETE, MERGE or WITH
	Own           bool      // one of ours
	Calls         float64
	ExecSeconds   float64 // total_exec_time
	StddevSeconds float64 // stddev_exec_time since reset
	Rows          float64
	BlocksHit     float64   // shared_blks_hit
	BlocksRead    float64   // shared_blks_read
	TempBlocks    float64   // temp_blks_written
	WALBytes      Value     // 13+
	Since         time.Time // stats_since, 17+
}

// Activity is one reading of connections and database totals.
type Activity struct {
	At          time.Time // the server's clock_timestamp()
	StartedAt   time.Time // pg_postmaster_start_time()
	Server      safe.Text // "PostgreSQL 15.18"
	Database    safe.Text
	Connections Connections

	OldestXactSeconds   Value // longest open transaction but ours
	OldestIdleTxSeconds Value // longest "idle in transaction"

	Commits, Rollbacks    Value // all databases
	BlocksHit, BlocksRead Value
	Deadlocks             Value
	TempBytes             Value
}

// Connections counts client backends by state. Ours are not counted.
type Connections struct {
	Used              Value
	Max               Value // usable for an ordinary role
	Active            Value
	Idle              Value
	IdleInTransaction Value
	Blocked           Value // waiting for a lock
}

func (p *Statements) addTo(s *Snapshot) { s.Statements = p }

func (a *Activity) addTo(s *Snapshot) { s.Activity = a }

// Facts implements [Reading].
func (p *Statements) Facts() []Fact {
	return []Fact{
		{"statements", len(p.Rows)},
		{"hidden_rows", p.HiddenRows},
		{"max", p.Max},
		{"eviction_passes", p.Dealloc},
		{"io_timing", p.IOTiming},
	}
}

// Facts implements [Reading].
func (a *Activity) Facts() []Fact {
	return append(text("server", a.Server), text("database", a.Database)...)
}
