package redisinfo

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCollect(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu")
	c := New(open(t, server.URL()))
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
	if n := after.Commands.V - before.Commands.V - (after.OwnCommands - before.OwnCommands); n != 30 {
		t.Errorf("%v commands of others, want 30", n)
	}
	if misses := after.KeyspaceMisses.V - before.KeyspaceMisses.V; misses != 10 {
		t.Errorf("%v misses, want 10", misses)
	}
	if after.OwnHits != 0 || after.OwnMisses != 0 {
		t.Errorf("INFO counts as %v and %v lookups of our own", after.OwnHits, after.OwnMisses)
	}
	if after.Policy.String() != "allkeys-lfu" || after.MaxMemoryBytes.V != 64<<20 || after.Keys.V != 1 {
		t.Errorf("policy %q, max memory %v, keys %v", after.Policy, after.MaxMemoryBytes, after.Keys)
	}
}

func collect(t *testing.T, c *Collector) snapshot.RedisNode {
	t.Helper()
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Redis).Nodes[0]
}

// TestTroubles: a refused INFO and a server that does not answer are failures
// with a way out; one that loads is a note beside the figures.
func TestTroubles(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+hello", "+scan")
	c := New(open(t, "unix://mon:pw@"+server.Sock))
	if _, err := c.Collect(t.Context()); snapshot.FailureOf(err) == nil || snapshot.FailureOf(err).Kind != snapshot.Denied || snapshot.FailureOf(err).Fix == "" {
		t.Errorf("without +info: %v", err)
	}
	c = New(open(t, server.URL()))
	collect(t, c)
	server.Kill()
	if r, err := c.Collect(t.Context()); r != nil || snapshot.FailureOf(err).Kind != snapshot.Unreachable {
		t.Errorf("a dead server: %v, %v", r, err)
	}
	server.Run()
	if r := collect(t, c); !r.UptimeSeconds.OK || len(c.Notes()) != 0 {
		t.Errorf("after its return: %+v, %v", r, c.Notes())
	}
	if n := notes(fieldsOf("loading:1\n")); len(n) != 1 {
		t.Errorf("loading: %v", n)
	}
}

// TestMiniredis: a simulation without the demo's additions has two sections.
func TestMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	r := collect(t, New(open(t, "redis://"+m.Addr())))
	if !r.Clients.OK || r.KeyspaceHits.OK || r.Keys.OK || r.UsedMemoryBytes.OK || r.RunID != "" || !r.Server.IsZero() {
		t.Errorf("got %+v", r)
	}
}

func open(t *testing.T, url string) *redisconn.Server {
	t.Helper()
	target, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
