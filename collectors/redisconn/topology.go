package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// slotRange is a part of a cluster's keys: whole, from and to included.
type slotRange struct {
	from, to int
	addr     string // of its master
}

// each is t for each of the addresses that were given.
func (t Target) each() []Target {
	if len(t.seeds) < 2 {
		return []Target{t.alone()}
	}
	list := make([]Target, len(t.seeds))
	for i, addr := range t.seeds {
		list[i] = t.node(addr)
	}
	return list
}

// alone is t without the other addresses.
func (t Target) alone() Target {
	t.seeds, t.master = nil, ""
	return t
}

// node is how to reach a node of t at host:port. Its certificate is checked for
// its own host; for the one that was given where the node tells an IP address
// and we were given a name, which certificates are made for.
func (t Target) node(addr string) Target {
	n := t.alone()
	if t.network == "tcp" && addr == t.addr {
		return n
	}
	n.network, n.addr, n.fallback = "tcp", addr, ""
	host, _, _ := net.SplitHostPort(addr)
	if net.ParseIP(host) == nil || net.ParseIP(t.host) != nil || t.host == "" {
		n.host = host
	}
	return n
}

// askNodes asks one node after the other, until one answers, whether it is one of
// a cluster and which masters that has.
func (s *Server) askNodes(ctx context.Context) (topology, error) {
	var first error
	for _, c := range s.candidates() {
		f, err := s.askNode(ctx, c)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	if first == nil {
		first = errClosed()
	}
	return topology{}, first
}

func (s *Server) askNode(ctx context.Context, c *Conn) (topology, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	if s.Mode() == "" {
		cluster, err := c.inCluster(ctx)
		if err != nil {
			return topology{}, err
		}
		if !cluster {
			return s.single(c)
		}
	}
	replies, err := c.gate.Do(ctx, [][]string{{"cluster", "slots"}})
	if err != nil {
		return topology{}, err
	}
	if why, refused := replies[0].(error); refused {
		return s.unknownCluster(why), nil
	}
	f := s.masters(c, replies[0])
	if len(f.nodes) == 0 {
		return topology{}, snapshot.Fail(snapshot.NoData, "the cluster has no masters with keys", "redis-cli --cluster create, or CLUSTER ADDSLOTS")
	}
	return f, nil
}

// patience is how long one node may take to tell which there are: the whole
// second of any answer where there is nobody else to ask.
func (s *Server) patience() time.Duration {
	if len(s.target.seeds) < 2 && s.Mode() != snapshot.RedisCluster {
		return ioTimeout + dialTimeout
	}
	return askTime
}

// single is the answer of a server that is no part of a cluster.
func (s *Server) single(c *Conn) (topology, error) {
	if len(s.target.seeds) > 1 {
		return topology{}, snapshot.Fail(snapshot.Unsupported, "several addresses, but no cluster", "give one address, or ?master_name=NAME for sentinels")
	}
	return topology{mode: snapshot.RedisSingle, nodes: []Target{c.target}}, nil
}

// unknownCluster is what can be done without CLUSTER SLOTS: the nodes that were
// given are followed.
func (s *Server) unknownCluster(why error) topology {
	f := topology{mode: snapshot.RedisCluster, nodes: s.target.each()}
	note := snapshot.Note{What: safe.New("CLUSTER SLOTS is not permitted: of the cluster only the nodes given are followed"), Fix: "ACL SETUSER name +cluster|slots"}
	if e, ok := errors.AsType[*ReplyError](why); ok && !e.Denied() {
		note = snapshot.Note{What: safe.New("the server has no CLUSTER SLOTS: of the cluster only the nodes given are followed")}
	}
	f.notes = append(f.notes, note)
	return f
}

// inCluster tells whether the node is one of a cluster. Where INFO is refused it
// is taken for a single server; a moved key tells later.
func (c *Conn) inCluster(ctx context.Context) (bool, error) {
	if c.moved.Load() {
		return true, nil
	}
	text, _, err := c.Info(ctx)
	if err == nil {
		return field(text, "cluster_enabled") == "1", nil
	}
	if _, refused := c.gate.refusal("info"); refused {
		return false, nil
	}
	return false, err
}

// masters reads the reply to CLUSTER SLOTS: [from, to, [host, port, id, …] of the
// master, its replicas …] for each range of slots.
func (s *Server) masters(c *Conn, reply any) topology {
	f := topology{mode: snapshot.RedisCluster}
	list, _ := reply.([]any)
	var addrs []string
	for _, row := range list {
		r, ok := c.slotRange(row)
		if !ok {
			continue
		}
		if !slices.Contains(addrs, r.addr) {
			addrs = append(addrs, r.addr)
		}
		f.ranges = append(f.ranges, r)
	}
	slices.Sort(addrs)
	if len(addrs) > mostNodes {
		f.notes = append(f.notes, snapshot.Note{What: safe.New(fmt.Sprintf("the cluster has %d masters: the first %d are followed", len(addrs), mostNodes))})
		addrs = addrs[:mostNodes]
	}
	distinct := distinctPorts(addrs)
	for _, addr := range addrs {
		t := c.target.node(addr)
		if host, port, _ := net.SplitHostPort(addr); distinct && s.target.host != "" && host != s.target.host {
			t.fallback = net.JoinHostPort(s.target.host, port)
		}
		f.nodes = append(f.nodes, t)
	}
	return f
}

func (c *Conn) slotRange(row any) (r slotRange, ok bool) {
	cells, _ := row.([]any)
	if len(cells) < 3 {
		return r, false
	}
	from, ok1 := cells[0].(int64)
	to, ok2 := cells[1].(int64)
	master, ok3 := cells[2].([]any)
	if !ok1 || !ok2 || !ok3 || len(master) < 2 || from < 0 || from > to || to >= slots {
		return r, false
	}
	host, _ := master[0].(string) // nil: the one we came by
	port, ok := master[1].(int64)
	if !ok || port < 1 || port > 65535 || len(host) > 255 || strings.Trim(host, hostChars+":%") != "" && host != "?" {
		return r, false
	}
	return slotRange{int(from), int(to), net.JoinHostPort(c.seenFrom(host), strconv.FormatInt(port, 10))}, true
}

// seenFrom is a host that a node told, as it can be reached from here: where it
// told none, or told its own loopback to one who came from outside, the host we
// came by. Source: go-redis, osscluster.go, newClusterState.
func (c *Conn) seenFrom(host string) string {
	ours := c.target.host
	if c.target.network == "unix" {
		ours = "127.0.0.1"
	}
	if host == "" || host == "?" || loopback(host) && !loopback(ours) {
		return ours
	}
	return host
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// distinctPorts tells whether the port alone tells the nodes apart, as it does
// where they are all behind one address.
func distinctPorts(addrs []string) bool {
	seen := map[string]bool{}
	for _, a := range addrs {
		_, port, _ := net.SplitHostPort(a)
		if seen[port] {
			return false
		}
		seen[port] = true
	}
	return true
}

// slots is how many parts a cluster's keys are in.
const slots = 16384

// slotOf is the slot of a key: CRC16 of what stands in the first braces, if that
// is not empty, else of all of it. Source: Redis Cluster specification.
func slotOf(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, closed := strings.Cut(rest, "}"); closed && tag != "" {
			key = tag
		}
	}
	return int(crc16(key) % slots)
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, start 0.
func crc16(s string) uint16 {
	crc := uint16(0)
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
