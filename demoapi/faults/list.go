package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// fault is one thing that can go wrong.
type fault struct {
	name  string // "n-plus-one"
	rule  string // of the diagnosis that is to find it
	what  string // it does
	shows string // where to look
	needs []need
	// start begins it. ctx is for the start alone.
	start func(ctx context.Context, e *env) (undo, error)
	// yielding are faults that stand in the way of its begin and its end, and
	// lost are those that end with it: they are off meanwhile, and begin again.
	yielding, lost []string
}

// undo ends a fault. Called again after an error it tries again.
type undo func(ctx context.Context) error

// all lists the faults: database, cache and Redis, callers, the process, servers.
func all() []fault {
	return slices.Concat(databaseFaults(), cacheFaults(), callerFaults(), processFaults(), serverFaults())
}

func databaseFaults() []fault {
	pg, cached := needPostgres, needCache
	return []fault{
		{
			name: "n-plus-one", rule: "R3", needs: []need{pg, cached}, start: nPlusOne,
			what:  "product lists ask the database for each product by itself, uncached",
			shows: "db_queries_per_request of GET /products; calls of the statement by id",
		},
		{
			name: "drop-index", rule: "R4", needs: []need{pg, cached}, start: dropIndex,
			yielding: []string{"lock-table", "idle-in-transaction"}, // they hold locks on the table
			what:     "the indexes of products are dropped, lists and searches uncached",
			shows:    "sequential scans of products; statements that read many blocks",
		},
		{
			name: "slow-query", rule: "R5", needs: []need{pg, cached}, start: slowQuery,
			what:  "every search takes 300 ms longer in the database",
			shows: "mean time of the search statement; p95 of POST /products/search",
		},
		{
			name: "pool-exhaustion", rule: "R6", needs: []need{pg, cached}, start: poolExhaustion,
			what:  "the pool's connections are held, the last one half of the time; products uncached",
			shows: "db_pool_acquired_connections; waits for a connection",
		},
		{
			name: "lock-table", rule: "R7", needs: []need{needPrivatePostgres}, start: lockTable,
			what:  "products is locked for 8 s of every 10 s",
			shows: "statements that wait for a lock; p95 of what writes and of cache misses",
		},
		{
			name: "idle-in-transaction", rule: "R8", needs: []need{pg}, start: idleInTransaction,
			what:  "a connection has changed a product and does not commit",
			shows: "pg_stat_activity: idle in transaction",
		},
	}
}

func cacheFaults() []fault {
	return []fault{
		{
			name: "cache-flush", rule: "R2", needs: []need{needCache}, start: cacheFlush,
			what:  "all cached values are removed every 2 s",
			shows: "cache hit ratio; statements a second",
		},
		{
			name: "stampede", rule: "R11", needs: []need{needCache, needTraffic}, start: stampede,
			what:  "no stampede protection; the hottest product expires every 2 s under 64 readers",
			shows: "cache_loads_total in bursts; misses of one key",
		},
		{
			name: "eviction", rule: "R9", needs: []need{needRealRedis}, start: eviction,
			what:  "Redis has 2 MB left, and values that nobody reads arrive all the time",
			shows: "evicted_keys; used memory at maxmemory",
		},
		{
			name: "hot-key", rule: "R10", needs: []need{needCache, needTraffic}, start: hotKey,
			what:  "120 requests a second for one product, each one from Redis",
			shows: "reads of one key against all",
		},
	}
}

func callerFaults() []fault {
	return []fault{
		{
			name: "abusive-user", rule: "R13", needs: []need{needTraffic}, start: abusiveUser,
			what:  "one basic user sends 40 requests a second",
			shows: "share of one subject; its denied requests",
		},
		{
			name: "retry-storm", rule: "R13", needs: []need{needTraffic}, start: retryStorm,
			what:  "five callers over their quota of logins retry at once, 20 times a second in all",
			shows: "denied far above allowed for one tier and class",
		},
		{
			name: "error-burst", rule: "R12", start: errorBurst,
			what:  "30 % of GET /products/{id} fail with 500",
			shows: "5xx of one route; the SLO's error budget (R1)",
		},
		{
			name: "queue-stall", rule: "R17", needs: []need{needQueue, needTraffic}, start: queueStall,
			what:  "no order is worked on while orders arrive",
			shows: "queue_length rises; orders stay pending",
		},
	}
}

func processFaults() []fault {
	return []fault{
		{
			name: "cpu-burn", rule: "R14", start: cpuBurn,
			what:  "a pathological regular expression on every core",
			shows: "CPU of the process; scheduler latency",
		},
		{
			name: "memory-leak", rule: "R15", start: memoryLeak,
			what:  "4 MB a second are kept, up to 1 GB",
			shows: "go_gc_heap_live_bytes; resident memory",
		},
		{
			name: "goroutine-leak", rule: "R15", start: goroutineLeak,
			what:  "50 goroutines a second never end, up to 20,000",
			shows: "go_goroutines",
		},
		{
			name: "gc-pressure", rule: "R16", start: gcPressure,
			what:  "garbage beside a large live heap keeps the collector at work",
			shows: "CPU of the garbage collector; cycles a second",
		},
		{
			name: "fd-leak", rule: "R18", start: fdLeak,
			what:  "20 files a second stay open, up to 80 % of a limit lowered to 2048",
			shows: "process_open_fds against process_max_fds",
		},
	}
}

func serverFaults() []fault {
	return []fault{
		{
			name: "slow-redis", rule: "R18", needs: []need{needRealRedis}, start: slowRedis,
			what:  "a script keeps Redis' one thread busy, 25 ms at a time, 40 % of the time",
			shows: "SLOWLOG; timeouts of the cache; p95",
		},
		{
			name: "redis-down", rule: "R18", needs: []need{needPrivateRedis}, start: serverDown(redisServer),
			what:  "the demo's Redis is killed; it comes back empty",
			shows: "the Redis source; breaker_state; cache_errors_total",
		},
		{
			name: "postgres-down", rule: "R18", needs: []need{needPrivatePostgres}, start: serverDown(postgresServer),
			lost:  []string{"idle-in-transaction"},
			what:  "the demo's Postgres is stopped; it comes back with its data",
			shows: "the Postgres source; breaker_state; 503s",
		},
	}
}

// Canonical is a fault's name as listed; underscores may stand for its hyphens.
func Canonical(name string) string { return strings.ReplaceAll(name, "_", "-") }

func find(list []fault, name string) (fault, bool) {
	i := slices.IndexFunc(list, func(f fault) bool { return f.name == Canonical(name) })
	if i < 0 {
		return fault{}, false
	}
	return list[i], true
}

// Names lists the faults' names, related ones together.
func Names() []string {
	var names []string
	for _, f := range all() {
		names = append(names, f.name)
	}
	return names
}

// Check returns an error that names all faults when name is none of them.
func Check(name string) error {
	if _, ok := find(all(), name); !ok {
		return &UnknownError{Name: name}
	}
	return nil
}

// Known describes the faults without a demo at hand: none is on, and none is
// unavailable.
func Known() []State {
	var states []State
	for _, f := range all() {
		states = append(states, f.state())
	}
	return states
}

// Usage lists the faults for a help text, a line each: "  name  what it does".
func Usage() string {
	list := all()
	width := 0
	for _, f := range list {
		width = max(width, len(f.name))
	}
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, f.name, f.what)
	}
	return b.String()
}

func (f fault) state() State { return State{Name: f.name, Rule: f.rule, What: f.what, Shows: f.shows} }
