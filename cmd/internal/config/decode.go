package config

import (
	"encoding"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A decoder puts nodes into values, by the yaml tags of their fields, and
// remembers where each key stands. Aliases count each time they are used, so
// that a few lines cannot stand for millions.
type decoder struct {
	file  *File
	nodes int // visited so far
}

const (
	maxNodes = 50_000
	maxDepth = 20
)

var durationType = reflect.TypeFor[time.Duration]()

// decode puts n into v. path is how n is called in errors.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string, depth int) error {
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		return d.file.wrong(n, path, "too much is nested here")
	}
	if n.Kind == yaml.AliasNode {
		return d.decode(n.Alias, v, path, depth+1)
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // a key without a value is as good as none
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return d.decode(n, v.Elem(), path, depth)
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return d.text(n, u, path)
	}
	switch {
	case v.Type() == durationType:
		return d.duration(n, v, path)
	case v.Kind() == reflect.Struct:
		return d.object(n, v, path, depth)
	case v.Kind() == reflect.Slice:
		return d.list(n, v, path, depth)
	case v.Kind() == reflect.Map:
		return d.dictionary(n, v, path, depth)
	}
	return d.scalar(n, v, path)
}

// text is for values that read themselves. Their errors say what is allowed and
// nothing of the text.
func (d *decoder) text(n *yaml.Node, u encoding.TextUnmarshaler, path string) error {
	if n.Kind != yaml.ScalarNode {
		return d.file.wrong(n, path, "want a text")
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		return d.file.wrong(n, path, err.Error())
	}
	d.mark(path, n.Value)
	return nil
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, path string) error {
	took, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return d.file.wrong(n, path, "want a duration such as 1s, 500ms or 1m30s")
	}
	v.SetInt(int64(took))
	return nil
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) error {
	var want string
	switch v.Kind() {
	case reflect.String:
		if want = "want a text"; n.Kind == yaml.ScalarNode {
			v.SetString(n.Value)
			d.mark(path, n.Value)
			return nil
		}
	case reflect.Bool:
		if want = "want true or false"; n.Kind == yaml.ScalarNode && (n.Value == "true" || n.Value == "false") {
			v.SetBool(n.Value == "true")
			return nil
		}
	case reflect.Int:
		want = "want a whole number"
		if i, err := strconv.Atoi(n.Value); n.Kind == yaml.ScalarNode && err == nil {
			v.SetInt(int64(i))
			return nil
		}
	default: // a type nobody taught it: only a test can get here
		want = "cannot be read"
	}
	return d.file.wrong(n, path, want)
}

// list also takes one element alone: "route: path" is "route: [path]".
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, depth int) error {
	elements := n.Content
	switch {
	case n.Kind == yaml.ScalarNode:
		elements = []*yaml.Node{n}
	case n.Kind != yaml.SequenceNode:
		return d.file.wrong(n, path, "want a list: begin each element with -")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, e := range elements {
		at := element(path, i)
		d.put(at, e)
		if err := d.decode(e, v.Index(i), at, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// dictionary is for keys that the user makes up, such as headers.
func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, path string, depth int) error {
	v.Set(reflect.MakeMap(v.Type()))
	return d.pairs(n, path, func(key, value *yaml.Node) error {
		at := join(path, shown(key.Value))
		d.put(at, key)
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.decode(value, e, at, depth+1); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), e)
		return nil
	})
}

// object is for structs. A bare text is the field that bare names.
func (d *decoder) object(n *yaml.Node, v reflect.Value, path string, depth int) error {
	if b, ok := reflect.TypeAssert[bare](v.Addr()); ok && n.Kind == yaml.ScalarNode {
		return d.decode(n, reflect.ValueOf(b.bare()).Elem(), path, depth+1)
	}
	fields := map[string]reflect.Value{}
	fieldsOf(v, fields)
	return d.pairs(n, path, func(key, value *yaml.Node) error {
		field, ok := fields[key.Value]
		if !ok {
			return d.file.wrong(key, path, unknown(key.Value, fields))
		}
		at := join(path, key.Value)
		d.put(at, key)
		return d.decode(value, field, at, depth+1)
	})
}

// fieldsOf collects the fields of v by the names in the file.
func fieldsOf(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			fieldsOf(v.Field(i), into)
		case name != "":
			into[name] = v.Field(i)
		}
	}
}

