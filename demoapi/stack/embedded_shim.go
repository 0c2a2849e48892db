package stack

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// readers are the commands that look up keys and count as hits or misses, as on
// a real server. The value tells which arguments are keys.
func readers(cmd string) (first, all bool) {
	switch cmd {
	case "EXISTS", "MGET":
		return false, true
	case "TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "STRLEN", "GET", "GETEX", "GETRANGE", "DUMP",
		"ZCARD", "ZCOUNT", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZSCORE", "ZMSCORE", "ZRANK", "ZREVRANK", "ZSCAN",
		"HLEN", "HGET", "HGETALL", "HMGET", "HKEYS", "HVALS", "HEXISTS", "HSCAN", "HSTRLEN",
		"LLEN", "LRANGE", "LINDEX", "SCARD", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SRANDMEMBER", "SSCAN":
		return true, false
	}
	return false, false
}

// peerState reads what the simulation notes about a connection: whether the
// command comes from a script, which runs under the simulation's lock; whether a
// transaction is being queued; the selected database. Its type is not exported;
// should it change, every command counts as one of a script and passes through
// untouched.
func peerState(c *server.Peer) (nested, queued bool, db int) {
	if c.Ctx == nil {
		return false, false, 0 // the connection's first command
	}
	v := reflect.ValueOf(c.Ctx)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return true, false, 0
	}
	n, t, s := v.Elem().FieldByName("nested"), v.Elem().FieldByName("transaction"), v.Elem().FieldByName("selectedDB")
	if n.Kind() != reflect.Bool || t.Kind() != reflect.Slice || s.Kind() != reflect.Int {
		return true, false, 0
	}
	return n.Bool(), !t.IsNil(), int(s.Int())
}

// before sees every command before the simulation does: it counts lookups and
// answers what the simulation does not know. True means answered.
func (e *embedded) before(c *server.Peer, cmd string, args ...string) bool {
	nested, queued, db := peerState(c)
	if nested {
		return false
	}
	e.count(db, cmd, args)
	if queued || !e.answer(c, cmd, args) {
		return false
	}
	e.answered.Add(1)
	return true
}

func (e *embedded) count(db int, cmd string, args []string) {
	first, all := readers(cmd)
	if cmd == "OBJECT" && len(args) > 1 {
		first, args = true, args[1:]
	}
	if len(args) == 0 || (!first && !all) {
		return
	}
	if first {
		args = args[:1]
	}
	for _, key := range args {
		if e.m.DB(db).Exists(key) {
			e.hits.Add(1)
		} else {
			e.misses.Add(1)
		}
	}
}

// answer answers for the simulation; false leaves the command to it.
func (e *embedded) answer(c *server.Peer, cmd string, args []string) bool {
	sub := ""
	if len(args) > 0 {
		sub = strings.ToUpper(args[0])
	}
	switch cmd {
	case "INFO":
		c.WriteBulk(e.info(args))
	case "CONFIG":
		return config(c, sub, args)
	case "CLIENT":
		return client(c, sub, args)
	case "ROLE":
		c.Block(func(w *server.Writer) {
			w.WriteLen(3)
			w.WriteBulk("master")
			w.WriteInt(0)
			w.WriteLen(0)
		})
	case "OBJECT":
		if sub != "FREQ" {
			return false
		}
		c.WriteError("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	case "MEMORY":
		if sub != "USAGE" || len(args) != 4 || !strings.EqualFold(args[2], "SAMPLES") {
			return false
		}
		e.answered.Add(-1)                                 // it counts this one itself
		e.srv.Dispatch(c, []string{cmd, "USAGE", args[1]}) // and always looks at everything
	default:
		return false
	}
	return true
}

// parameters of the simulation, as CONFIG GET tells them.
func parameters() [][2]string {
	return [][2]string{
		{"appendonly", "no"}, {"databases", "16"}, {"maxmemory", "0"}, {"maxmemory-policy", "noeviction"},
		{"notify-keyspace-events", ""}, {"save", ""},
	}
}

func config(c *server.Peer, sub string, args []string) bool {
	if sub != "GET" {
		c.WriteError("ERR CONFIG " + sub + " is not supported by the embedded Redis")
		return true
	}
	if len(args) < 2 {
		c.WriteError("ERR wrong number of arguments for 'config|get' command")
		return true
	}
	found := slices.DeleteFunc(parameters(), func(p [2]string) bool {
		return !slices.ContainsFunc(args[1:], func(pattern string) bool {
			ok, err := path.Match(strings.ToLower(pattern), p[0])
			return err == nil && ok
		})
	})
	c.Block(func(w *server.Writer) {
		w.WriteMapLen(len(found))
		for _, p := range found {
			w.WriteBulk(p[0])
			w.WriteBulk(p[1])
		}
	})
	return true
}

// client answers what clients send on connecting; the simulation knows only
// their names.
func client(c *server.Peer, sub string, args []string) bool {
	known := (sub == "SETINFO" && len(args) == 3) || ((sub == "NO-TOUCH" || sub == "NO-EVICT") && len(args) == 2)
	if known {
		c.WriteOK()
	}
	return known
}
