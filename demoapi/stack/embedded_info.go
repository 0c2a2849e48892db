package stack

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// section is a named part of INFO.
type section struct {
	name  string
	lines func() string
}

// sections of the simulation's INFO, in the order of a real server. A field that
// cannot be known is missing rather than made up; no section cpu therefore.
func (e *embedded) sections() []section {
	return []section{
		{"Server", e.infoServer},
		{"Clients", func() string { return fmt.Sprintf("connected_clients:%d\r\n", e.srv.ClientsLen()) }},
		{"Memory", func() string {
			return fmt.Sprintf("used_memory:%d\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n", e.look(true).bytes)
		}},
		{"Persistence", func() string { return "loading:0\r\n" }},
		{"Stats", e.infoStats},
		{"Replication", func() string { return "role:master\r\nconnected_slaves:0\r\n" }},
		{"Keyspace", e.infoKeyspace},
	}
}

// info answers INFO with the asked sections; none, "all", "default" and
// "everything" mean all. An unknown section is empty, as on a real server.
func (e *embedded) info(asked []string) string {
	asked = slices.Clone(asked)
	for i, a := range asked {
		asked[i] = strings.ToLower(a)
	}
	all := len(asked) == 0 || slices.ContainsFunc(asked, func(a string) bool {
		return a == "all" || a == "default" || a == "everything"
	})
	var parts []string
	for _, s := range e.sections() {
		if all || slices.Contains(asked, strings.ToLower(s.name)) {
			parts = append(parts, "# "+s.name+"\r\n"+s.lines())
		}
	}
	return strings.Join(parts, "\r\n")
}

func (e *embedded) infoServer() string {
	up := int64(time.Since(e.began) / time.Second)
	_, port, _ := strings.Cut(e.addr, ":")
	return fmt.Sprintf("redis_version:7.2.0\r\nserver_name:miniredis\r\nredis_mode:embedded\r\n"+
		"process_id:%d\r\nrun_id:%s\r\ntcp_port:%s\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\n",
		os.Getpid(), e.runID, port, up, up/86400)
}

func (e *embedded) infoStats() string {
	return fmt.Sprintf("total_connections_received:%d\r\ntotal_commands_processed:%d\r\ninstantaneous_ops_per_sec:%.0f\r\n"+
		"expired_keys:%d\r\nevicted_keys:0\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d\r\n",
		e.srv.TotalConnections(), e.commands(), e.look(false).opsPerSecond,
		e.expired.Load(), e.hits.Load(), e.misses.Load())
}

func (e *embedded) infoKeyspace() string {
	v := e.look(false)
	if v.keys == 0 {
		return ""
	}
	return fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=%d\r\n", v.keys, v.expires, v.avgTTL.Milliseconds())
}
