package redisconn

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// refuser permits nothing.
type refuser struct{ sent int }

func (r *refuser) Do(_ context.Context, commands ...[]string) ([]any, error) {
	r.sent += len(commands)
	out := make([]any, len(commands))
	for i, c := range commands {
		out[i] = newReplyError("NOPERM this user has no permissions to run the '" + CommandName(c) + "' command")
	}
	return out, nil
}

// TestGateAsksAgain: a refusal is tried again after a while, once.
func TestGateAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &refuser{}
		g := NewGate(f)
		for range 30 {
			if r, err := g.Do(t.Context(), [][]string{{"dbsize"}}); err != nil || r[0] == nil {
				t.Fatalf("%v %v", r, err)
			}
			time.Sleep(time.Minute)
		}
		if f.sent != 3 {
			t.Errorf("asked %d times in half an hour, want 3", f.sent)
		}
		for _, server := range []struct {
			id   string
			sent int
		}{{"", 4}, {"a", 4}, {"", 4}, {"a", 4}, {"b", 5}, {"b", 5}} {
			g.Saw(server.id)
			if _, err := g.Do(t.Context(), [][]string{{"dbsize"}}); err != nil || f.sent != server.sent {
				t.Errorf("with server %q it was asked %d times, want %d: %v", server.id, f.sent, server.sent, err)
			}
		}
	})
}

func TestPrefixOf(t *testing.T) {
	long := strings.Repeat("x", 100) + ":y"
	for want, command := range map[string][]string{
		"a:":                    {"type", "a:b:c"},
		"plain":                 {"pttl", "plain"},
		":":                     {"pttl", ":x"},
		"m:":                    {"memory", "usage", "m:1"},
		strings.Repeat("x", 64): {"type", long},
		"":                      {"scan", "0:1"},
	} {
		if got := prefixOf(command); got != want {
			t.Errorf("prefixOf(%q) = %q, want %q", command, got, want)
		}
	}
	if got := prefixOf([]string{"time"}); got != "" {
		t.Errorf("time has prefix %q", got)
	}
}

// TestGatePrefixes: however many groups of keys there are, memory is bounded.
func TestGatePrefixes(t *testing.T) {
	g := NewGate(&refuser{})
	for i := range 2 * mostPrefixes {
		g.learn([]string{"type", fmt.Sprintf("k%d", i)}, "string")
	}
	if len(g.prefixes) > mostPrefixes {
		t.Errorf("%d prefixes are remembered", len(g.prefixes))
	}
}
