package rediskeys

import (
	"context"
	"fmt"
	"strings"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// gate is a node's [redisconn.Gate] with a budget: what is sent is paid for.
type gate struct {
	*redisconn.Gate
	budget budget
	swept  []any          // replies of the last sweep
	missed map[string]int // keys that we looked up ourselves and did not find; nil: not counted now
}

func newGate(g *redisconn.Gate, duty float64) gate { return gate{Gate: g, budget: newBudget(duty)} }

// do sends commands and gives a reply for each; see [redisconn.Gate.Do].
func (g *gate) do(ctx context.Context, commands [][]string) ([]any, error) {
	start := time.Now()
	replies, err := g.Do(ctx, commands)
	if err == nil { // waiting for nothing is no work of the server
		g.budget.spend(time.Since(start), len(commands))
	}
	if err == nil && g.missed != nil {
		g.noteMisses(commands, replies)
	}
	return replies, err
}

// sweep asks about many keys; see [redisconn.Gate.Sweep]. The replies are valid
// until the next sweep.
func (g *gate) sweep(ctx context.Context, asks []redisconn.Ask) ([]any, error) {
	g.swept = append(g.swept[:0], make([]any, len(asks))...)
	start := time.Now()
	if err := g.Sweep(ctx, asks, g.swept); err != nil {
		return nil, err
	}
	g.budget.spend(time.Since(start), len(asks))
	for i, a := range asks {
		if g.missed != nil && a.Verb == redisconn.AskTTL && g.swept[i] == int64(-2) && len(g.missed) < mostOwn {
			g.missed[strings.Clone(a.Key)]++ // as noteMisses does
		}
	}
	return g.swept, nil
}

// losses is what is lost without a command.
func losses() map[string]string {
	return map[string]string{
		"scan":            "no key can be found",
		"time":            "the local clock is used for the limiters",
		"dbsize":          "coverage is unknown",
		"pttl":            "lifetimes are unknown",
		"type":            "types are unknown",
		"memory|usage":    "sizes are unknown",
		"object|freq":     "how often keys are read is unknown, but for what the app counts",
		"object|idletime": "how often keys are read is unknown, but for what the app counts",
		"object|encoding": "how a key is stored is unknown",
		"zrange":          "the app's counts of reads and the limiters are unknown",
		"zcount":          "what the limiters' subjects used is unknown",
		"zcard":           "how long the limiters' logs are is unknown",
		"hmget":           "tiers and limits are unknown",
		"hgetall":         "limiters that are kept in hashes are unknown",
		"hlen":            "limiters that are kept in hashes are unknown",
		"lrange":          "limiters that are kept in lists are unknown",
		"llen":            "limiters that are kept in lists are unknown",
		"getrange":        "limiters that are kept in strings are unknown, and values cannot be looked at",
		"strlen":          "how long values are is unknown",
	}
}

// notes says what is refused and how to permit it.
func (g *gate) notes() []snapshot.Note {
	var notes []snapshot.Note
	lost := losses()
	for _, r := range g.Refusals() {
		if what, ours := lost[r.Command]; ours {
			notes = append(notes, r.Note(what))
		}
	}
	closed := g.Closed()
	if len(closed) == 0 {
		return notes
	}
	return append(notes, snapshot.Note{
		What: safe.Short(fmt.Sprintf("keys of %d prefixes may not be read: %s", len(closed), strings.Join(closed[:min(3, len(closed))], ", ")), 200),
		Fix:  "ACL SETUSER name %R~*",
	})
}
