package metrics

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// exemplarEvery is how far the exemplars of an endpoint are apart: one a scrape
// is enough to find a request's log line.
const exemplarEvery = time.Second

// Endpoint is what requests are told apart by.
type Endpoint struct {
	Method string // "GET"; the caller bounds the number of different ones
	Route  string // "/products/{id}"; "": none
}

// Request is an answered request.
type Request struct {
	Endpoint
	ID      string // for exemplars; at most 64 characters
	Status  int
	Bytes   int64 // length of the answer's body
	Took    time.Duration
	Queries int64 // statements sent to the database

	Subject string // who asked; "": not to be counted as a user
	Tier    string
}

// requests are the metrics of HTTP.
type requests struct {
	inFlight  prometheus.Gauge
	total     *prometheus.CounterVec
	durations *prometheus.HistogramVec
	sizes     *prometheus.HistogramVec
	queries   *prometheus.HistogramVec
	feature   func(Endpoint) *feature
	endpoints *children[Endpoint, *endpoint]
}

// endpoint has the metrics of one endpoint.
type endpoint struct {
	duration prometheus.Observer
	size     prometheus.Observer
	queries  prometheus.Observer
	status   *children[int, prometheus.Counter]
	feature  *feature     // nil: none
	exemplar atomic.Int64 // unix nanosecond of the last exemplar
}

func newRequests(f factory, of func(Endpoint) *feature) requests {
	r := requests{feature: of}
	r.inFlight = f.gauge("http_requests_in_flight", "Requests being answered.").WithLabelValues()
	r.total = f.counter("http_requests_total", "Requests answered.", "method", "route", "status")
	r.durations = f.histogram(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Time from the request's headers to the end of the answer.",
		Buckets: durationBuckets(),
	}, "method", "route")
	r.sizes = f.histogram(prometheus.HistogramOpts{
		Name: "http_response_size_bytes", Help: "Length of the answers' bodies.",
		Buckets: prometheus.ExponentialBuckets(128, 4, 8),
	}, "method", "route")
	r.queries = f.histogram(prometheus.HistogramOpts{
		Name: "db_queries_per_request", Help: "Statements sent to the database for a request.",
		Buckets: []float64{0, 1, 2, 5, 10, 20, 50, 100},
	}, "method", "route")
	r.endpoints = newChildren(r.endpoint)
	return r
}

func (r *requests) endpoint(e Endpoint) *endpoint {
	return &endpoint{
		duration: r.durations.WithLabelValues(e.Method, e.Route),
		size:     r.sizes.WithLabelValues(e.Method, e.Route),
		queries:  r.queries.WithLabelValues(e.Method, e.Route),
		feature:  r.feature(e),
		status: newChildren(func(status int) prometheus.Counter {
			return r.total.WithLabelValues(e.Method, e.Route, strconv.Itoa(status))
		}),
	}
}

// RequestBegan counts a request in flight until RequestEnded.
func (m *Metrics) RequestBegan() { m.http.inFlight.Inc() }

// RequestEnded counts an answered request. The caller bounds the number of
// methods and routes.
//
// Its subject is an active user for five minutes. The gauge is an estimate in
// 400 KB, however many they are: within 2 % two times out of three.
func (m *Metrics) RequestEnded(r Request) {
	m.http.inFlight.Dec()
	e := m.http.endpoints.of(r.Endpoint)
	e.status.of(r.Status).Inc()
	e.size.Observe(float64(r.Bytes))
	e.queries.Observe(float64(r.Queries))
	now := time.Now()
	e.took(r, now)
	if e.feature != nil && r.Status < 400 {
		e.feature.used()
	}
	if r.Subject != "" {
		m.business.tiers.of(r.Tier).Inc()
		m.business.active.see(r.Subject, now)
	}
}

// took observes the duration, about once a second together with the request's
// id.
func (e *endpoint) took(r Request, now time.Time) {
	last := e.exemplar.Load()
	if r.ID == "" || now.UnixNano()-last < int64(exemplarEvery) || !e.exemplar.CompareAndSwap(last, now.UnixNano()) {
		e.duration.Observe(r.Took.Seconds())
		return
	}
	e.duration.(prometheus.ExemplarObserver).ObserveWithExemplar(r.Took.Seconds(), prometheus.Labels{"request_id": r.ID})
}
