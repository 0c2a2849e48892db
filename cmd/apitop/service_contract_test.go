package main

import (
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
	"apitop/demoapi/metrics"
	"apitop/demoapi/queue"
)

// TestServiceContract: what the demo's metrics page tells beside its requests is
// what the monitor reads, over HTTP and in the format that they agree on. The two
// share no code.
func TestServiceContract(t *testing.T) {
	m := metrics.New(metrics.Labels{Caches: []string{"product"}, Tiers: []string{"basic"}})
	db, err := pgxpool.New(t.Context(), "host=/nowhere user=x dbname=x pool_max_conns=7") // it never connects
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	m.WatchDB(db.Stat)
	m.WatchRedis(func() *redis.PoolStats {
		return &redis.PoolStats{TotalConns: 5, IdleConns: 3, Hits: 9, Misses: 2, Timeouts: 1}
	})
	m.WatchQueue("orders", func() queue.Stats {
		return queue.Stats{Waiting: 6, Capacity: 100, Workers: 4, Busy: 3, Accepted: 30, Completed: 20, Failed: 1}
	})
	m.JobEnded("orders", 250*time.Millisecond, time.Second)
	m.CacheAsked("product", "l1", "hit")
	m.CacheAsked("product", "store", "miss")
	m.OrderPlaced(1999)
	s := readService(t, m)

	if r := s.Runtime; r.Language != "go" || r.Version.IsZero() || !r.HeapBytes.OK || !r.Threads.OK || !r.Tasks.OK || !r.GCs.OK || !r.GCSeconds.OK || r.Waits == nil {
		t.Errorf("runtime = %+v", r)
	}
	k := snapshot.Known
	wantPools := []snapshot.Pool{
		{Kind: "db", InUse: k(0), Idle: k(0), Max: k(7), Acquires: k(0), Waits: k(0), WaitSeconds: k(0), Timeouts: k(0)},
		{Kind: "redis", InUse: k(2), Idle: k(3), Acquires: k(11), Timeouts: k(1)},
	}
	if !reflect.DeepEqual(s.Pools, wantPools) {
		t.Errorf("pools = %+v, want %+v", s.Pools, wantPools)
	}
	if len(s.Queues) != 1 {
		t.Fatalf("queues = %+v", s.Queues)
	}
	q := s.Queues[0]
	if q.Name.Raw() != "orders" || q.Length != k(6) || q.Workers != k(4) || q.Busy != k(3) || q.Done != k(21) || q.Failed != k(1) ||
		q.Waited != k(1) || q.WaitedTotal != k(0.25) {
		t.Errorf("queue = %+v", q)
	}
	if len(s.Caches) != 1 || s.Caches[0].Name.Raw() != "product" || s.Caches[0].Hits != k(1) || s.Caches[0].Misses != k(1) {
		t.Errorf("caches = %+v", s.Caches)
	}
	if i := indexCounter(s.Counters, "order_value_cents_total"); i < 0 || s.Counters[i].Total != 1999 {
		t.Errorf("counters = %+v", s.Counters)
	}
}

func indexCounter(list []snapshot.Counter, name string) int {
	for i, c := range list {
		if c.Name.Raw() == name {
			return i
		}
	}
	return -1
}

// readService serves m's page and scrapes it.
func readService(t *testing.T, m *metrics.Metrics) *snapshot.Service {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	t.Cleanup(server.Close)
	c, err := scrape.New(scrape.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, ok := r.(*snapshot.HTTP)
	if !ok {
		t.Fatalf("the reading is a %T", r)
	}
	return &h.Service
}
