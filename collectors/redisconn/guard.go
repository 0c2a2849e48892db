package redisconn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// allowed tells whether a command may be sent. All of them read, and none walks
// a whole collection or keyspace; see [permitted] for those that are bounded by
// their arguments. GETRANGE stands for GET: it has an end. HOTKEYS START writes
// no data; who starts a session says so on the command line.
func allowed(name string) bool {
	switch name {
	case "info", "ping", "time", "dbsize", "scan",
		"type", "pttl", "memory|usage", "object|encoding", "object|freq", "object|idletime",
		"strlen", "getrange", "llen", "hlen", "scard", "zcard", "xlen",
		"zcount", "zrange", "hmget", "hgetall", "lrange",
		"hrandfield", "hstrlen", "srandmember", "xrevrange",
		"config|get", "slowlog|len", "slowlog|get", "latency|histogram", "role", "client|id", "cluster|slots", "cluster|shards",
		"hotkeys|get", "hotkeys|start", "hotkeys|stop", "hotkeys|reset",
		"sentinel|get-master-addr-by-name", "sentinel|master", "sentinel|masters", "sentinel|replicas", "sentinel|sentinels":
		return true
	}
	return handshake(name)
}

// permits tells whether a command may be sent now: HGETALL only of a hash that is
// known to be small.
func (g *guard) permits(name string, words []string) bool {
	return permitted(name, words) && (name != "hgetall" || len(words) == 2 && g.small.has(words[1]))
}

const (
	mostRange = 1024 // elements of a list or a sorted set that may be asked for at once
	mostFew   = 16   // random elements
	mostCount = 1024 // of SCAN: a page of a thousand takes the server less than 1 ms
)

// permitted tells whether a command may be sent with these words.
func permitted(name string, words []string) bool {
	if !allowed(name) {
		return false
	}
	switch name {
	case "memory|usage": // SAMPLES could make it walk every element of a key
		return len(words) == 3
	case "scan":
		return len(words) == 2 || len(words) == 4 && strings.EqualFold(words[2], "count") && upTo(words[3], mostCount)
	case "lrange":
		return len(words) == 4 && bounded(words[2], words[3], mostRange)
	case "zrange": // by rank: scores and names set no bound
		return (len(words) == 4 || len(words) == 5 && strings.EqualFold(words[4], "withscores")) && bounded(words[2], words[3], mostRange)
	case "getrange":
		return len(words) == 4 && bounded(words[2], words[3], mostElement)
	case "hrandfield", "srandmember": // a negative count gives as many as it says, again and again
		return len(words) == 3 && upTo(words[2], mostFew)
	case "xrevrange":
		return len(words) == 6 && strings.EqualFold(words[4], "count") && upTo(words[5], mostFew)
	case "config|get": // requirepass and masterauth are parameters as well
		return len(words) > 2 && !slices.ContainsFunc(words[2:], func(s string) bool { return !openParameter(s) })
	case "slowlog|get": // the newest entry, whose length the server bounds
		return len(words) == 3 && words[2] == "1"
	case "hotkeys|start": // a session without an end would outlive us
		return slices.ContainsFunc(words, func(s string) bool { return strings.EqualFold(s, "duration") })
	}
	return true
}

// upTo tells whether a count is at least one and at most so many.
func upTo(count string, most int) bool {
	n, err := strconv.Atoi(count)
	return err == nil && n > 0 && n <= most
}

// bounded tells whether at most so many elements lie between start and stop.
func bounded(start, stop string, most int) bool {
	a, errA := strconv.Atoi(start)
	b, errB := strconv.Atoi(stop)
	return errA == nil && errB == nil && a >= 0 == (b >= 0) && b-a < most
}

