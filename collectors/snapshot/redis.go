package snapshot

import (
	"strings"
	"time"

	"apitop/collectors/safe"
)

// Redis is one INFO reading of each node.
type Redis struct {
	At    time.Time
	Mode  RedisMode
	Nodes []RedisNode // one of a single server; of a cluster the masters, by name
}

// RedisMode says how the nodes belong together.
type RedisMode string

// The modes.
const (
	RedisSingle   RedisMode = "standalone"
	RedisCluster  RedisMode = "cluster"
	RedisSentinel RedisMode = "sentinel" // the master that sentinels name
	RedisEmbedded RedisMode = "embedded" // a simulated server: some figures do not exist
)

// RedisNode is one server. Counters count since it started or since CONFIG
// RESETSTAT.
type RedisNode struct {
	At     time.Time // when INFO was answered
	Node   safe.Text // its address, "127.0.0.1:6379": the identity of the node
	Server safe.Text // "redis 7.0.15", "valkey 9.1.2", "miniredis (embedded)"
	RunID  string    // changes with each start of the server; empty: unknown
	Role   string    // "master", "replica"; empty: unknown
	Policy safe.Text // maxmemory_policy

	UptimeSeconds   Value
	Commands        Value // total_commands_processed
	KeyspaceHits    Value
	KeyspaceMisses  Value
	OwnHits         float64 // lookups that we caused ourselves so far, found
	OwnMisses       float64 // the same, not found
	OwnCommands     float64 // commands that we sent ourselves so far
	EvictedKeys     Value
	ExpiredKeys     Value
	Connections     Value // total_connections_received
	RejectedConns   Value
	ErrorReplies    Value
	NetInBytes      Value
	NetOutBytes     Value
	UsedMemoryBytes Value
	MaxMemoryBytes  Value // unknown when no limit is set
	RSSBytes        Value
	Fragmentation   Value // mem_fragmentation_ratio: RSS over what was allocated
	Clients         Value
	MaxClients      Value
	BlockedClients  Value
	Keys            Value // all databases
	Expires         Value // of those, with a lifetime
	AvgTTLSeconds   Value // of those that have one, by the server's own samples
	CPUSeconds      Value // used_cpu_sys + used_cpu_user
	LoadingSeconds  Value // until the server has loaded its data; unknown: it is not loading
	SlowlogSeconds  Value // the limit beyond which a command is logged as slow
	SlowlogEntries  Value // logged since the start: the newest entry's id + 1
	ReplicationLag  Value // seconds since a replica last heard of its master
	CommandStats    []RedisCommand
	Errors          []RedisError       // by code, most first
	KeySizes        []RedisSizes       // how long keys are, by type; servers from 8.0 on
	OwnByName       map[string]float64 // commands that we sent ourselves so far, by name
}

// RedisCommand is what a server says of one command; totals.
type RedisCommand struct {
	Name     string // "get", "client|setname"
	Calls    Value
	Seconds  Value // of the server's time
	Rejected Value // before it ran: wrong arguments, no permission
	Failed   Value // while it ran
	// Histogram counts calls by their duration: cumulative counts by upper bound
	// in seconds, as in LATENCY HISTOGRAM; nil where that may not be asked.
	Histogram []Bound
	P50, P99  Value // seconds, since the server's start, by latencystats
}

// Bound is a bucket of a histogram: how many were at most so long.
type Bound struct{ Le, Count float64 }

// RedisError counts the error replies with one code.
type RedisError struct {
	Code  safe.Text // "NOPERM", "ERR"
	Count float64
}

// RedisSizes counts keys by size: log2 buckets, as the server keeps them.
type RedisSizes struct {
	Type    string // "strings", "lists", "sets", "zsets", "hashes"
	Bytes   bool   // sizes are bytes, else elements
	Buckets []Bound
}

func (r *Redis) addTo(s *Snapshot) { s.Redis = r }

// Facts implements [Reading].
func (r *Redis) Facts() []Fact {
	var f []Fact
	if len(r.Nodes) > 0 {
		n := r.Nodes[0]
		f = append(f, text("server", n.Server)...)
		if n.Role != "" {
			f = append(f, Fact{"role", n.Role})
		}
		f = append(f, text("policy", n.Policy)...)
	}
	if r.Mode == RedisCluster || r.Mode == RedisSentinel {
		f = append(f, Fact{"mode", string(r.Mode)}, Fact{"nodes", r.names()})
	}
	return append(f, Fact{"embedded", r.Mode == RedisEmbedded}, Fact{"keys", r.keys()})
}

// names are the addresses of the nodes that answered.
func (r *Redis) names() string {
	names := make([]string, len(r.Nodes))
	for i, n := range r.Nodes {
		names[i] = n.Node.String()
	}
	return strings.Join(names, " ")
}

// keys sums the keys of the nodes; unknown when one does not tell.
func (r *Redis) keys() Value {
	total := Known(0)
	for _, n := range r.Nodes {
		total = Value{V: total.V + n.Keys.V, OK: total.OK && n.Keys.OK}
	}
	return total
}
