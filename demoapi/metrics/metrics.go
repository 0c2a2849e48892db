// Package metrics counts what the demo API does and exposes it to Prometheus.
//
// The names are what a monitor reads; they are the contract with it:
//
//	http_requests_total{method,route,status}       exact status codes
//	http_request_duration_seconds{method,route}    histogram, classic and native; exemplars with request_id
//	http_response_size_bytes{method,route}         histogram
//	http_requests_in_flight
//	db_queries_per_request{method,route}           histogram
//
//	cache_requests_total{cache,layer,result}       one per value asked for; layer that answered: l1, redis,
//	                                               store; result: hit, stale, miss, negative
//	cache_loads_total{cache,result}                loads of the store; result: ok, error, not_found
//	cache_load_duration_seconds{cache}             histogram of them
//	cache_load_waits_total{cache,by}               who waited for another's load; by: singleflight, lock
//	cache_refreshes_total{cache,reason}            loads before they were needed; reason: early, stale
//	cache_ttl_seconds{cache}                       histogram of the lives given to values
//	cache_l1_entries
//	cache_errors_total{op,reason}                  calls that Redis did not answer
//
//	ratelimit_decisions_total{tier,endpoint,decision}  decision: allowed, denied, error
//	ratelimit_errors_total{reason}                 decisions that Redis did not make
//	ratelimit_local_decisions_total{decision}      those made without it
//
//	db_pool_*, redis_pool_*                        connections and waits for them
//	breaker_state{name}                            0 closed, 1 half open, 2 open
//	breaker_transitions_total{name,to}             to: closed, half_open, open
//
//	queue_length{queue}, queue_capacity{queue}     jobs waiting, and how many may
//	queue_workers{queue}, queue_workers_busy{queue}
//	queue_jobs_total{queue,state}                  state: accepted, rejected, completed, failed
//	queue_wait_seconds{queue}                      histogram: from accepted to begun
//	queue_job_duration_seconds{queue}              histogram
//
//	active_users{window="5m"}                      distinct callers, guests included; see [Metrics.RequestEnded]
//	user_requests_total{tier}
//	feature_uses_total{feature}                    requests of a feature that did what they should
//	funnel_events_total{step}                      step: view, order; conversion is order / view
//	orders_total{status}                           orders by the states they reached: pending, confirmed, failed
//	order_value_cents_total                        value of the orders placed
//
//	go_*, process_*                                scheduler latencies, GC, heap, mutexes; CPU, memory, files
//
// A route is the path of a mux pattern, "/products/{id}"; requests without one
// have the route "".
package metrics

import (
	"net/http"
	"regexp"
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
	Breakers  []string
	Features  map[Endpoint]string // which endpoint is which feature; not listed: none
}

// Metrics is one server's metrics with a registry of its own. It is safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	http     requests
	business business
	cache    lookups
	limit    decisions
	breakers breakers
	queue    jobs
}

// New returns metrics with a fresh registry.
func New(l Labels) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	f := factory{m.registry}
	m.business = newBusiness(f, l)
	m.http = newRequests(f, m.business.feature)
	m.cache = newLookups(f, l)
	m.limit = newDecisions(f, l)
	m.breakers = newBreakers(f, l)
	m.queue = newJobs(f)
	m.registry.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: runtimeMetrics()})))
	return m
}

// runtimeMetrics are the figures of the Go runtime that a diagnosis needs.
func runtimeMetrics() *regexp.Regexp {
	return regexp.MustCompile(`^/(sched/(latencies|pauses/total/gc):seconds|cpu/classes/(gc/)?total:cpu-seconds|` +
		`gc/heap/live:bytes|gc/cycles/total:gc-cycles|sync/mutex/wait/total:seconds)$`)
}

// Handler serves the metrics, as text, OpenMetrics or protobuf, compressed if
// asked for. Scrapes at the same time share one collection.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, CoalesceGather: true, Timeout: 5 * time.Second,
	})
}
