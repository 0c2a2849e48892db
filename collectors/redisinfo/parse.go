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
	space := f.keyspace()
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
		Connections:     f.number("total_connections_received"),
		RejectedConns:   f.number("rejected_connections"),
		ErrorReplies:    f.number("total_error_replies"),
		NetInBytes:      f.number("total_net_input_bytes"),
		NetOutBytes:     f.number("total_net_output_bytes"),
		UsedMemoryBytes: f.number("used_memory"),
		MaxMemoryBytes:  positive(f.number("maxmemory")),
		RSSBytes:        f.number("used_memory_rss"),
		Fragmentation:   f.number("mem_fragmentation_ratio"),
		Clients:         f.number("connected_clients"),
		MaxClients:      f.number("maxclients"),
		BlockedClients:  f.number("blocked_clients"),
		Keys:            space.keys,
		Expires:         space.expires,
		AvgTTLSeconds:   space.ttl,
		CPUSeconds:      sum(f.number("used_cpu_sys"), f.number("used_cpu_user")),
		LoadingSeconds:  f.loading(),
		ReplicationLag:  f.lag(),

		CommandStats: f.commands(),
		Errors:       f.errors(),
		KeySizes:     f.keySizes(),
	}
}

// loading is how long the server says that it still loads its data. One that has
// just begun does not know.
func (f fields) loading() snapshot.Value {
	if f["loading"] != "1" {
		return snapshot.Value{}
	}
	return f.number("loading_eta_seconds")
}

// lag is how long a replica has heard nothing of its master; the field is -1
// while they are not connected.
func (f fields) lag() snapshot.Value {
	if v := f.number("master_last_io_seconds_ago"); v.V >= 0 {
		return v
	}
	return snapshot.Value{}
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
	if f["role"] == "slave" {
		add("this is a replica: its hits, idle times and frequencies are those of its own reads", "")
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
