package redisconn

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func server(t testing.TB, urls ...string) *Server {
	t.Helper()
	target, err := Parse(urls[0], urls[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	s := OpenServer(target)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// addrs are the nodes that a server has now.
func addrs(t testing.TB, s *Server) []string {
	t.Helper()
	nodes, err := s.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Name().String()
	}
	return list
}

func addrsOf(servers ...*redistest.Server) []string {
	var list []string
	for _, s := range servers {
		list = append(list, s.Addr)
	}
	slices.Sort(list)
	return list
}

// eventually polls until ok.
func eventually(t testing.TB, what string, limit time.Duration, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < limit {
		if ok() {
			return time.Since(start)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not after %v: %s", limit, what)
	return 0
}

// TestSingle: one server is asked once what it is.
func TestSingle(t *testing.T) {
	srv := redistest.Start(t)
	s := server(t, srv.URL())
	first, err := s.Nodes(t.Context())
	if err != nil || len(first) != 1 || s.Mode() != snapshot.RedisSingle {
		t.Fatalf("%v, %v, mode %q", first, err, s.Mode())
	}
	for range 3 {
		again, err := s.Nodes(t.Context())
		if err != nil || again[0] != first[0] {
			t.Errorf("another connection: %v, %v", again, err)
		}
	}
	if n, err := s.NodeOf(t.Context(), "x"); err != nil || n != first[0] {
		t.Errorf("a key's node: %v, %v", n, err)
	}
	if stats := srv.Do("INFO", "commandstats"); !strings.Contains(stats, "cmdstat_info:calls=2,") && !strings.Contains(stats, "cmdstat_info:calls=1,") {
		t.Errorf("asked more than once: %s", stats)
	}
}

// TestNotThere: who is not there is found when it comes, and is no panic before.
func TestNotThere(t *testing.T) {
	port := redistest.FreePorts(t, 1)[0]
	s := server(t, fmt.Sprintf("redis://127.0.0.1:%d", port))
	for range 3 {
		nodes, err := s.Nodes(t.Context())
		if f := snapshot.FailureOf(err); len(nodes) != 0 || f == nil || f.Kind != snapshot.Unreachable {
			t.Errorf("%v, %v", nodes, err)
		}
		if _, err := s.NodeOf(t.Context(), "x"); err == nil {
			t.Error("a key's node without any node")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Nodes(ctx); err == nil {
		t.Error("a cancelled question was answered")
	}
}

func TestSeveralButNoCluster(t *testing.T) {
	a, b := redistest.StartTCP(t), redistest.StartTCP(t)
	s := server(t, "redis://"+a.Addr+","+b.Addr)
	if _, err := s.Nodes(t.Context()); err == nil || !strings.Contains(err.Error(), "several addresses, but no cluster") {
		t.Errorf("got %v", err)
	}
}

// TestCluster follows a cluster of which one node was given through the death of
// a master.
func TestCluster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 3)
	s := server(t, c.URL(1))
	if got := addrs(t, s); !slices.Equal(got, addrsOf(c.Masters...)) || s.Mode() != snapshot.RedisCluster {
		t.Fatalf("nodes %v, want the masters %v", got, addrsOf(c.Masters...))
	}
	before, _ := s.Nodes(t.Context())
	for _, key := range []string{"a", "b", "{user:1}.x", "{user:1}.y", "{}z"} {
		n, err := s.NodeOf(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := n.Do(t.Context(), []string{"type", key}); err != nil || r[0] != "none" || n.moved.Load() {
			t.Errorf("%q is not at %v: %v, %v", key, n.Name(), r, err)
		}
	}
	checkMoved(t, s)

	dead := c.Masters[1]
	dead.Kill()
	took := eventually(t, "the replica is followed instead", 15*time.Second, func() bool {
		nodes, _ := s.Nodes(t.Context())
		for _, n := range nodes {
			_, _, _ = n.Info(t.Context())
		}
		return slices.Equal(addrs(t, s), addrsOf(c.Masters[0], c.Replicas[1], c.Masters[2]))
	})
	t.Logf("failed over in %v", took)
	after, _ := s.Nodes(t.Context())
	kept := 0
	for _, n := range after {
		if slices.Contains(before, n) {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d of the connections stayed, want 2", kept)
	}
	for _, n := range before {
		if n.Name().String() == dead.Addr {
			if _, err := n.Do(t.Context(), []string{"ping"}); err == nil {
				t.Error("the old master's connection is open")
			}
		}
	}
	if _, err := s.NodeOf(t.Context(), "b"); err != nil {
		t.Error(err)
	}
}

// checkMoved asks the wrong node for a key: it is not there, and that is a reason
// to ask for the nodes again.
func checkMoved(t *testing.T, s *Server) {
	t.Helper()
	right, err := s.NodeOf(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	nodes, _ := s.Nodes(t.Context())
	for _, n := range nodes {
		if n == right {
			continue
		}
		own := n.Own()
		r, err := n.Do(t.Context(), []string{"pttl", "a"}, []string{"memory", "usage", "a"}, []string{"dbsize"})
		if err != nil || r[0] != nil || r[1] != nil || r[2] != int64(0) || !n.moved.Load() {
			t.Errorf("the wrong node says %v, %v", r, err)
		}
		if now := n.Own(); now.Hits != own.Hits || now.Misses != own.Misses {
			t.Error("a moved key was counted as a lookup")
		}
	}
	eventually(t, "the nodes were asked for again", 3*time.Second, func() bool {
		nodes, _ := s.Nodes(t.Context())
		return !slices.ContainsFunc(nodes, (*Conn).changed)
	})
}

// TestClusterReplica: a replica's address is as good as a master's.
func TestClusterReplica(t *testing.T) {
	c := redistest.StartCluster(t, 1, 1)
	s := server(t, "redis://"+c.Replicas[0].Addr)
	if got := addrs(t, s); !slices.Equal(got, addrsOf(c.Masters...)) {
		t.Errorf("nodes %v, want the master", got)
	}
	for _, n := range []*redistest.Server{c.Masters[0], c.Replicas[0]} {
		n.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+hello", "+info", "+scan", "+client|setname")
	}
	s = server(t, "redis://mon:pw@"+c.Masters[0].Addr)
	if got := addrs(t, s); len(got) != 1 || len(s.Notes()) != 1 || s.Notes()[0].Fix != "ACL SETUSER name +cluster|slots" {
		t.Errorf("without CLUSTER SLOTS: %v, %v", got, s.Notes())
	}
}

// TestSentinel follows the master by name through its death.
func TestSentinel(t *testing.T) {
	c := redistest.StartSentinel(t, 1)
	s := server(t, fmt.Sprintf("redis://127.0.0.1:%d,%s?master_name=mymaster", redistest.FreePorts(t, 1)[0], c.Addr))
	if got := addrs(t, s); !slices.Equal(got, addrsOf(c.Master)) || s.Mode() != snapshot.RedisSentinel {
		t.Fatalf("nodes %v, want %v", got, c.Master.Addr)
	}
	c.Master.Kill()
	took := eventually(t, "the replica is followed instead", 15*time.Second, func() bool {
		nodes, _ := s.Nodes(t.Context())
		_, _, _ = nodes[0].Info(t.Context())
		return nodes[0].Name().String() == c.Replicas[0].Addr
	})
	t.Logf("failed over in %v", took)
	for want, url := range map[string]string{
		"the sentinels know no master of that name": "redis://" + c.Addr + "?master_name=other",
		"answers, but is no sentinel":               "redis://" + c.Replicas[0].Addr + "?master_name=mymaster",
		"sentinel: connection refused":              "redis://" + c.Master.Addr + "?master_name=mymaster",
	} {
		if _, err := server(t, url).Nodes(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
}

// TestSentinelLogin: sentinels have a password of their own.
func TestSentinelLogin(t *testing.T) {
	c := redistest.StartSentinel(t, 0)
	c.Do("ACL", "SETUSER", "watcher", "on", ">S3cr3tPW", "+sentinel|get-master-addr-by-name", "+auth", "+client|setname")
	c.Do("ACL", "SETUSER", "default", "-@all", "+ping")
	s := server(t, "redis://"+c.Addr+"?master_name=mymaster&sentinel_user=watcher&sentinel_password=S3cr3tPW")
	if got := addrs(t, s); !slices.Equal(got, addrsOf(c.Master)) {
		t.Errorf("nodes %v", got)
	}
	for _, login := range []string{"", "&sentinel_user=watcher&sentinel_password=S3cr3tPW2"} {
		_, err := server(t, "redis://"+c.Addr+"?master_name=mymaster"+login).Nodes(t.Context())
		if f := snapshot.FailureOf(err); f == nil || f.Kind != snapshot.Denied || f.Fix == "" || strings.Contains(f.Error()+f.Fix, "S3cr3t") {
			t.Errorf("%q: %v", login, err)
		}
	}
}

func TestSlotOf(t *testing.T) {
	for key, want := range map[string]int{ // CLUSTER KEYSLOT
		"": 0, "123456789": 0x31c3, "foo": 12182, "{foo}bar": 12182, "a{foo}{bar}": 12182, "{}foo": slotOf("{}foo"), "foo{": slotOf("foo{"), "{user1000}.following": 3443,
	} {
		if got := slotOf(key); got != want {
			t.Errorf("slotOf(%q) = %d, want %d", key, got, want)
		}
	}
	if slotOf("{}foo") == slotOf("foo") || slotOf("x{}{foo}") == slotOf("foo") {
		t.Error("an empty tag counts")
	}
}

// TestSlotOfServer compares with the server's own answer.
func TestSlotOfServer(t *testing.T) {
	c := redistest.StartCluster(t, 1, 0)
	for _, key := range []string{"a", "{}", "{a", "a}", "a{b}c{d}", "{{a}}", "\x00\xff{\x80}", "ключ"} {
		if got := c.Masters[0].Do("CLUSTER", "KEYSLOT", key); got != strconv.Itoa(slotOf(key)) {
			t.Errorf("slotOf(%q) = %d, the server says %s", key, slotOf(key), got)
		}
	}
}