// openParameter tells whether a parameter of the server may be asked for: one by
// its whole name that is no secret, or a group in which there is none.
func openParameter(name string) bool {
	name = strings.ToLower(name)
	if name == "lfu-*" || name == "slowlog-*" {
		return true
	}
	secret := strings.Contains(name, "pass") || strings.Contains(name, "auth") || strings.Contains(name, "user")
	return !secret && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// handshake tells what go-redis and we ourselves send on a new connection.
func handshake(name string) bool {
	switch name {
	case "hello", "auth", "select", "client|setname", "client|no-touch":
		return true
	}
	return false
}

// CommandName is a command's name as the server's ACL spells it, with the
// subcommand: "type", "memory|usage". It is empty for no arguments.
func CommandName(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return commandName(words[0], "")
	default:
		return commandName(words[0], words[1])
	}
}

func commandName(first, second string) string {
	first = strings.ToLower(first)
	switch first {
	case "client", "memory", "object", "config", "acl", "debug", "slowlog", "latency", "script", "function", "cluster", "module", "command", "sentinel", "hotkeys":
		if second != "" {
			return first + "|" + strings.ToLower(second)
		}
	}
	return first
}

// nameOf is the [CommandName] of a command of go-redis.
func nameOf(cmd redis.Cmder) string { return commandName(word(cmd, 0), word(cmd, 1)) }

// wordsOf are the arguments of cmd.
func wordsOf(cmd redis.Cmder) []string {
	words := make([]string, len(cmd.Args()))
	for i := range words {
		words[i] = word(cmd, i)
	}
	return words
}

// word is argument i of cmd; empty when there is none or it is not a string,
// so that nothing but a string can name a command.
func word(cmd redis.Cmder, i int) string {
	args := cmd.Args()
	if i >= len(args) {
		return ""
	}
	s, _ := args[i].(string)
	return s
}

// guard is the hook on every command of the client: it lets only reads through
// and counts the keyspace lookups they cause. Safe for concurrent use.
type guard struct {
	hits, misses atomic.Uint64
	commands     atomic.Uint64          // that the server ran
	names        namedCounts            // the same by name
	version      atomic.Pointer[string] // the server's, from its greeting
	small        smallHashes
}

// DialHook changes nothing.
func (g *guard) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook guards a single command.
func (g *guard) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := g.check(cmd); err != nil {
			return err
		}
		err := next(ctx, cmd)
		cmd.SetErr(err) // go-redis does it only after its hooks
		if f := g.greeting(cmd); f != nil {
			return f
		}
		g.count([]redis.Cmder{cmd})
		return err
	}
}

// ProcessPipelineHook guards a pipeline: one forbidden command refuses it all.
func (g *guard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := g.check(cmds...); err != nil {
			return err
		}
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			if f := g.greeting(cmd); f != nil {
				return f
			}
		}
		g.count(cmds)
		return err
	}
}

// check refuses cmds before anything is sent when one of them is not allowed.
func (g *guard) check(cmds ...redis.Cmder) error {
	for _, cmd := range cmds {
		name := nameOf(cmd)
		if g.permits(name, wordsOf(cmd)) {
			continue
		}
		err := refused(name)
		for _, c := range cmds {
			c.SetErr(err)
		}
		return err
	}
	return nil
}

func refused(name string) error {
	return &snapshot.Failure{
		Kind: snapshot.Internal,
		What: safe.Short(fmt.Sprintf("refused to send %q: not on the list of reads", name), 120),
	}
}

// greeting looks at the answers to a connection's first commands. The version
// is kept; a refused login becomes a Failure at once, where go-redis would try
// the same password once more.
func (g *guard) greeting(cmd redis.Cmder) *snapshot.Failure {
	if !handshake(nameOf(cmd)) {
		return nil
	}
	err := cmd.Err()
	if hello, ok := cmd.(*redis.MapStringInterfaceCmd); ok && err == nil {
		if v, ok := hello.Val()["version"].(string); ok {
			g.version.Store(&v)
		}
	}
	if _, ok := errors.AsType[redis.Error](err); !ok {
		return nil
	}
	f := newReplyError(err.Error()).state()
	if f != nil {
		cmd.SetErr(f)
	}
	return f
}
