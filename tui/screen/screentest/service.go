package screentest

import (
	"math"

	"apitop/collectors/snapshot"
)

// service is what the scripted page says of its runtime, pools, queues, caches
// and business, t seconds after the process started.
func (s script) service(t float64) snapshot.Service {
	out := snapshot.Service{
		Runtime: snapshot.Runtime{
			Language: "go", Version: s.str("go1.26.0"), HeapBytes: known(9.4e6), Threads: known(11), Tasks: known(63),
			GCs: known(math.Floor(t / 2)), GCSeconds: known(t * 0.0004), LagSeconds: known(0.0008),
		},
		Pools: []snapshot.Pool{
			{Kind: "pgxpool", Name: s.str("shop"), InUse: known(8), Idle: known(1), Max: known(10), Waiting: known(1), Acquires: known(math.Floor(t * 30)), Waits: known(math.Floor(t * 2)), WaitSeconds: known(t * 0.03), Timeouts: known(0)},
			{Kind: "redis", InUse: known(2), Idle: known(3), Acquires: known(math.Floor(t * 90)), Timeouts: known(math.Floor(t / 5))},
		},
		Queues: []snapshot.Queue{
			{Name: s.str("orders"), Length: known(3), Workers: known(4), Busy: known(4), Done: known(math.Floor(t * 1.1)), Failed: known(math.Floor(t / 10)), Waited: known(math.Floor(t * 1.1)), WaitedTotal: known(t * 0.2)},
			{Kind: "celery", Name: s.str("mail"), Length: known(120), WaitSeconds: known(31), SharedLength: true, SharedTotals: true},
		},
	}
	if !s.onlyMetrics {
		out.Caches = []snapshot.CacheUse{
			{Name: s.str("product"), Hits: known(40 * t), Misses: known(3 * t), Entries: known(912), Evictions: known(math.Floor(t / 3))},
		}
	}
	for _, c := range []struct {
		name, labels string
		perSecond    float64
	}{
		{"order_value_cents_total", "", 5400}, {"user_requests_total", `tier="basic"`, 23}, {"user_requests_total", `tier="premium"`, 9},
		{"orders_total", `status="confirmed"`, 1.1}, {"orders_total", `status="failed"`, 0.1}, {"signups_total", "", 0},
	} {
		out.Counters = append(out.Counters, snapshot.Counter{ID: c.name + c.labels, Name: s.str(c.name), Labels: s.str(c.labels), Total: math.Floor(t * c.perSecond)})
	}
	// One that only now begins to move.
	out.Counters = append(out.Counters, snapshot.Counter{ID: "refunds", Name: s.str("refunds_total"), Total: math.Floor(max(t-180, 0)*2 + t/10)})
	return out
}
