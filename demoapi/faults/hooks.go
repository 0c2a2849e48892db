package faults

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/store"
)

// Cache is the cache whose policies are switched; see [cache.Cache].
type Cache interface {
	// Bypass makes the named caches load at every read; none: all normal again.
	Bypass(caches ...string)
	// Protect switches what keeps many misses from becoming many loads.
	Protect(on bool)
	// UseL1 switches the layer within the process.
	UseL1(on bool)
	// Flush removes all values of ours.
	Flush(ctx context.Context) (int64, error)
	// Delete removes items.
	Delete(ctx context.Context, items ...cache.Item) error
	// Hottest lists the most read keys, the first one most.
	Hottest(ctx context.Context, n int) ([]string, error)
}

// Store is the database whose use is spoiled; see [store.Postgres].
type Store interface {
	SetFaults(f store.Faults)
	Stat() *pgxpool.Stat
	HoldConnections(ctx context.Context, n int) (release func(), err error)
	DropIndexes(ctx context.Context) error
	CreateIndexes(ctx context.Context) error
	LockProducts(ctx context.Context) (release func(), err error)
	IdleInTransaction(ctx context.Context) (release func(), err error)
}

// Queue is the queue of orders.
type Queue interface {
	Pause()
	Resume()
}

// Names of servers, as [Servers] takes them.
const (
	redisServer    = "redis"
	postgresServer = "postgres"
)

// Servers stops and starts the servers that were started for the demo, and no
// others.
type Servers interface {
	// Owns tells whether "redis" or "postgres" was started for the demo.
	Owns(server string) bool
	// Switch stops that server or starts it again, and waits until it is so.
	Switch(ctx context.Context, server string, up bool) error
}

// Hooks are the parts of a demo that faults work on. What is nil makes the
// faults that need it unavailable.
type Hooks struct {
	Cache   Cache
	Store   Store // nil: the data is kept in memory
	Queue   Queue
	Servers Servers
	// Redis is a client of a real server that was started for the demo. It must
	// be nil for any other: some faults take a server's memory or its time.
	Redis *redis.Client
	// BaseURL is where the API listens, "http://127.0.0.1:8000"; for traffic of
	// the faults' own.
	BaseURL string
	// Token signs tokens for the callers of that traffic.
	Token func(userID int64, tier limit.Tier) string
}

// need is something that a fault cannot do without.
type need int

const (
	needCache           need = iota
	needPostgres             // any
	needPrivatePostgres      // started for the demo
	needRealRedis            // started for the demo, and no simulation
	needPrivateRedis         // started for the demo, a simulation included
	needQueue
	needTraffic
)

// missing says why a fault with that need cannot be switched on, and what to do;
// empty: it can.
func (h Hooks) missing(n need) string {
	owns := func(server string) bool { return h.Servers != nil && h.Servers.Owns(server) }
	switch {
	case n == needCache && h.Cache == nil:
		return "this API has no cache"
	case n == needQueue && h.Queue == nil:
		return "this API has no queue of orders"
	case n == needTraffic && (h.BaseURL == "" || h.Token == nil):
		return "this API cannot be called from within"
	case (n == needPostgres || n == needPrivatePostgres) && h.Store == nil:
		return "the API keeps its data in memory; install postgresql and start the demo again"
	case n == needPrivatePostgres && !owns(postgresServer):
		return "only for a Postgres that was started for the demo; leave --postgres out"
	case n == needPrivateRedis && !owns(redisServer):
		return "only for a Redis that was started for the demo; leave --redis out"
	case n == needRealRedis && !owns(redisServer):
		return "only for a Redis that was started for the demo; leave --redis out"
	case n == needRealRedis && h.Redis == nil:
		return "the demo's Redis is a simulation; install redis-server and start the demo again"
	}
	return ""
}

// unavailable says why f cannot be switched on; empty: it can.
func (h Hooks) unavailable(f fault) string {
	for _, n := range f.needs {
		if why := h.missing(n); why != "" {
			return why
		}
	}
	return ""
}
