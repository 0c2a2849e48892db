package metrics

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// figure is one metric read from a pool's own statistics S.
type figure[S any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	get  func(S) float64
}

func gauge[S any](name, help string, get func(S) float64) figure[S] {
	return figure[S]{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, get}
}

func counter[S any](name, help string, get func(S) float64) figure[S] {
	return figure[S]{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, get}
}

// pool is a collector that takes the statistics once per scrape, so that its
// figures belong together.
type pool[S any] struct {
	stat    func() S
	figures []figure[S]
}

func (p pool[S]) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range p.figures {
		ch <- f.desc
	}
}

func (p pool[S]) Collect(ch chan<- prometheus.Metric) {
	s := p.stat()
	for _, f := range p.figures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.get(s))
	}
}

// WatchDB adds the figures of the Postgres pool. It may be called once.
func (m *Metrics) WatchDB(stat func() *pgxpool.Stat) {
	type S = *pgxpool.Stat
	m.registry.MustRegister(pool[S]{stat, []figure[S]{
		gauge("db_pool_max_connections", "Most connections the pool may hold.", func(s S) float64 { return float64(s.MaxConns()) }),
		gauge("db_pool_connections", "Connections the pool holds.", func(s S) float64 { return float64(s.TotalConns()) }),
		gauge("db_pool_acquired_connections", "Connections in use.", func(s S) float64 { return float64(s.AcquiredConns()) }),
		gauge("db_pool_idle_connections", "Connections not in use.", func(s S) float64 { return float64(s.IdleConns()) }),
		gauge("db_pool_constructing_connections", "Connections being opened.", func(s S) float64 { return float64(s.ConstructingConns()) }),
		counter("db_pool_acquires_total", "Connections taken from the pool.", func(s S) float64 { return float64(s.AcquireCount()) }),
		counter("db_pool_empty_acquires_total", "Connections that had to be waited for.", func(s S) float64 { return float64(s.EmptyAcquireCount()) }),
		counter("db_pool_canceled_acquires_total", "Waits for a connection that were given up.", func(s S) float64 { return float64(s.CanceledAcquireCount()) }),
		counter("db_pool_acquire_wait_seconds_total", "Time spent waiting for connections when none was free.", func(s S) float64 { return s.EmptyAcquireWaitTime().Seconds() }),
		counter("db_pool_opened_connections_total", "Connections opened.", func(s S) float64 { return float64(s.NewConnsCount()) }),
	}})
}

// WatchRedis adds the figures of the Redis client's pool. It may be called once.
func (m *Metrics) WatchRedis(stat func() *redis.PoolStats) {
	type S = *redis.PoolStats
	m.registry.MustRegister(pool[S]{stat, []figure[S]{
		gauge("redis_pool_connections", "Connections the pool holds.", func(s S) float64 { return float64(s.TotalConns) }),
		gauge("redis_pool_idle_connections", "Connections not in use.", func(s S) float64 { return float64(s.IdleConns) }),
		counter("redis_pool_hits_total", "Calls that found a free connection.", func(s S) float64 { return float64(s.Hits) }),
		counter("redis_pool_misses_total", "Calls that found no free connection.", func(s S) float64 { return float64(s.Misses) }),
		counter("redis_pool_timeouts_total", "Waits for a connection that took too long.", func(s S) float64 { return float64(s.Timeouts) }),
		counter("redis_pool_stale_connections_total", "Connections closed because they were broken or old.", func(s S) float64 { return float64(s.StaleConns) }),
	}})
}
