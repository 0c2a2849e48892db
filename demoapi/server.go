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
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
)

// Store is the shop's data: what all handlers need together.
type Store interface {
	productStore
	searchStore
	categoryStore
	userStore
	orderStore
	pinger
}

// Cache keeps answers; see [cache.Cache].
type Cache interface {
	Get(ctx context.Context, item cache.Item, load cache.Loader) ([]byte, cache.Result, error)
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
}

// API is the demo API's handler. It is safe for concurrent use.
type API struct {
	store   Store
	cache   Cache
	signer  *middleware.Signer
	metrics *metrics.Metrics
	log     *slog.Logger

	mux      *http.ServeMux
	handler  http.Handler // the chain around mux
	scrape   http.Handler
	dummy    string // a password's hash that nobody knows
	draining atomic.Bool
}

// NewMetrics returns metrics that know all labels of an API with that plan.
func NewMetrics(p limit.Plan) *metrics.Metrics {
	l := metrics.Labels{Caches: cache.Names(), Reasons: rdb.Reasons(), Endpoints: []string{string(limit.Default)}}
	for tier := range p.Requests {
		l.Tiers = append(l.Tiers, string(tier))
	}
	for class := range p.Multipliers {
		if class != limit.Default {
			l.Endpoints = append(l.Endpoints, string(class))
		}
	}
	return metrics.New(l)
}

// New returns the API on its parts. The caller keeps owning them and closes
// them after the last request.
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
	// Only a store with a pool has figures about it.
	if db, ok := s.(interface{ Stat() *pgxpool.Stat }); ok {
		a.metrics.WatchDB(db.Stat)
	}
	for _, r := range a.routes() {
		a.mux.Handle(r.method+" "+r.path, r.handler)
		a.mux.Handle(r.method+" "+r.path+"/{$}", r.handler)
	}
	a.handler = a.chain(cfg, l)(http.HandlerFunc(a.dispatch))
	return a, nil
}

type route struct {
	method, path string
	handler      http.Handler
}

// routes is the whole API but for /metrics.
func (a *API) routes() []route {
	return []route{
		{"GET", healthPath, http.HandlerFunc(a.health)},
		{"GET", "/products", http.HandlerFunc(a.listProducts)},
		{"GET", "/products/{id}", http.HandlerFunc(a.getProduct)},
		{"POST", "/products/search", http.HandlerFunc(a.searchProducts)},
		{"GET", "/categories", http.HandlerFunc(a.listCategories)},
		{"GET", "/users/me", middleware.RequireUser(http.HandlerFunc(a.me))},
		{"POST", "/orders", middleware.RequireUser(http.HandlerFunc(a.createOrder))},
		{"GET", "/orders/{id}", middleware.RequireUser(http.HandlerFunc(a.getOrder))},
		{"POST", loginPath, http.HandlerFunc(a.login)},
	}
}

// chain is what each request passes through, from the outside in.
func (a *API) chain(cfg Config, l middleware.Limiter) middleware.Middleware {
	return middleware.Chain(
		middleware.RequestID,
		middleware.Log(a.log, cfg.LogEvery),
		middleware.Route(a.mux),
		middleware.Observe(a.metrics),
		middleware.Recover(a.log),
		middleware.Identify(a.signer),
		middleware.Limit(middleware.Limiting{Limiter: l, Plan: cfg.Plan, Observer: a.metrics, Exempt: []string{healthPath}}),
		middleware.Authorize(loginPath, healthPath),
	)
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Scrapes stay out of the figures they read, and out of the limits: five
	// a minute would use a guest's quota up within the hour.
	if r.URL.Path == "/metrics" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		a.scrape.ServeHTTP(w, r)
		return
	}
	a.handler.ServeHTTP(w, r)
}

// dispatch hands the request to its route's handler, or turns the mux's plain
// "not found" and "method not allowed" into problems.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	if middleware.InfoFrom(r.Context()).Route != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	refusal := &statusOnly{header: w.Header()}
	a.mux.ServeHTTP(refusal, r)
	middleware.WriteProblem(w, r, middleware.Problem{Status: refusal.status})
}

// statusOnly keeps the headers and the status of an answer, not its body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
