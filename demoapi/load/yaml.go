package load

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxScenario bounds a scenario's file, in bytes.
const maxScenario = 1 << 20

// ReadScenario reads a scenario from YAML:
//
//	name: shop
//	headers: {Accept: application/json}      # of every request
//	values:                                  # placeholders
//	  key:  {zipf: 0.99, count: 1000}        # 1..1000; zipf 0, the default: all alike
//	  page: {count: 5, first: 0}
//	  word: {list: [lamp, desk], zipf: 1}    # the most wanted first
//	users:                                   # who asks; without it one caller
//	  - {tier: guest, share: 60, identities: 100}
//	  - {tier: basic, share: 40, identities: 10}
//	client_header: X-Client-Id               # names the caller
//	login:                                   # how callers get the token that they send as a bearer
//	  path: /auth/login
//	  body: '{"username":"{user}","password":"secret"}'
//	  token: token                           # the field of the answer
//	  user: "{tier}{n}"
//	  guests: guest                          # the tier without accounts
//	requests:
//	  - {name: "/products/{id}", path: "/products/{key}", weight: 40}
//	  - {method: POST, path: /search, body: '{"query":"{word}"}', headers: {X-A: b}, weight: 15}
//	  - {path: /users/me, weight: 3, account: true}
//	sequential: false                        # closed loop: one endpoint after another
//
// It is strict: what it does not know is an error, which says where and what was
// expected. Aliases are not supported.
func ReadScenario(in io.Reader) (*Scenario, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxScenario+1))
	if err != nil {
		return nil, fmt.Errorf("load: read a scenario: %w", err)
	}
	if len(text) > maxScenario {
		return nil, fmt.Errorf("load: read a scenario: more than %d bytes", maxScenario)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("load: read a scenario: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, errors.New("load: read a scenario: it is empty")
	}
	s := &Scenario{Name: "scenario"}
	r := &reader{}
	r.scenario(doc.Content[0], s)
	if r.err != nil {
		return nil, fmt.Errorf("load: read a scenario: %w", r.err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("load: read a scenario: %w", err)
	}
	return s, nil
}

// reader goes through the nodes and keeps the first error.
type reader struct{ err error }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
	}
}

// fields are the keys of a mapping with what reads their values.
type fields map[string]func(key string, value *yaml.Node)

// mapping calls for each key its function.
func (r *reader) mapping(n *yaml.Node, what string, known fields) {
	r.pairs(n, what, func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if !ok {
			r.fail(key, "unknown key %q in %s: want one of %s", cut(key.Value), what, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		read(key.Value, value)
	})
}

// pairs calls back for each key of a mapping, until there is an error.
func (r *reader) pairs(n *yaml.Node, what string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: want a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && r.err == nil; i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, "%s: want a word as key", what)
		case seen[key.Value]:
			r.fail(key, "%s: %q is given twice", what, cut(key.Value))
		default:
			seen[key.Value] = true
			each(key, n.Content[i+1])
		}
	}
}

func (r *reader) list(n *yaml.Node, what string, each func(i int, value *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list", what)
		return
	}
	for i, value := range n.Content {
		if r.err == nil {
			each(i, value)
		}
	}
}

func (r *reader) text(to *string) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			r.fail(n, "%s: want a text", key)
			return
		}
		*to = n.Value
	}
}

func (r *reader) boolean(to *bool) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(to) != nil {
			r.fail(n, "%s: want true or false", key)
		}
	}
}

func (r *reader) number(to *float64) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		v, err := strconv.ParseFloat(n.Value, 64)
		if n.Kind != yaml.ScalarNode || err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			r.fail(n, "%s: want a number of at least 0, not %q", key, cut(n.Value))
			return
		}
		*to = v
	}
}

func (r *reader) count(to *int) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		v, err := strconv.ParseUint(n.Value, 10, 31)
		if n.Kind != yaml.ScalarNode || err != nil {
			r.fail(n, "%s: want a whole number of at least 0, not %q", key, cut(n.Value))
			return
		}
		*to = int(v)
	}
}

func (r *reader) texts(to *map[string]string) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		*to = map[string]string{}
		r.pairs(n, what, func(key, value *yaml.Node) {
			var text string
			r.text(&text)(key.Value, value)
			(*to)[key.Value] = text
		})
	}
}

// cut shortens what an error repeats.
func cut(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
