// Package snapshot holds what collectors read: plain data, without arithmetic.
// It is the contract between the sources on one side and the analysis on the
// other, and imports nothing but the standard library and
// [apitop/collectors/safe].
//
// A value handed on never changes. Counters are totals as the source gave them;
// only the analysis subtracts. There are two exceptions: [Rates], since a
// Prometheus server has subtracted already and gives no totals, and the Rate of a
// [CacheKey], which is not the difference of totals.
package snapshot

import (
	"context"
	"time"

	"apitop/collectors/safe"
)

// Snapshot is everything that arrived in one round. An empty section means that
// no new reading came, not that there is nothing. Never changed once handed on.
type Snapshot struct {
	Seq   uint64    // number of the snapshot, from 0
	At    time.Time // when it was begun, with a monotonic part when live
	Polls []Poll    // how each attempt went

	HTTP       []*HTTP     // one per process of a metrics target
	Rates      *Rates      // what a Prometheus-compatible server computed
	Redis      *Redis      // server figures
	Keys       *Keys       // cache keys and limiter keys
	Statements *Statements // pg_stat_statements
	Activity   *Activity   // connections and database totals
	Host       *Host       // this machine and the watched process
}

// Stream gives snapshots one after another: live, recorded, paced or teed.
type Stream interface {
	// Next waits for the next snapshot. It returns io.EOF at the end of a
	// recording and the context's error when ctx ends.
	Next(ctx context.Context) (Snapshot, error)
}

// Reading is what one collector brings home. The set is closed: each section of
// a Snapshot has exactly one filler.
type Reading interface {
	// Facts are the few things worth showing of the source itself, in order:
	// versions, sizes, what was detected.
	Facts() []Fact
	addTo(*Snapshot)
}

// AddTo puts r into its section of s, replacing an older reading of the same
// source. A nil r does nothing.
func (s *Snapshot) AddTo(r Reading) {
	if r != nil {
		r.addTo(s)
	}
}

// Kind groups sources: one chip on the screen each.
type Kind string

// The kinds of source.
const (
	KindMetrics  Kind = "metrics"
	KindTargets  Kind = "targets" // where metrics pages are announced
	KindRedis    Kind = "redis"
	KindPostgres Kind = "postgres"
	KindHost     Kind = "host"
	KindLimits   Kind = "limits" // who says what the limits are
)

// Source names one thing that is polled. Name is unique in a run, for people:
// "metrics localhost:8000", "redis 127.0.0.1:6379 keys". It holds no secret.
type Source struct {
	Name safe.Text
	Kind Kind
}

// Poll says how one attempt to read a source went.
type Poll struct {
	Source  Source
	Started time.Time     // when the attempt began
	Took    time.Duration // how long it took, or has taken so far
	Failure *Failure      // nil when it succeeded
	Pending bool          // no answer yet; Failure is nil then
	Gone    bool          // no attempt: the source is not watched any more
	RetryAt time.Time     // when a failing source is tried next; zero: next round
	Notes   []Note        // what works only in part; set on success too
	Facts   []Fact        // the reading's facts; empty without a reading
}

// Note is a limitation that does not fail a poll: one feature is off, the rest
// works.
type Note struct {
	What safe.Text // "pg_stat_statements is not installed in this database"
	Fix  string    // one line to type or set; empty when there is none
}
