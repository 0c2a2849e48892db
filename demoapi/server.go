package demoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/metrics"
	"apitop/demoapi/middleware"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
)

// Store is the shop's data: what all handlers need together.
type Store interface {
	productStore
	searchStore
	categoryStore
	userStore
	orderStore
	settlementStore
	pinger
}

// Cache keeps answers; see [cache.Cache].
type Cache interface {
	answerCache
	warmCache
}

type answerCache interface {
	Get(ctx context.Context, item cache.Item, load cache.Loader) ([]byte, cache.Lookup, error)
	Delete(ctx context.Context, items ...cache.Item) error
}

// Config of an [API]; the zero value is usable.
type Config struct {
	Plan      limit.Plan       // zero: limit.DefaultPlan
	Secret    []byte           // signs tokens; empty: one made up, at least 16 bytes otherwise
	TokenLife time.Duration    // 0: 12 hours
	Log       slog.Handler     // nil: no log
	LogEvery  int              // log every n-th success; 0: 100; below 0: none
	Metrics   *metrics.Metrics // nil: a new one; the cache should report to the same
	Queue     queue.Config     // of orders; only Capacity, Workers and Timeout count

	Injector middleware.Injector // chooses requests that fail with 500 on purpose; nil: none
	Faults   http.Handler        // served at /demo/faults to callers on this machine; nil: there is no such path
}

// API is the demo API's handler. It is safe for concurrent use.
type API struct {
	store   Store
	cache   Cache
	signer  *middleware.Signer
	metrics *metrics.Metrics
	log     *slog.Logger
	desk    *desk

	mux      *http.ServeMux
	lost     http.Handler // for what no route matches
	handler  http.Handler // the chain around mux
	scrape   http.Handler
	faults   http.Handler // nil: none
	dummy    string       // a password's hash that nobody knows
	draining atomic.Bool
}

// New returns the API on its parts; a nil limiter limits nobody. The caller
// keeps owning them and closes them after the last request and [API.Close].
func New(cfg Config, s Store, c Cache, l middleware.Limiter) (*API, error) {
	if cfg.Plan.Requests == nil {
		cfg.Plan = limit.DefaultPlan()
	}
	if cfg.Log == nil {
		cfg.Log = slog.DiscardHandler
	}
	if cfg.LogEvery == 0 {
		cfg.LogEvery = 100
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(cfg.Plan)
	}
	signer, err1 := middleware.NewSigner(cfg.Secret, cfg.TokenLife)
	dummy, err2 := store.HashPassword("")
	if err := errors.Join(cfg.Plan.Check(), err1, err2); err != nil {
		return nil, fmt.Errorf("demoapi: %w", err)
	}
	a := &API{
		store: s, cache: c, signer: signer, metrics: cfg.Metrics, log: slog.New(cfg.Log), dummy: dummy,
		mux: http.NewServeMux(), scrape: cfg.Metrics.Handler(),
	}
	a.watch(cfg.Queue)
	if cfg.Faults != nil {
		a.faults = middleware.Chain(middleware.RequestID(), middleware.Recover(a.log))(cfg.Faults)
	}
	for _, r := range a.routes() {
		h := a.behind(cfg, l, r)(r.handler)
		a.mux.Handle(r.method+" "+r.path, h)
		a.mux.Handle(r.method+" "+r.path+"/{$}", h)
	}
	a.lost = a.behind(cfg, l, route{})(http.HandlerFunc(a.unmatched))
	a.mux.Handle("/", a.lost)
	a.handler = middleware.Chain(
		middleware.RequestID(),
		middleware.Log(a.log, cfg.LogEvery),
		middleware.Observe(a.metrics),
		middleware.Recover(a.log),
	)(http.HandlerFunc(a.dispatch))
	return a, nil
}

// watch makes the queue of orders and adds what the parts can tell about
// themselves to the metrics.
func (a *API) watch(cfg queue.Config) {
	a.desk = newDesk(a, cfg)
	a.metrics.WatchQueue(ordersQueue, a.desk.queue.Stats)
	// Only a store with a pool has figures about it.
	if db, ok := a.store.(interface{ Stat() *pgxpool.Stat }); ok {
		a.metrics.WatchDB(db.Stat)
	}
}

// Queue is where orders wait to be settled.
func (a *API) Queue() *queue.Queue { return a.desk.queue }

// Token returns a bearer token of the user that is valid as long as those from
// /auth/login. The user need not exist: for traffic of one's own.
func (a *API) Token(userID int64, tier limit.Tier) string {
	token, _ := a.signer.Sign(middleware.Claims{UserID: userID, Tier: tier})
	return token
}

// Close waits until the orders that were taken are settled, or until ctx ends;
// see [queue.Queue.Close]. No request may come any more.
func (a *API) Close(ctx context.Context) error {
	if err := a.desk.queue.Close(ctx); err != nil {
		return fmt.Errorf("demoapi: %w", err)
	}
	return nil
}
