package redisconn

import (
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// verdict says what a command did to the server's keyspace_hits and _misses.
type verdict int

const (
	nothing verdict = iota // not counted by the server, or its answer was lost
	found                  // +1 keyspace_hits
	missing                // +1 keyspace_misses
	unclear                // one of the two, the answer alone cannot tell
)

// count adds to the counters what the server counted for cmds. An answer that
// leaves it open (an empty ZCOUNT: no such key, or none in the range) is decided
// by another command of the same pipeline on the same key; without one it
// counts as found for ZCOUNT, HSTRLEN and XREVRANGE, and as missing otherwise, which is right as long as
// we ask only for ranges and fields that a key of that kind has. Commands whose answers were lost count for nothing here, though the
// server may have run them: at most one pipeline for each lost connection.
func (g *guard) count(cmds []redis.Cmder) {
	var known map[string]verdict
	open := false
	for _, cmd := range cmds {
		g.ran(cmd)
		g.small.learn(cmd)
		v := lookup(cmd)
		open = open || v == unclear
		g.add(v)
		if len(cmds) > 1 && (v == found || v == missing) {
			if known == nil {
				known = make(map[string]verdict, len(cmds))
			}
			known[key(cmd)] = v
		}
	}
	if !open {
		return
	}
	for _, cmd := range cmds {
		if lookup(cmd) != unclear {
			continue
		}
		v, ok := known[key(cmd)]
		switch {
		case ok:
			g.add(v)
		case slices.Contains([]string{"zcount", "hstrlen", "xrevrange"}, nameOf(cmd)):
			g.add(found)
		default:
			g.add(missing)
		}
	}
}

func (g *guard) add(v verdict) {
	switch v {
	case found:
		g.hits.Add(1)
	case missing:
		g.misses.Add(1)
	}
}

// key is the key a counted command reads.
func key(cmd redis.Cmder) string {
	if strings.HasPrefix(nameOf(cmd), "object|") {
		return word(cmd, 2)
	}
	return word(cmd, 1)
}

// lookup judges one answered command. The server counts one lookup for each of
// these; SCAN, MEMORY USAGE, DBSIZE, INFO, TIME and PING are free.
func lookup(cmd redis.Cmder) verdict {
	name := nameOf(cmd)
	switch name {
	case "type", "pttl", "object|encoding", "object|freq", "object|idletime", "strlen", "getrange",
		"llen", "hlen", "scard", "zcard", "xlen", "zcount", "zrange", "hmget", "hgetall", "lrange",
		"hrandfield", "hstrlen", "srandmember", "xrevrange":
	default:
		return nothing
	}
	err := cmd.Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return failedLookup(err)
	}
	c, ok := cmd.(*redis.Cmd)
	if !ok {
		return nothing
	}
	v := judge(name, c.Val())
	if v == unclear && (name == "zrange" || name == "lrange") && reachesAny(word(cmd, 2), word(cmd, 3)) {
		v = missing
	}
	return v
}

// reachesAny tells whether a ZRANGE by rank or an LRANGE has an element in it for
// every key that exists: none is ever empty.
func reachesAny(start, stop string) bool {
	return start == "0" && stop != "" || strings.HasPrefix(start, "-") && stop == "-1"
}

// failedLookup: a key of the wrong type was found, and so was one whose idle time
// or frequency the server does not keep; every other error (no permission,
// unknown command, lost connection) came before the lookup.
func failedLookup(err error) verdict {
	if _, ok := errors.AsType[redis.Error](err); !ok {
		return nothing
	}
	if foundTo(newReplyError(err.Error())) {
		return found
	}
	return nothing
}

// foundTo tells whether the server found the key before it sent the error.
func foundTo(e *ReplyError) bool {
	return e.Code == "WRONGTYPE" || strings.Contains(e.Text.Raw(), "maxmemory policy is ")
}

func judge(name string, reply any) verdict {
	empty := false
	switch r := reply.(type) {
	case nil:
		empty = true
	case string:
		empty = r == "" || (name == "type" && r == "none")
	case int64:
		switch name {
		case "pttl":
			empty = r == -2
		case "object|freq", "object|idletime": // nil for no key
		default:
			empty = r == 0
		}
	case []any:
		empty = !anyKnown(r)
	}
	switch {
	case !empty:
		return found
	case name == "strlen" || name == "getrange" || name == "xlen" || name == "zcount" || name == "zrange" || name == "lrange" || name == "hmget" ||
		name == "hstrlen" || name == "xrevrange":
		return unclear // also what an empty string or stream gives, or no match
	default:
		return missing
	}
}

func anyKnown(replies []any) bool {
	for _, r := range replies {
		if r != nil {
			return true
		}
	}
	return false
}
