package metrics_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/metrics"
)

func TestPools(t *testing.T) {
	m := metrics.New(metrics.Labels{})
	// A pool that never connects, for its configured size.
	db, err := pgxpool.New(t.Context(), "host=/nowhere user=x dbname=x pool_max_conns=7")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m.WatchDB(db.Stat)
	m.WatchRedis(func() *redis.PoolStats { return &redis.PoolStats{TotalConns: 5, IdleConns: 3, Hits: 9, Timeouts: 1} })
	p := scrape(t, m, text)
	want := map[string]float64{
		"db_pool_max_connections": 7, "db_pool_acquired_connections": 0, "db_pool_acquires_total": 0,
		"redis_pool_connections": 5, "redis_pool_idle_connections": 3, "redis_pool_hits_total": 9, "redis_pool_timeouts_total": 1,
	}
	for series, value := range want {
		if got, ok := p.value(series); !ok || got != value {
			t.Errorf("%s = %v, want %v", series, got, value)
		}
	}
}
