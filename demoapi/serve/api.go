package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/faults"
	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
)

// Config says what the API works on.
type Config struct {
	Listen      string `json:"listen"`       // read by a child only; others hand over a listener
	RedisURL    string `json:"redis_url"`    // redis://, rediss:// or unix://
	PostgresDSN string `json:"postgres_dsn"` // empty: everything is kept in memory
	// PrivateRedis says that the Redis was started for the demo. Any other one
	// must be empty or marked by an earlier run.
	PrivateRedis bool `json:"private_redis"`
	// Pprof is where profiles are served, as 127.0.0.1:6060; only this machine
	// may reach it, see [ErrNotLoopback]. Empty: nowhere.
	Pprof string `json:"pprof"`
	// SimulatedRedis says that it is a simulation.
	SimulatedRedis bool `json:"simulated_redis"`
	// PrivatePostgres says that the Postgres was started for the demo.
	PrivatePostgres bool `json:"private_postgres"`
	// Limiter is the limiter's algorithm, one of limit.Algorithms; empty: the first.
	Limiter string `json:"limiter"`
}

// Hooks are what the API tells its caller, and asks of it; all may be nil.
type Hooks struct {
	Log   slog.Handler
	Ready func() // called once, when requests are served
	// Servers stops and starts what Config calls private. Without it some faults
	// are not available.
	Servers Switcher
}

// API serves the demo API on ln until ctx ends, and closes ln. It seeds the store
// first, so requests wait in ln's queue until then.
func API(ctx context.Context, ln net.Listener, cfg Config, h Hooks) error {
	if h.Log == nil {
		h.Log = slog.DiscardHandler
	}
	p, err := openParts(ctx, cfg, h.Log, site{base: BaseURL(ln.Addr()), servers: h.Servers})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer p.close()
	// Before the last requests are waited for: faults hold them up.
	defer context.AfterFunc(ctx, func() { _ = p.faults.Close() })() // p.close tells how it ends
	var ready sync.WaitGroup
	defer ready.Wait()
	if h.Ready != nil {
		ready.Go(h.Ready) // what it sends waits in the queue for a moment at most
	}
	return p.api.Serve(ctx, ln)
}

// parts are what the API is made of.
type parts struct {
	api   *demoapi.API
	rdb   *redis.Client
	cache *cache.Cache
	store demoapi.Store
	db    *store.Postgres // nil: in memory

	profiles    *profiles // nil: none
	at          site
	log         *slog.Logger
	faults      *faults.Set
	faultsRedis *redis.Client // nil: none that faults may harm
}

// openParts opens the servers, seeds the store and builds the API.
func openParts(ctx context.Context, cfg Config, log slog.Handler, at site) (*parts, error) {
	p := &parts{at: at, log: slog.New(log)}
	if err := p.open(ctx, cfg, log); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *parts) open(ctx context.Context, cfg Config, log slog.Handler) (err error) {
	if cfg.Pprof != "" {
		if p.profiles, err = startProfiles(ctx, cfg.Pprof); err != nil {
			return err
		}
	}
	if p.rdb, err = rdb.Open(cfg.RedisURL); err != nil {
		return err
	}
	if !cfg.PrivateRedis {
		if err := claim(ctx, p.rdb); err != nil {
			return err
		}
	}
	plan := limit.DefaultPlan()
	m := demoapi.NewMetrics(plan)
	onState := func(to int) { m.BreakerChanged("postgres", to) }
	if err := p.openStore(ctx, cfg.PostgresDSN, store.PostgresOptions{OnState: onState}); err != nil {
		return err
	}
	m.WatchRedis(p.rdb.PoolStats)
	redisOptions := rdb.Options{OnState: m.BreakerChanged}
	p.cache = cache.New(p.rdb, cache.Config{Redis: redisOptions, Observer: m, NotFound: store.ErrNotFound})
	m.WatchL1(p.cache.L1Entries)
	limiter, err := newLimiter(cfg.Limiter, p.rdb, redisOptions, m)
	if err != nil {
		return err
	}
	if err := p.openFaults(cfg); err != nil {
		return err
	}
	p.api, err = demoapi.New(demoapi.Config{Plan: plan, Log: log, Metrics: m, Injector: p.faults, Faults: p.faults}, p.store, p.cache, limiter)
	return err
}

// newLimiter counts in Redis, and in this process while Redis does not answer.
func newLimiter(algorithm string, client limit.Client, o rdb.Options, told limit.FailureObserver) (*limit.Failover, error) {
	shared, err := limit.New(limit.Algorithm(algorithm), client, o)
	if err != nil {
		return nil, err
	}
	return limit.NewFailover(shared, limit.NewLocal(limit.LocalOptions{}), told), nil
}

func (p *parts) openStore(ctx context.Context, dsn string, o store.PostgresOptions) (err error) {
	if dsn == "" {
		p.store, err = store.NewMemory(store.DefaultSeed())
		return err
	}
	if p.db, err = store.OpenPostgres(ctx, dsn, o); err != nil {
		return err
	}
	p.store = p.db
	return p.db.Seed(ctx, store.DefaultSeed())
}

// close closes what was opened, after the last request.
func (p *parts) close() {
	if err := p.closeFaults(); err != nil {
		p.log.Warn("a fault did not end in order", slog.String("error", err.Error()))
	}
	if p.cache != nil {
		p.cache.Close() // before the client: it writes its last counts
	}
	if p.rdb != nil {
		_ = p.rdb.Close() // nothing is lost with its connections
	}
	if p.db != nil {
		p.db.Close()
	}
	if p.profiles != nil {
		p.profiles.close()
	}
}

// apiChild is the API's process of a demo.
func apiChild(ctx context.Context, settings json.RawMessage, o *ownerLink) error {
	var cfg Config
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return fmt.Errorf("read the API's settings: %w", err)
	}
	ln, err := Listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ready := func() {
		if err := o.tell(hello{Addr: ln.Addr().String(), PID: os.Getpid()}); err != nil {
			fail(err) // the owner is gone
		}
	}
	log := slog.NewJSONHandler(os.Stderr, nil)
	LogRedis(log)
	return API(ctx, ln, cfg, Hooks{Log: log, Ready: ready, Servers: o})
}

// LogRedis sends what the Redis client has to say, by itself plain text on
// stderr, to h. It is for the whole process, so for a main.
func LogRedis(h slog.Handler) { redis.SetLogger(redisLog{slog.New(h)}) }

type redisLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.WarnContext(ctx, fmt.Sprintf(format, v...))
}