// pairs calls each for every key of a mapping, those that "<<" merges after its
// own.
func (d *decoder) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node) error) error {
	return d.merged(n, path, map[string]bool{}, each)
}

func (d *decoder) merged(n *yaml.Node, path string, seen map[string]bool, each func(key, value *yaml.Node) error) error {
	if d.nodes++; d.nodes > maxNodes {
		return d.file.wrong(n, path, "too much is nested here")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return d.file.wrong(n, path, "want keys and values, such as url: …")
	}
	var merges []*yaml.Node
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return d.file.wrong(key, path, "want a word as key")
		case key.Tag == "!!merge":
			merges = append(merges, value)
		case own[key.Value]:
			return d.file.wrong(key, join(path, shown(key.Value)), "it is given twice")
		case !seen[key.Value]:
			own[key.Value] = true
			if err := each(key, value); err != nil {
				return err
			}
		}
	}
	for key := range own {
		seen[key] = true
	}
	for _, m := range merges {
		several := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			several = m.Content
		}
		for _, one := range several {
			if err := d.merged(one, path, seen, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// put remembers where a key stands.
func (d *decoder) put(path string, n *yaml.Node) {
	d.file.places[path] = place{line: n.Line, column: n.Column}
}

// mark remembers that the text at path is a secret, if it is one.
func (d *decoder) mark(path, value string) {
	if p, ok := d.file.places[path]; ok && secret(path, value) {
		p.secret = true
		d.file.places[path] = p
	}
}

// secretKeys are keys whose values are secrets whatever they look like.
var secretKeys = []string{"password", "credentials", "bearer_token", "key", "secrets"}

var secretHeader = regexp.MustCompile(`(?i)auth|cookie|token|secret|key|password|session|…`)

// passwordSetting is how a DSN of pairs, or a query, holds a password.
var passwordSetting = regexp.MustCompile(`(?i)password\s*=`)

// pattern tells whether what is at path speaks of keys and callers in Redis: a
// key is none to a lock there, and an @ ends no password.
func pattern(path string) bool {
	top, _, _ := strings.Cut(path, "[")
	return top == "limiters" || top == "limits" || top == "tiers"
}

// secret tells whether others should not read value.
func secret(path, value string) bool {
	if value == "" || pattern(path) {
		return false
	}
	key := path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ := strings.Cut(key, "[")
	if slices.Contains(secretKeys, name) {
		return true
	}
	if _, header, ok := strings.Cut(path, "headers."); ok && name != "files" && secretHeader.MatchString(header) {
		return true
	}
	return HasPassword(value)
}

// HasPassword tells whether an address or DSN holds a password: password=, or
// user:password@, or, but for Postgres, also token@.
func HasPassword(address string) bool {
	if passwordSetting.MatchString(address) {
		return true
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	user := rest[:max(strings.LastIndexByte(rest, '@'), 0)]
	return strings.Contains(user, ":") || user != "" && ok && !strings.HasPrefix(scheme, "postgres")
}

// ordinary is what keys look like. Others are not repeated in errors: they may be
// a secret in the wrong place.
var ordinary = regexp.MustCompile(`^[a-z_]{1,30}$`)

// shown is a key in errors.
func shown(key string) string {
	if ordinary.MatchString(key) || headerName.MatchString(key) {
		return key
	}
	return "…"
}

// headerName is what headers are called: X-Scope-OrgID.
var headerName = regexp.MustCompile(`^(?i:[a-z]+(-[a-z]+)+|authorization|cookie)$`)

// unknown says of a key that nobody reads what is allowed instead.
func unknown(key string, fields map[string]reflect.Value) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	what := "unknown key"
	if ordinary.MatchString(key) {
		what += " " + key
	}
	if near := nearest(key, names); near != "" {
		what += ": did you mean " + near + "?"
	}
	return what + " (allowed: " + strings.Join(names, ", ") + ")"
}

// nearest is the name that key was meant to be; empty when none is close.
func nearest(key string, names []string) string {
	best, least := "", len(key)/3+1
	for _, name := range names {
		if n := distance(key, name); n <= least && (best == "" || n < least) {
			best, least = name, n
		}
	}
	return best
}

// distance is how many characters must be changed, added or left out to make one
// of the other (Levenshtein). Both are short.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, last+1, row[j]+1)
		}
	}
	return row[len(b)]
}
