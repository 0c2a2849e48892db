package snapshot

import (
	"strconv"
	"strings"

	"apitop/collectors/safe"
)

// Service is what a metrics page says of the process beside its HTTP requests:
// its runtime, its pools, caches and queues, and what it counts for the
// business. Totals count since the process started.
type Service struct {
	Runtime  Runtime
	Pools    []Pool
	Caches   []CacheUse
	Queues   []Queue
	Counters []Counter // what remains: no known family; bounded
	// CountersCut says that the page has more than Counters lists: those that
	// move most, not always the same.
	CountersCut bool
}

// found says what the page tells beside requests: "runtime go, pools 2, caches
// 5"; empty: nothing.
func (s *Service) found() string {
	var parts []string
	if s.Runtime.Language != "" {
		parts = append(parts, "runtime "+s.Runtime.Language)
	}
	for _, p := range []struct {
		name string
		n    int
	}{{"pools", len(s.Pools)}, {"queues", len(s.Queues)}, {"caches", len(s.Caches)}, {"counters", len(s.Counters)}} {
		if p.n > 0 {
			parts = append(parts, p.name+" "+strconv.Itoa(p.n))
		}
	}
	return strings.Join(parts, ", ")
}

// Runtime is the language's own machinery.
type Runtime struct {
	Language   string     // "go", "python", "jvm", "nodejs", "dotnet", "ruby", "beam"; empty: unknown
	Version    safe.Text  // as the page says it
	HeapBytes  Value      // live or in use
	Threads    Value      // OS threads; of BEAM, schedulers are not counted
	Tasks      Value      // goroutines, active handles, BEAM processes
	GCs        Value      // total: collections
	GCSeconds  Value      // total: time spent collecting, or paused for it
	LagSeconds Value      // event loop lag, p99 where there is one
	Waits      *Histogram // total: how long tasks that could run waited for their turn, seconds; nil: not on the page
}

// Pool is a pool of connections or threads.
type Pool struct {
	Name        safe.Text // label that tells pools apart; empty: the only one
	Kind        string    // "database/sql", "pgxpool", "hikaricp", …
	InUse       Value
	Idle        Value
	Max         Value // unknown or unlimited: not OK
	Waiting     Value // callers that wait now
	Acquires    Value // total: connections or threads taken
	Waits       Value // total: callers that had to wait
	WaitSeconds Value // total: time that callers waited, or all acquires took
	Timeouts    Value // total: callers that gave up
}

// CacheUse is a cache that the service counts itself.
type CacheUse struct {
	Name      safe.Text // label that tells caches apart, or what stands before "cache" in the name; empty: the only one
	Kind      string    // "django", "nginx", "redis_exporter", …; empty: named as services do
	Server    bool      // not the service's own: a cache server, or one inside the database library
	Hits      Value     // total: lookups answered
	Misses    Value     // total
	Evictions Value     // total
	Entries   Value
}

// Queue is a queue of jobs or tasks.
type Queue struct {
	Name        safe.Text // empty: all queues of its kind together
	Kind        string    // "celery", "sidekiq", "asynq", …
	Length      Value     // jobs that wait
	Workers     Value
	Busy        Value // workers at work
	Done        Value // total: finished, well or not
	Failed      Value // total
	WaitSeconds Value // age of the oldest or mean wait, as the exporter has it
	Waited      Value // total: jobs whose wait was measured
	WaitedTotal Value // total: seconds that they waited

	SharedLength bool // Length and WaitSeconds are a broker's: every instance says the same
	SharedTotals bool // so are Workers, Busy and the totals
}

// Counter is a total that belongs to nothing known.
type Counter struct {
	ID     string    // identity only, never shown
	Name   safe.Text // sample name
	Labels safe.Text // tier="basic"
	Total  float64
}
