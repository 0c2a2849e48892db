package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"apitop/demoapi/limit"
)

// TestUnavailable: a fault without its need says why, and what to do.
func TestUnavailable(t *testing.T) {
	p := parts{&record{}}
	token := func(int64, limit.Tier) string { return "t" }
	tests := map[string]struct {
		h    Hooks
		want map[string]string // by name, part of the reason; "": available
	}{
		"in memory": {
			Hooks{Cache: p, Queue: p, Servers: owner{"redis"}, BaseURL: "http://x", Token: token},
			map[string]string{
				"n-plus-one": "install postgresql", "lock-table": "install postgresql", "postgres-down": "install postgresql",
				"eviction": "simulation; install redis-server", "slow-redis": "simulation; install redis-server",
				"redis-down": "", "cache-flush": "", "hot-key": "", "cpu-burn": "", "queue-stall": "",
			},
		},
		"given servers": {
			Hooks{Cache: p, Store: p, Queue: p, Servers: owner{}, BaseURL: "http://x", Token: token},
			map[string]string{
				"n-plus-one": "", "idle-in-transaction": "", "lock-table": "leave --postgres out", "postgres-down": "leave --postgres out",
				"eviction": "leave --redis out", "slow-redis": "leave --redis out", "redis-down": "leave --redis out", "stampede": "",
			},
		},
		"nothing": {
			Hooks{},
			map[string]string{"cache-flush": "no cache", "queue-stall": "no queue", "abusive-user": "from within", "redis-down": "leave --redis out", "fd-leak": ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := New(tt.h)
			defer func() { _ = s.Close() }()
			for fault, want := range tt.want {
				got := state(t, s, fault).Unavailable
				if (want == "") != (got == "") || !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", fault, got, want)
				}
				var unavailable *UnavailableError
				if want == "" {
					continue
				}
				if err := s.Switch(t.Context(), fault, true); !errors.As(err, &unavailable) || unavailable.Reason != got {
					t.Errorf("%s switched on: %v", fault, err)
				}
				if err := s.Switch(t.Context(), fault, false); err != nil {
					t.Errorf("%s switched off: %v", fault, err)
				}
			}
		})
	}
}

// owner owns the servers listed.
type owner []string

func (o owner) Owns(server string) bool                    { return slices.Contains(o, server) }
func (o owner) Switch(context.Context, string, bool) error { return nil }

// TestList: names are one of a kind, every rule but R1 is there, and the package
// comment lists all of them.
func TestList(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	seen, rules := map[string]bool{}, map[string]bool{"R1": true}
	for _, st := range Known() {
		if seen[st.Name] || st.Rule == "" || st.What == "" || st.Shows == "" || st.On || st.Unavailable != "" {
			t.Errorf("%+v", st)
		}
		seen[st.Name], rules[st.Rule] = true, true
		fields := strings.Fields(line(string(doc), "//\t"+st.Name+" "))
		if len(fields) < 3 || fields[2] != st.Rule || strings.Join(fields[3:], " ") != st.What {
			t.Errorf("the package comment says %q of %s", fields, st.Name)
		}
	}
	for i := 1; i <= 18; i++ {
		if rule := fmt.Sprintf("R%d", i); !rules[rule] {
			t.Errorf("no fault for %s", rule)
		}
	}
	if len(seen) != 22 || !slices.Equal(Names(), slices.Collect(names(Known()))) {
		t.Errorf("%d faults: %q", len(seen), Names())
	}
}

func names(states []State) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, st := range states {
			if !yield(st.Name) {
				return
			}
		}
	}
}

// line is the line of text that begins with prefix.
func line(text, prefix string) string {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}
