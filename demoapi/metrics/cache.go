package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"apitop/demoapi/cache"
	"apitop/demoapi/store"
)

// lookups are the metrics of the cache.
type lookups struct {
	asked     *children[lookup, prometheus.Counter]
	loads     *prometheus.CounterVec
	loadTime  *prometheus.HistogramVec
	waits     *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	lives     *prometheus.HistogramVec
	errors    *prometheus.CounterVec
}

// lookup is how a value was found.
type lookup struct{ cache, layer, result string }

func newLookups(f factory, l Labels) lookups {
	c := lookups{
		loads:     f.counter("cache_loads_total", "Values loaded from the store for the cache.", "cache", "result"),
		waits:     f.counter("cache_load_waits_total", "Values waited for that another loaded.", "cache", "by"),
		refreshes: f.counter("cache_refreshes_total", "Values loaded anew before they had expired.", "cache", "reason"),
		errors:    f.counter("cache_errors_total", "Calls of the cache that Redis did not answer.", "op", "reason"),
	}
	c.loadTime = f.histogram(prometheus.HistogramOpts{
		Name: "cache_load_duration_seconds", Help: "Time spent loading values from the store.", Buckets: durationBuckets(),
	}, "cache")
	c.lives = f.histogram(prometheus.HistogramOpts{
		Name: "cache_ttl_seconds", Help: "Lives given to the values stored.",
		Buckets: []float64{10, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400},
	}, "cache")
	asked := f.counter("cache_requests_total", "Values asked of the cache.", "cache", "layer", "result")
	c.asked = newChildren(func(l lookup) prometheus.Counter { return asked.WithLabelValues(l.cache, l.layer, l.result) })
	c.start(l)
	return c
}

// start makes the metrics of all known label values.
func (c *lookups) start(l Labels) {
	for _, name := range l.Caches {
		for _, found := range cache.Lookups() {
			c.asked.of(lookup{name, string(found.Layer), string(found.Result)})
		}
		for _, result := range []string{"ok", "error", "not_found"} {
			c.loads.WithLabelValues(name, result)
		}
		for _, by := range []string{"singleflight", "lock"} {
			c.waits.WithLabelValues(name, by)
		}
		for _, reason := range []string{"early", "stale"} {
			c.refreshes.WithLabelValues(name, reason)
		}
		c.loadTime.WithLabelValues(name)
		c.lives.WithLabelValues(name)
	}
	for _, reason := range l.Reasons {
		c.errors.WithLabelValues("get", reason)
	}
}

// CacheAsked counts a value asked of a cache: layer says who answered ("l1",
// "redis" or "store"), result how ("hit", "stale", "miss" or "negative"). A miss
// that Redis answered was loaded by another process meanwhile.
func (m *Metrics) CacheAsked(cache, layer, result string) {
	m.cache.asked.of(lookup{cache, layer, result}).Inc()
}

// CacheLoaded counts a load of the store for a cache.
func (m *Metrics) CacheLoaded(cache string, took time.Duration, err error) {
	result := "ok"
	switch {
	case errors.Is(err, store.ErrNotFound):
		result = "not_found"
	case err != nil:
		result = "error"
	}
	m.cache.loads.WithLabelValues(cache, result).Inc()
	m.cache.loadTime.WithLabelValues(cache).Observe(took.Seconds())
}

// CacheWaited counts a value waited for that another loaded; by is
// "singleflight" (in this process) or "lock" (in another one).
func (m *Metrics) CacheWaited(cache, by string) { m.cache.waits.WithLabelValues(cache, by).Inc() }

// CacheRefreshed counts a value loaded anew before it had expired; reason is
// "early" (it was still fresh) or "stale".
func (m *Metrics) CacheRefreshed(cache, reason string) {
	m.cache.refreshes.WithLabelValues(cache, reason).Inc()
}

// CacheStored notes the life given to a value.
func (m *Metrics) CacheStored(cache string, ttl time.Duration) {
	m.cache.lives.WithLabelValues(cache).Observe(ttl.Seconds())
}

// CacheFailed counts a failed call of Redis by the cache.
func (m *Metrics) CacheFailed(op, reason string) { m.cache.errors.WithLabelValues(op, reason).Inc() }

// WatchL1 adds the number of values kept in the process. It may be called once.
func (m *Metrics) WatchL1(entries func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cache_l1_entries", Help: "Values kept in the process.",
	}, func() float64 { return float64(entries()) }))
}
