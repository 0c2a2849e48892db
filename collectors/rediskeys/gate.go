package rediskeys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// doer sends commands in one pipeline; *[redisconn.Conn] is one.
type doer interface {
	Do(ctx context.Context, commands ...[]string) ([]any, error)
}

// gate sends commands and learns what the connection's user may do, at the cost
// of one refusal each: every refused command raises the server's error counts
// and enters its ACL log. A command, or a group of keys with a common prefix,
// that was never tried is first sent once; what is refused is not sent again
// for a while.
type gate struct {
	conn     doer
	budget   budget
	commands map[string]verdict // by name
	prefixes map[string]verdict // by what stands before the first colon
}

// verdict is the answer to a try. Its zero value: not tried.
type verdict struct {
	tried   bool
	refused bool
	unknown bool // the server does not have the command
	at      time.Time
}

const (
	mostCommands = 100              // a pipeline
	mostPrefixes = 1024             // that are remembered
	askAgain     = 10 * time.Minute // what was refused
)

// errRefused stands for the reply to a command that was not sent.
var errRefused = errors.New("not permitted")

func newGate(conn doer, duty float64) gate {
	return gate{
		conn: conn, budget: newBudget(duty),
		commands: map[string]verdict{}, prefixes: map[string]verdict{},
	}
}

// do sends commands and gives a reply for each: errRefused for those that are
// known not to be permitted.
func (g *gate) do(ctx context.Context, commands [][]string) ([]any, error) {
	replies := make([]any, len(commands))
	rest := make([]int, len(commands))
	for i := range rest {
		rest[i] = i
	}
	for len(rest) > 0 {
		send, later := g.choose(commands, rest, replies)
		for part := range slices.Chunk(send, mostCommands) {
			if err := g.send(ctx, commands, part, replies); err != nil {
				return nil, err
			}
		}
		rest = later // what they depend on has now been tried
	}
	return replies, nil
}

// choose splits rest into what may be sent now and what must wait for a try of
// its command or prefix that is sent now. The others get errRefused.
func (g *gate) choose(commands [][]string, rest []int, replies []any) (send, later []int) {
	trying := map[string]bool{}
	for _, i := range rest {
		name, prefix := redisconn.CommandName(commands[i]), prefixOf(commands[i])
		command, key := g.verdict(g.commands, name), g.verdict(g.prefixes, prefix)
		if command.refused || key.refused {
			replies[i] = errRefused
			continue
		}
		tries := []string{}
		if !command.tried {
			tries = append(tries, name)
		}
		if prefix != "" && !key.tried && len(g.prefixes) < mostPrefixes {
			tries = append(tries, prefix)
		}
		if slices.ContainsFunc(tries, func(s string) bool { return trying[s] }) {
			later = append(later, i)
			continue
		}
		for _, s := range tries {
			trying[s] = true
		}
		send = append(send, i)
	}
	return send, later
}

// verdict looks s up; a refusal grows old.
func (g *gate) verdict(in map[string]verdict, s string) verdict {
	v := in[s]
	if v.refused && time.Since(v.at) >= askAgain {
		return verdict{}
	}
	return v
}

func (g *gate) send(ctx context.Context, commands [][]string, part []int, replies []any) error {
	batch := make([][]string, len(part))
	for i, at := range part {
		batch[i] = commands[at]
	}
	start := time.Now()
	got, err := g.conn.Do(ctx, batch...)
	if err != nil {
		return err // waiting for nothing is no work of the server
	}
	g.budget.spend(time.Since(start))
	for i, at := range part {
		replies[at] = got[i]
		g.learn(commands[at], got[i])
	}
	return nil
}

// learn draws from a reply what is permitted.
func (g *gate) learn(command []string, reply any) {
	name, prefix := redisconn.CommandName(command), prefixOf(command)
	err, _ := reply.(error)
	e, failed := errors.AsType[*redisconn.ReplyError](err)
	switch {
	case failed && (e.Denied() || e.Unknown()):
		g.commands[name] = verdict{tried: true, refused: true, unknown: e.Unknown(), at: time.Now()}
		return // the key was not looked at
	case failed && e.KeyDenied():
		g.note(prefix, verdict{tried: true, refused: true, at: time.Now()})
	default:
		g.note(prefix, verdict{tried: true})
	}
	g.commands[name] = verdict{tried: true}
}

func (g *gate) note(prefix string, v verdict) {
	if old, known := g.prefixes[prefix]; prefix == "" || known && old == v || !known && len(g.prefixes) >= mostPrefixes {
		return
	}
	g.prefixes[strings.Clone(prefix)] = v
}

// prefixOf is the group of keys that a command's key belongs to: its name up to
// the first colon, or all of it. It is empty when the command has no key.
func prefixOf(command []string) string {
	keys := command[min(1, len(command)):]
	switch redisconn.CommandName(command) {
	case "scan", "dbsize", "time":
		return ""
	case "memory|usage", "object|encoding":
		keys = command[min(2, len(command)):]
	}
	if len(keys) == 0 {
		return ""
	}
	name := keys[0][:min(len(keys[0]), 64)]
	if colon := strings.IndexByte(name, ':'); colon >= 0 {
		return name[:colon+1]
	}
	return name
}

// forget drops every verdict: the server may be another one now.
func (g *gate) forget() {
	clear(g.commands)
	clear(g.prefixes)
}

// losses is what is lost without a command.
func losses() map[string]string {
	return map[string]string{
		"scan":         "no key can be found",
		"time":         "the local clock is used for the limiters",
		"dbsize":       "coverage is unknown",
		"pttl":         "lifetimes are unknown",
		"type":         "types are unknown",
		"memory|usage": "sizes are unknown",
		"zrange":       "the app's counts of reads and the limiters are unknown",
		"zcount":       "what the limiters' subjects used is unknown",
		"hmget":        "tiers and limits are unknown",
	}
}

// notes says what is refused and how to permit it.
func (g *gate) notes() []snapshot.Note {
	var notes []snapshot.Note
	lost := losses()
	for name, v := range g.commands {
		if !v.refused {
			continue
		}
		spelt := strings.ToUpper(strings.ReplaceAll(name, "|", " "))
		n := snapshot.Note{What: safe.New(spelt + " is not permitted: " + lost[name]), Fix: "ACL SETUSER name +" + name}
		if v.unknown {
			n = snapshot.Note{What: safe.New("the server has no " + spelt + ": " + lost[name])}
		}
		notes = append(notes, n)
	}
	var closed []string
	for prefix, v := range g.prefixes {
		if v.refused {
			closed = append(closed, prefix)
		}
	}
	slices.SortFunc(notes, func(a, b snapshot.Note) int { return strings.Compare(a.What.Raw(), b.What.Raw()) })
	if len(closed) == 0 {
		return notes
	}
	slices.Sort(closed)
	return append(notes, snapshot.Note{
		What: safe.Short(fmt.Sprintf("keys of %d prefixes may not be read: %s", len(closed), strings.Join(closed[:min(3, len(closed))], ", ")), 200),
		Fix:  "ACL SETUSER name %R~*",
	})
}
