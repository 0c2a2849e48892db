package redisconn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Doer sends commands in one pipeline; a [Conn] is one.
type Doer interface {
	Do(ctx context.Context, commands ...[]string) ([]any, error)
}

// Gate sends commands and learns what the connection's user may do, at the cost
// of one refusal each: every refused command raises the server's error counts
// and enters its ACL log. A command, or a group of keys with a common prefix,
// that was never tried is first sent once; what is refused is not sent again
// for a while. All collectors of a node share its gate; see [Conn.Gate]. Safe for
// concurrent use.
type Gate struct {
	conn     Doer
	mu       sync.Mutex       // of the fields below
	commands map[string]trial // by name
	prefixes map[string]trial // by what stands before the first colon
	server   string           // run_id; empty: unknown
}

// trial is the answer to a try. Its zero value: not tried.
type trial struct {
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

// ErrRefused stands for the reply to a command that was not sent.
var ErrRefused = errors.New("not permitted")

// NewGate makes a Gate in front of conn that knows nothing yet.
func NewGate(conn Doer) *Gate {
	return &Gate{conn: conn, commands: map[string]trial{}, prefixes: map[string]trial{}}
}

// Do sends commands, at most 100 in a pipeline, and gives a reply for each: ErrRefused for those that are
// known not to be permitted.
func (g *Gate) Do(ctx context.Context, commands [][]string) ([]any, error) {
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
// its command or prefix that is sent now. The others get ErrRefused.
func (g *Gate) choose(commands [][]string, rest []int, replies []any) (send, later []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	trying := map[string]bool{}
	for _, i := range rest {
		name, prefix := CommandName(commands[i]), prefixOf(commands[i])
		command, key := g.lookup(g.commands, name), g.lookup(g.prefixes, prefix)
		if command.refused || key.refused {
			replies[i] = ErrRefused
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

// lookup looks s up; a refusal grows old.
func (g *Gate) lookup(in map[string]trial, s string) trial {
	v := in[s]
	if v.refused && time.Since(v.at) >= askAgain {
		return trial{}
	}
	return v
}

func (g *Gate) send(ctx context.Context, commands [][]string, part []int, replies []any) error {
	batch := make([][]string, len(part))
	for i, at := range part {
		batch[i] = commands[at]
	}
	got, err := g.conn.Do(ctx, batch...)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, at := range part {
		replies[at] = got[i]
		g.learn(commands[at], got[i])
	}
	return nil
}

// learn draws from a reply what is permitted.
func (g *Gate) learn(command []string, reply any) {
	name, prefix := CommandName(command), prefixOf(command)
	err, _ := reply.(error)
	e, failed := errors.AsType[*ReplyError](err)
	switch {
	case failed && (e.Denied() || e.Unknown()):
		g.commands[name] = trial{tried: true, refused: true, unknown: e.Unknown(), at: time.Now()}
		return // the key was not looked at
	case failed && e.KeyDenied():
		g.note(prefix, trial{tried: true, refused: true, at: time.Now()})
	default:
		g.note(prefix, trial{tried: true})
	}
	g.commands[name] = trial{tried: true}
}

func (g *Gate) note(prefix string, v trial) {
	if old, known := g.prefixes[prefix]; prefix == "" || known && old == v || !known && len(g.prefixes) >= mostPrefixes {
		return
	}
	g.prefixes[strings.Clone(prefix)] = v
}

// prefixOf is the group of keys that a command's key belongs to: its name up to
// the first colon, or all of it. It is empty when the command has no key.
func prefixOf(command []string) string {
	keys := command[min(1, len(command)):]
	switch CommandName(command) {
	case "scan", "dbsize", "time", "info", "config|get", "latency|histogram", "slowlog|len", "slowlog|get",
		"cluster|slots", "cluster|shards", "role", "client|id", "ping", "hotkeys|get", "hotkeys|start", "hotkeys|stop", "hotkeys|reset":
		return ""
	case "memory|usage", "object|encoding", "object|freq", "object|idletime":
		keys = command[min(2, len(command)):]
	}
	if len(keys) == 0 {
		return ""
	}
	return prefixOfKey(keys[0])
}

func prefixOfKey(key string) string {
	name := key[:min(len(key), 64)]
	if colon := strings.IndexByte(name, ':'); colon >= 0 {
		return name[:colon+1]
	}
	return name
}

// Saw tells the gate which server answers, by its run_id. Another one than before
// may permit other things: what was learnt is dropped. The empty id, of a server
// that does not tell, says nothing. It tells whether it is another one.
func (g *Gate) Saw(runID string) (another bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if runID == "" || runID == g.server {
		return false
	}
	if another = g.server != ""; another {
		clear(g.commands)
		clear(g.prefixes)
	}
	g.server = runID
	return another
}

// serverSeen is the run_id of the server; empty: unknown.
func (g *Gate) serverSeen() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.server
}

// Refusal is a command that the server does not run for us.
type Refusal struct {
	Command string // as the ACL spells it: "memory|usage"
	Unknown bool   // the server does not have it: too old, renamed or taken away
}

// Note says what is lost without the command, and how to permit it.
func (r Refusal) Note(lost string) snapshot.Note {
	spelt := strings.ToUpper(strings.ReplaceAll(r.Command, "|", " "))
	if r.Unknown {
		return snapshot.Note{What: safe.New("the server has no " + spelt + ": " + lost)}
	}
	return snapshot.Note{What: safe.New(spelt + " is not permitted: " + lost), Fix: "ACL SETUSER name +" + r.Command}
}

// refusal tells whether a command was refused, and may not be sent again yet.
func (g *Gate) refusal(name string) (Refusal, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.lookup(g.commands, name)
	return Refusal{Command: name, Unknown: v.unknown}, v.refused
}

// Refusals are the commands that were refused, by name.
func (g *Gate) Refusals() []Refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []Refusal
	for name, v := range g.commands {
		if v.refused {
			list = append(list, Refusal{Command: name, Unknown: v.unknown})
		}
	}
	slices.SortFunc(list, func(a, b Refusal) int { return strings.Compare(a.Command, b.Command) })
	return list
}

// Closed are the prefixes of keys that may not be read, in order.
func (g *Gate) Closed() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []string
	for prefix, v := range g.prefixes {
		if v.refused {
			list = append(list, prefix)
		}
	}
	slices.Sort(list)
	return list
}
