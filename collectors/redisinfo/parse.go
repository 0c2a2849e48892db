package redisinfo

import (
	"strconv"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// parse reads the text of INFO: lines of "name:value", sections headed by "#".
// A field that is missing, as it is on old, managed or simulated servers, stays
// unknown. Names are those of Redis 7 and 8 and of Valkey (INFO command, docs).
func parse(text string) snapshot.RedisNode { return reading(fieldsOf(text)) }

func reading(f fields) snapshot.RedisNode {
	return snapshot.RedisNode{
		Server: server(f),
		RunID:  f.text("run_id", 64),
		Role:   role(f["role"]),
		Policy: safe.Short(f["maxmemory_policy"], 32),

		UptimeSeconds:   f.number("uptime_in_seconds"),
		Commands:        f.number("total_commands_processed"),
		KeyspaceHits:    f.number("keyspace_hits"),
		KeyspaceMisses:  f.number("keyspace_misses"),
		EvictedKeys:     f.number("evicted_keys"),
		ExpiredKeys:     f.number("expired_keys"),
		RejectedConns:   f.number("rejected_connections"),
		ErrorReplies:    f.number("total_error_replies"),
		UsedMemoryBytes: f.number("used_memory"),
		MaxMemoryBytes:  positive(f.number("maxmemory")),
		RSSBytes:        f.number("used_memory_rss"),
		Clients:         f.number("connected_clients"),
		BlockedClients:  f.number("blocked_clients"),
		Keys:            f.keys(),
		CPUSeconds:      sum(f.number("used_cpu_sys"), f.number("used_cpu_user")),
	}
}

// notes says what makes the figures of a server that answers only a part of the
// truth.
func notes(f fields) []snapshot.Note {
	var list []snapshot.Note
	add := func(what, fix string) {
		list = append(list, snapshot.Note{What: safe.New(what), Fix: fix})
	}
	if f["loading"] == "1" {
		add("the server is loading its data: keys cannot be read yet", "")
	}
	if f["master_link_status"] == "down" {
		add("the replica has lost its master: its data is getting old", "look at the master and the network between them")
	}
	if f["cluster_enabled"] == "1" {
		add("this is one node of a cluster: the figures and keys of the others are not in it", "")
	}
	return list
}

// fields are the lines of INFO by name.
type fields map[string]string

func fieldsOf(text string) fields {
	f := fields{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok && !strings.HasPrefix(name, "#") {
			f[name] = value
		}
	}
	return f
}

// number is a field as a number; unknown when it is missing or none.
func (f fields) number(name string) snapshot.Value {
	v, err := strconv.ParseFloat(f[name], 64)
	if err != nil {
		return snapshot.Value{}
	}
	return snapshot.Known(v)
}

// text is a field cut to at most n bytes.
func (f fields) text(name string, n int) string {
	s := f[name]
	return s[:min(len(s), n)]
}

// keys sums the keys of all databases: lines like "db0:keys=12,expires=3". A
// server without any lists no database; one without a Keyspace section says
// nothing, which shows by its other fields missing too.
func (f fields) keys() snapshot.Value {
	total := 0.0
	for name, value := range f {
		number, isDB := strings.CutPrefix(name, "db")
		if _, err := strconv.Atoi(number); !isDB || err != nil {
			continue
		}
		for part := range strings.SplitSeq(value, ",") {
			if n, ok := strings.CutPrefix(part, "keys="); ok {
				v, err := strconv.ParseFloat(n, 64)
				if err != nil {
					return snapshot.Value{}
				}
				total += v
			}
		}
	}
	return snapshot.Value{V: total, OK: total > 0 || f.number("keyspace_hits").OK}
}

// server is what runs, by its own word: Valkey keeps redis_version for old
// clients and tells its name beside it.
func server(f fields) safe.Text {
	name, version := "redis", f["redis_version"]
	if v := f["valkey_version"]; v != "" {
		name, version = "valkey", v
	} else if n := f["server_name"]; n != "" {
		name = n
	}
	if version == "" {
		return safe.Text{}
	}
	return safe.Short(name+" "+version, 40)
}

// role is the server's role in the words of today.
func role(s string) string {
	switch s {
	case "master":
		return "master"
	case "slave", "replica":
		return "replica"
	default:
		return ""
	}
}

// positive is v, unknown when it is 0: "maxmemory:0" means that there is none.
func positive(v snapshot.Value) snapshot.Value {
	if v.V <= 0 {
		return snapshot.Value{}
	}
	return v
}

func sum(a, b snapshot.Value) snapshot.Value {
	return snapshot.Value{V: a.V + b.V, OK: a.OK && b.OK}
}
