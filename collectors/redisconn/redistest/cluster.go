package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster is a running cluster. Replica i follows master i modulo their number.
type Cluster struct {
	Masters, Replicas []*Server // as they were at the start
}

// StartCluster runs masters and replicas on free ports, each with an equal part
// of the slots, and waits until all agree that the cluster works. A node that
// does not answer for a second is failed over.
func StartCluster(t testing.TB, masters, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{}
	ports := FreePorts(t, 2*(masters+replicas))
	for i := range masters + replicas {
		s := startAt(t, ports[2*i], "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(ports[2*i+1]),
			"--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0")
		if i < masters {
			c.Masters = append(c.Masters, s)
			s.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*16384/masters), strconv.Itoa((i+1)*16384/masters-1))
			s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		} else {
			c.Replicas = append(c.Replicas, s)
		}
		if i > 0 {
			s.Do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(ports[0]), strconv.Itoa(ports[1]))
		}
	}
	all := fmt.Sprintf("cluster_known_nodes:%d\r\n", masters+replicas)
	for _, s := range c.nodes() {
		s.until(func() bool { return strings.Contains(s.Do("CLUSTER", "INFO"), all) })
	}
	for i, s := range c.Replicas {
		master := c.Masters[i%masters].Do("CLUSTER", "MYID")
		s.until(func() bool { return strings.Contains(s.Do("CLUSTER", "NODES"), master) })
		s.Do("CLUSTER", "REPLICATE", master)
	}
	for _, s := range c.nodes() {
		s.until(func() bool { return strings.Contains(s.Do("CLUSTER", "INFO"), "cluster_state:ok") })
	}
	for _, s := range c.Replicas {
		s.until(func() bool { return strings.Contains(s.Do("INFO", "replication"), "master_link_status:up") })
	}
	return c
}

func (c *Cluster) nodes() []*Server { return append(append([]*Server{}, c.Masters...), c.Replicas...) }

// URL is the address of the first n masters.
func (c *Cluster) URL(n int) string {
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = c.Masters[i].Addr
	}
	return "redis://" + strings.Join(addrs, ",")
}

// Sentinels is one sentinel that watches a master called "mymaster", which has
// replicas.
type Sentinels struct {
	*Server          // the sentinel
	Master   *Server // as it was at the start
	Replicas []*Server
}

// StartSentinel runs a master, replicas and a sentinel on free ports, and waits
// until the sentinel knows them all. A master that does not answer for half a
// second is failed over. The extra arguments are the servers', as are lines of the
// sentinel's configuration.
func StartSentinel(t testing.TB, replicas int, lines ...string) *Sentinels {
	t.Helper()
	s := &Sentinels{Master: StartTCP(t, "--repl-diskless-sync-delay", "0")}
	host, port, _ := strings.Cut(s.Master.Addr, ":")
	for range replicas {
		r := StartTCP(t, "--repl-diskless-sync-delay", "0", "--replicaof", host+" "+port)
		r.until(func() bool { return strings.Contains(r.Do("INFO", "replication"), "master_link_status:up") })
		s.Replicas = append(s.Replicas, r)
	}
	s.Server = sentinel(t, fmt.Sprintf("sentinel monitor mymaster %s %s 1\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n%s\n",
		host, port, strings.Join(lines, "\n")))
	s.until(func() bool {
		return strings.Count(s.Do("SENTINEL", "REPLICAS", "mymaster"), "\nflags\nslave\n") == replicas
	})
	return s
}

// sentinel runs a sentinel, which writes into its configuration file.
func sentinel(t testing.TB, config string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "sent") //nolint:usetesting // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := FreePorts(t, 1)[0]
	s := &Server{t: t, Sock: filepath.Join(dir, "s"), Addr: "127.0.0.1:" + strconv.Itoa(port)}
	file := filepath.Join(dir, "conf")
	config = fmt.Sprintf("bind 127.0.0.1\nport %d\nunixsocket %s\ndir %s\nlogfile %s/log\n%s", port, s.Sock, dir, dir, config)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{file, "--sentinel"}
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

// until polls until ok, for 15 seconds.
func (s *Server) until(ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Fatalf("redis-server at %s %s does not become what it should", s.Sock, s.Addr)
}
