package rediskeys

import (
	"cmp"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// misses counts lookups of keys that are not there, of the most frequent ones: a
// new key takes the place of the rarest (the space-saving algorithm of Metwally,
// Agrawal and El Abbadi, 2005). Its count then begins where that of the other
// was, which is taken off again: what is shown is a lower bound.
type misses struct {
	seconds float64 // of listening
	keys    map[string]*missed
}

type missed struct{ count, before int }

const (
	mostMissed  = 512
	shownMissed = 50
)

func newMisses() misses { return misses{keys: map[string]*missed{}} }

func (m *misses) add(key string, n int) {
	k := m.keys[key]
	if k == nil {
		k = &missed{}
		if len(m.keys) >= mostMissed {
			least := m.least()
			k.count = m.keys[least].count
			k.before = k.count
			delete(m.keys, least)
		}
		m.keys[key] = k
	}
	k.count += n
}

func (m *misses) least() string {
	name := ""
	for key, k := range m.keys {
		if least := m.keys[name]; least == nil || k.count < least.count {
			name = key
		}
	}
	return name
}

// list is the most frequent keys; never nil.
func (m *misses) list() []snapshot.MissedKey {
	list := make([]snapshot.MissedKey, 0, len(m.keys))
	for key, k := range m.keys {
		list = append(list, snapshot.MissedKey{Key: safe.Short(key, shownCells), Misses: snapshot.Known(float64(k.count - k.before))})
	}
	slices.SortFunc(list, func(a, b snapshot.MissedKey) int {
		return cmp.Or(cmp.Compare(b.Misses.V, a.Misses.V), strings.Compare(a.Key.Raw(), b.Key.Raw()))
	})
	return list[:min(len(list), shownMissed)]
}

// ownMiss is the key that a command of ours looked up and did not find, which
// the server publishes as well. OBJECT and MEMORY USAGE are not published.
func ownMiss(command []string, reply any) (key string, ok bool) {
	if len(command) < 2 {
		return "", false
	}
	switch command[0] {
	case "object", "memory", "scan", "info", "config", "hotkeys", "latency", "slowlog":
		return "", false
	}
	switch r := reply.(type) {
	case nil:
		ok = true
	case int64:
		ok = r == 0 || r == -2
	case string:
		ok = r == "" || r == "none"
	case []any:
		ok = !slices.ContainsFunc(r, func(v any) bool { return v != nil })
	}
	return command[1], ok
}

// mostOwn bounds how many own misses are remembered during a moment.
const mostOwn = 8192

func (g *gate) noteMisses(commands [][]string, replies []any) {
	for i, c := range commands {
		if key, ok := ownMiss(c, replies[i]); ok && len(g.missed) < mostOwn {
			g.missed[strings.Clone(key)]++
		}
	}
}
