package redisinfo

import (
	"testing"

	"go.uber.org/goleak"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCollect(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu")
	target, err := redisconn.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.Open(target)
	defer conn.Close()
	c := New(conn)
	before := collect(t, c)
	for range 10 {
		server.Do("SET", "a", "1")
		server.Do("GET", "a")
		server.Do("GET", "missing")
	}
	after := collect(t, c)
	if hits := after.KeyspaceHits.V - before.KeyspaceHits.V; hits != 10 {
		t.Errorf("%v hits, want 10", hits)
	}
	if misses := after.KeyspaceMisses.V - before.KeyspaceMisses.V; misses != 10 {
		t.Errorf("%v misses, want 10", misses)
	}
	if after.OwnHits != 0 || after.OwnMisses != 0 {
		t.Errorf("INFO counts as %v and %v lookups of our own", after.OwnHits, after.OwnMisses)
	}
	if after.Policy.String() != "allkeys-lfu" || after.MaxMemoryBytes.V != 64<<20 || after.Keys.V != 1 || after.Embedded {
		t.Errorf("policy %q, max memory %v, keys %v", after.Policy, after.MaxMemoryBytes, after.Keys)
	}
}

func collect(t *testing.T, c *Collector) *snapshot.Redis {
	t.Helper()
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Redis)
}
