// Package metrics counts what the demo API does and exposes it to Prometheus.
//
// The names are what a monitor reads; they are the contract with it:
//
//	http_requests_total{method,route,status}       exact status codes
//	http_request_duration_seconds{method,route}    classic histogram
//	http_requests_in_flight
//	cache_requests_total{cache,result}             result: hit, miss
//	cache_loads_total{cache,result}                loads of the store; result: ok, error
//	cache_load_seconds_total{cache}                time spent in them
//	cache_errors_total{op,reason}
//	ratelimit_decisions_total{tier,endpoint,decision}  decision: allowed, denied, error
//	ratelimit_errors_total{reason}
//	db_pool_*, redis_pool_*, go_*, process_*
//
// A route is the path of a mux pattern, "/products/{id}"; requests without one
// have the route "".
package metrics

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Labels are the values that are known before anything happens. Their counters
// exist from the start, at 0, so that the first event is seen as a rise.
type Labels struct {
	Caches    []string
	Tiers     []string
	Endpoints []string // classes of the limiter
	Reasons   []string // of failures of Redis
}

// Metrics is one server's metrics with a registry of its own. It is safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge

	cacheRequests *prometheus.CounterVec
	cacheLoads    *prometheus.CounterVec
	cacheLoadTime *prometheus.CounterVec
	cacheErrors   *prometheus.CounterVec

	decisions   *prometheus.CounterVec
	limitErrors *prometheus.CounterVec
}

// durationBuckets are the upper bounds of request durations in seconds.
func durationBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// runtimeMetrics are the figures of the Go runtime that a diagnosis needs.
func runtimeMetrics() *regexp.Regexp {
	return regexp.MustCompile(`^/(sched/latencies:seconds|cpu/classes/(gc/)?total:cpu-seconds|gc/heap/live:bytes|sync/mutex/wait/total:seconds)$`)
}

// New returns metrics with a fresh registry.
func New(l Labels) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.requests = m.counters("http_requests_total", "Requests answered.", "method", "route", "status")
	m.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Time from the request's headers to the end of the answer.",
		Buckets: durationBuckets(),
	}, []string{"method", "route"})
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_requests_in_flight", Help: "Requests being answered."})
	m.cacheRequests = m.counters("cache_requests_total", "Values asked of the cache.", "cache", "result")
	m.cacheLoads = m.counters("cache_loads_total", "Values loaded from the store for the cache.", "cache", "result")
	m.cacheLoadTime = m.counters("cache_load_seconds_total", "Time spent loading values from the store.", "cache")
	m.cacheErrors = m.counters("cache_errors_total", "Calls of the cache that Redis did not answer.", "op", "reason")
	m.decisions = m.counters("ratelimit_decisions_total", "Requests by what the limiter decided.", "tier", "endpoint", "decision")
	m.limitErrors = m.counters("ratelimit_errors_total", "Requests let through because Redis did not answer.", "reason")
	m.registry.MustRegister(m.durations, m.inFlight,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: runtimeMetrics()})))
	m.start(l)
	return m
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

// start makes the counters of all known label values.
func (m *Metrics) start(l Labels) {
	for _, cache := range l.Caches {
		m.cacheRequests.WithLabelValues(cache, "hit")
		m.cacheRequests.WithLabelValues(cache, "miss")
		m.cacheLoads.WithLabelValues(cache, "ok")
		m.cacheLoads.WithLabelValues(cache, "error")
		m.cacheLoadTime.WithLabelValues(cache)
	}
	for _, tier := range l.Tiers {
		for _, endpoint := range l.Endpoints {
			for _, decision := range []string{"allowed", "denied", "error"} {
				m.decisions.WithLabelValues(tier, endpoint, decision)
			}
		}
	}
	for _, reason := range l.Reasons {
		m.limitErrors.WithLabelValues(reason)
		m.cacheErrors.WithLabelValues("get", reason)
	}
}

// Handler serves the metrics, as text or OpenMetrics, compressed if asked for.
// Scrapes at the same time share one collection.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, CoalesceGather: true, Timeout: 5 * time.Second,
	})
}

// RequestBegan counts a request in flight until RequestEnded.
func (m *Metrics) RequestBegan() { m.inFlight.Inc() }

// RequestEnded counts an answered request. The caller bounds the number of
// methods and routes.
func (m *Metrics) RequestEnded(method, route string, status int, took time.Duration) {
	m.inFlight.Dec()
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(method, route).Observe(took.Seconds())
}

// CacheAsked counts a value asked of a cache; result is "hit" or "miss".
func (m *Metrics) CacheAsked(cache, result string) {
	m.cacheRequests.WithLabelValues(cache, result).Inc()
}

// CacheLoaded counts a load of the store for a cache.
func (m *Metrics) CacheLoaded(cache string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.cacheLoads.WithLabelValues(cache, result).Inc()
	m.cacheLoadTime.WithLabelValues(cache).Add(took.Seconds())
}

// CacheFailed counts a failed call of Redis by the cache.
func (m *Metrics) CacheFailed(op, reason string) {
	m.cacheErrors.WithLabelValues(op, reason).Inc()
}

// Decided counts a decision of the limiter.
func (m *Metrics) Decided(tier, endpoint string, allowed bool) {
	decision := "denied"
	if allowed {
		decision = "allowed"
	}
	m.decisions.WithLabelValues(tier, endpoint, decision).Inc()
}

// Undecided counts a request let through without a decision.
func (m *Metrics) Undecided(tier, endpoint, reason string) {
	m.decisions.WithLabelValues(tier, endpoint, "error").Inc()
	m.limitErrors.WithLabelValues(reason).Inc()
}
