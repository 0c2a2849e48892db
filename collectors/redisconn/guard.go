package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// allowed tells whether a command may be sent. All of them read, and none walks
// a whole collection or keyspace. GETRANGE stands for GET: it has an end.
// MEMORY USAGE is bounded by checking its arguments.
func allowed(name string) bool {
	switch name {
	case "info", "ping", "time", "dbsize", "scan",
		"type", "pttl", "memory|usage", "object|encoding",
		"strlen", "getrange", "llen", "hlen", "scard", "zcard", "xlen",
		"zcount", "zrange", "hmget":
		return true
	}
	return handshake(name)
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
	case "client", "memory", "object", "config", "acl", "debug", "slowlog", "latency", "script", "function", "cluster", "module", "command":
		if second != "" {
			return first + "|" + strings.ToLower(second)
		}
	}
	return first
}

// nameOf is the [CommandName] of a command of go-redis.
func nameOf(cmd redis.Cmder) string { return commandName(word(cmd, 0), word(cmd, 1)) }

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
		// SAMPLES could make MEMORY USAGE walk every element of a key.
		if allowed(name) && (name != "memory|usage" || len(cmd.Args()) == 3) {
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
