package demoapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/metrics"
	"apitop/demoapi/middleware"
	"apitop/demoapi/rdb"
)

// Paths that more than the table of routes has to know.
const (
	loginPath   = "/auth/login"
	metricsPath = "/metrics"
	faultsPath  = "/demo/faults"
)

// route is one endpoint.
type route struct {
	method, path string
	handler      http.Handler
	free         bool // neither limited nor counted as use: probes
}

// routes is the whole API but for /metrics and /demo/faults.
func (a *API) routes() []route {
	user := func(h http.HandlerFunc) http.Handler { return middleware.RequireUser(h) }
	return []route{
		{"GET", "/health", http.HandlerFunc(a.ready), true},
		{"GET", "/health/live", http.HandlerFunc(a.live), true},
		{"GET", "/health/ready", http.HandlerFunc(a.ready), true},
		{"GET", "/products", http.HandlerFunc(a.listProducts), false},
		{"GET", "/products/{id}", http.HandlerFunc(a.getProduct), false},
		{"POST", "/products/search", http.HandlerFunc(a.searchProducts), false},
		{"GET", "/categories", http.HandlerFunc(a.listCategories), false},
		{"GET", "/users/me", user(a.me), false},
		{"POST", "/orders", user(a.createOrder), false},
		{"GET", "/orders/{id}", user(a.getOrder), false},
		{"POST", loginPath, http.HandlerFunc(a.login), false},
	}
}

// features says which endpoint is which feature of the shop.
func features() map[metrics.Endpoint]string {
	return map[metrics.Endpoint]string{
		{Method: "GET", Route: "/products"}:         "browse",
		{Method: "GET", Route: "/categories"}:       "browse",
		{Method: "GET", Route: "/products/{id}"}:    "view",
		{Method: "POST", Route: "/products/search"}: "search",
		{Method: "POST", Route: loginPath}:          "login",
		{Method: "GET", Route: "/users/me"}:         "account",
		{Method: "POST", Route: "/orders"}:          "order",
		{Method: "GET", Route: "/orders/{id}"}:      "order_status",
	}
}

// NewMetrics returns metrics that know all labels of an API with that plan.
func NewMetrics(p limit.Plan) *metrics.Metrics {
	l := metrics.Labels{
		Caches: cache.Names(), Reasons: rdb.Reasons(), Features: features(), Endpoints: []string{string(limit.Default)},
		Breakers: []string{"cache", "limiter", "postgres"},
	}
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

// behind is what a request of the route passes inside the mux, from the outside
// in.
func (a *API) behind(cfg Config, l middleware.Limiter, r route) middleware.Middleware {
	steps := []middleware.Middleware{middleware.At(r.path)}
	if r.free {
		return middleware.Chain(steps...)
	}
	steps = append(steps, middleware.Identify(a.signer))
	if l != nil {
		steps = append(steps, middleware.Limit(middleware.Limiting{Limiter: l, Plan: cfg.Plan, Observer: a.metrics}))
	}
	if r.path != loginPath { // the way to a new token
		steps = append(steps, middleware.Authorize)
	}
	if cfg.Injector != nil {
		steps = append(steps, middleware.Inject(cfg.Injector))
	}
	return middleware.Chain(steps...)
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Scrapes stay out of the figures they read, and out of the limits: five
	// a minute would use a guest's quota up within the hour.
	if r.URL.Path == metricsPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		a.scrape.ServeHTTP(w, r)
		return
	}
	if a.faults != nil && strings.TrimSuffix(r.URL.Path, "/") == faultsPath && local(r) {
		a.faults.ServeHTTP(w, r)
		return
	}
	a.handler.ServeHTTP(w, r)
}

// local reports whether the caller is on this machine.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true // a unix socket
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// dispatch hands the request to its route, or to lost.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	if r.RequestURI == "*" { // the mux would answer with no body
		a.lost.ServeHTTP(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unmatched answers 404, or 405 if the path has other methods.
func (a *API) unmatched(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		_, pattern := a.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host})
		if pattern != "/" {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		middleware.WriteProblem(w, r, middleware.Problem{Status: http.StatusNotFound})
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	middleware.WriteProblem(w, r, middleware.Problem{Status: http.StatusMethodNotAllowed})
}
