package snapshot

import (
	"time"

	"apitop/collectors/safe"
)

// Redis is one INFO reading. Counters count since the server started or since
// CONFIG RESETSTAT.
type Redis struct {
	At       time.Time
	Server   safe.Text // "redis 7.0.15", "valkey 9.1.2", "miniredis (embedded)"
	RunID    string    // changes with each start of the server; empty: unknown
	Role     string    // "master", "replica"; empty: unknown
	Policy   safe.Text // maxmemory_policy
	Embedded bool      // a simulated server: some figures do not exist

	UptimeSeconds   Value
	Commands        Value // total_commands_processed
	KeyspaceHits    Value
	KeyspaceMisses  Value
	OwnHits         float64 // lookups that we caused ourselves so far, found
	OwnMisses       float64 // the same, not found
	OwnCommands     float64 // commands that we sent ourselves so far
	EvictedKeys     Value
	ExpiredKeys     Value
	RejectedConns   Value
	ErrorReplies    Value
	UsedMemoryBytes Value
	MaxMemoryBytes  Value // unknown when no limit is set
	RSSBytes        Value
	Clients         Value
	BlockedClients  Value
	Keys            Value // all databases
	CPUSeconds      Value // used_cpu_sys + used_cpu_user
}

func (r *Redis) addTo(s *Snapshot) { s.Redis = r }

// Facts implements [Reading].
func (r *Redis) Facts() []Fact {
	f := text("server", r.Server)
	if r.Role != "" {
		f = append(f, Fact{"role", r.Role})
	}
	f = append(f, text("policy", r.Policy)...)
	return append(f, Fact{"embedded", r.Embedded}, Fact{"keys", r.Keys})
}
