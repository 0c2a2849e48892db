package rediskeys

import (
	"context"
	"strconv"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisvalue"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Detail is one key, looked at on request.
type Detail struct {
	Key        safe.Text
	Found      bool           // false: there is no such key, or it may not be read
	Type       string         // "string", "hash", ...
	Encoding   string         // how the server stores it: "embstr", "listpack", ...
	TTLSeconds snapshot.Value // unknown: no lifetime, or not permitted to ask
	NoTTL      bool           // the key never expires
	Bytes      snapshot.Value // MEMORY USAGE, which looks at a few elements only
	Length     snapshot.Value // bytes of a string, elements of anything else
	Format     string         // what a string or the first element is; see [redisvalue.Value]; empty: not read
	Preview    []safe.Text    // lines of the beginning of a string, or a few elements
	Cut        bool           // there is more than Preview
	Missing    []string       // what could not be asked, and why
}

const (
	previewBytes    = 256      // of a string: the whole of it may be huge
	previewElements = 3        // of anything else
	sampledElements = 5        // that MEMORY USAGE looks at
	mostElementSize = 64 << 10 // bytes of all elements that are read
	mostFieldSize   = 1 << 10  // bytes of a hash's field
	elementCells    = 240      // of a line
)

// Inspect looks at one key in a few round trips whose cost does not depend on
// its size: of a string the first 256 bytes are read, of other types three
// elements, and those only where MEMORY USAGE says that they are small. key is
// the raw name. It is for a person who asks, not for every round: on servers
// before 7.2 it counts as a use of the key in the server's LRU or LFU. The error
// is a [snapshot.Failure].
func Inspect(ctx context.Context, server *redisconn.Server, key string) (Detail, error) {
	conn, err := server.NodeOf(ctx, key)
	if err != nil {
		return Detail{}, err
	}
	i := inspection{gate: conn.Gate(), key: key, Detail: Detail{Key: safe.Short(key, shownCells)}}
	err = i.look(ctx)
	return i.Detail, err
}

// asker sends commands; a [redisconn.Gate] is one.
type asker interface {
	Do(ctx context.Context, commands [][]string) ([]any, error)
}

// inspection is one look at a key.
type inspection struct {
	Detail
	gate asker
	key  string
}

func (i *inspection) look(ctx context.Context) error {
	if err := i.facts(ctx); err != nil || !i.Found {
		return err
	}
	if i.Type == "string" {
		return i.text(ctx)
	}
	if err := i.length(ctx); err != nil || !i.readable() {
		return err
	}
	return i.elements(ctx)
}

// ask sends commands about the key, its name put behind each command's own; what
// is refused is noted as missing.
func (i *inspection) ask(ctx context.Context, commands ...[]string) ([]any, error) {
	replies, err := i.gate.Do(ctx, commands)
	if err != nil {
		return nil, err
	}
	for n, words := range commands {
		if e, bad := replies[n].(error); bad {
			i.Missing = append(i.Missing, redisconn.CommandName(words)+": "+safe.Clean(e.Error(), 100))
			replies[n] = nil
		}
	}
	return replies, nil
}

// facts asks for what every key has.
func (i *inspection) facts(ctx context.Context) error {
	replies, err := i.ask(ctx,
		[]string{"pttl", i.key}, []string{"type", i.key}, []string{"memory", "usage", i.key}, []string{"object", "encoding", i.key})
	if err != nil {
		return err
	}
	kind, _ := replies[1].(string)
	ttl, asked := replies[0].(int64)
	if kind == "none" || ttl == -2 || kind == "" && !asked && replies[2] == nil {
		return nil
	}
	i.Found, i.Type, i.NoTTL = true, safe.Clean(kind, 24), asked && ttl == -1
	if ttl >= 0 && asked {
		i.TTLSeconds = snapshot.Known(float64(ttl) / 1000)
	}
	i.Bytes = count(replies[2])
	if s, ok := replies[3].(string); ok {
		i.Encoding = safe.Clean(s, 24)
	}
	return nil
}

func count(reply any) snapshot.Value {
	n, ok := reply.(int64)
	return snapshot.Value{V: float64(n), OK: ok}
}

// text reads the beginning of a string.
func (i *inspection) text(ctx context.Context) error {
	replies, err := i.ask(ctx, []string{"strlen", i.key}, []string{"getrange", i.key, "0", strconv.Itoa(previewBytes - 1)})
	if err != nil {
		return err
	}
	i.Length = count(replies[0])
	s, read := replies[1].(string)
	if !read {
		return nil
	}
	whole := len(s) < previewBytes || i.Length.OK && i.Length.V <= float64(len(s))
	v := redisvalue.Describe([]byte(s), whole)
	i.Format, i.Preview, i.Cut = v.Format, v.Lines, v.Cut
	return nil
}

// length asks for the number of elements, by the type of the key.
func (i *inspection) length(ctx context.Context) error {
	name := map[string]string{"hash": "hlen", "list": "llen", "set": "scard", "zset": "zcard", "stream": "xlen"}[i.Type]
	if name == "" {
		return nil
	}
	replies, err := i.ask(ctx, []string{name, i.key})
	if err != nil {
		return err
	}
	i.Length = count(replies[0])
	return nil
}

// readable tells whether a few elements are small enough to be read. MEMORY USAGE
// takes the size of the first five for that of all, so that they cannot be bigger
// than five times what an element has on average. Lists and streams are kept in
// nodes of many elements, of which it takes the first five: they must be small
// as a whole.
func (i *inspection) readable() bool {
	if !i.Bytes.OK || !i.Length.OK {
		return false
	}
	size := i.Bytes.V
	if i.Type == "hash" || i.Type == "set" || i.Type == "zset" {
		size *= sampledElements / max(i.Length.V, sampledElements)
	}
	if size > mostElementSize {
		i.Missing = append(i.Missing, "elements are not read of what takes more than 64K")
		return false
	}
	return true
}

// elements reads a few elements.
func (i *inspection) elements(ctx context.Context) error {
	few := strconv.Itoa(previewElements)
	last := strconv.Itoa(previewElements - 1)
	command := map[string][]string{
		"hash": {"hrandfield", i.key, few}, "set": {"srandmember", i.key, few},
		"list": {"lrange", i.key, "0", last}, "zset": {"zrange", i.key, "0", last, "withscores"},
		"stream": {"xrevrange", i.key, "+", "-", "count", "1"},
	}[i.Type]
	if command == nil {
		return nil
	}
	replies, err := i.ask(ctx, command)
	if err != nil {
		return err
	}
	list, _ := replies[0].([]any)
	switch i.Type {
	case "hash":
		return i.fields(ctx, texts(list))
	case "zset":
		members := texts(list)
		for n := 0; n+1 < len(members); n += 2 {
			i.line(members[n+1] + "  " + members[n])
		}
	case "stream":
		i.entry(list)
		i.Cut = i.Length.V > float64(len(list))
		return nil
	default:
		i.values(texts(list))
	}
	i.Cut = i.Length.V > float64(len(i.Preview))
	return nil
}

// texts are the replies that are texts.
func texts(list []any) []string {
	var out []string
	for _, r := range list {
		if s, ok := r.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (i *inspection) line(s string) { i.Preview = append(i.Preview, safe.Short(s, elementCells)) }

// values writes elements one a line.
func (i *inspection) values(list []string) {
	for n, s := range list {
		if n == 0 {
			i.Format = redisvalue.Describe([]byte(s[:min(len(s), previewBytes)]), len(s) <= previewBytes).Format
		}
		i.line(s)
	}
}

// entry writes the newest entry of a stream.
func (i *inspection) entry(list []any) {
	for _, e := range list {
		parts, _ := e.([]any)
		if len(parts) != 2 {
			continue
		}
		id, _ := parts[0].(string)
		i.line(id)
		fields, _ := parts[1].([]any)
		pairs := texts(fields)
		for n := 0; n+1 < len(pairs); n += 2 {
			i.line("  " + pairs[n] + " = " + pairs[n+1])
		}
	}
}

// fields reads those of the fields of a hash that are small.
func (i *inspection) fields(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	var asks [][]string
	for _, name := range names {
		asks = append(asks, []string{"hstrlen", i.key, name})
	}
	sizes, err := i.ask(ctx, asks...)
	if err != nil {
		return err
	}
	ask := []string{"hmget", i.key}
	for n, name := range names {
		if size := count(sizes[n]); size.OK && size.V <= mostFieldSize {
			ask = append(ask, name)
		}
	}
	values := map[string]string{}
	if len(ask) > 2 {
		replies, err := i.ask(ctx, ask)
		if err != nil {
			return err
		}
		list, _ := replies[0].([]any)
		for n, v := range list {
			if s, ok := v.(string); ok {
				values[ask[n+2]] = s
			}
		}
	}
	i.pairs(names, sizes, values)
	return nil
}

// pairs writes the fields of a hash, and of those that were not read the size.
func (i *inspection) pairs(names []string, sizes []any, values map[string]string) {
	for n, name := range names {
		value, read := values[name]
		switch size := count(sizes[n]); {
		case read:
			i.line(name + " = " + value)
		case size.OK:
			i.line(name + ": " + strconv.Itoa(int(size.V)) + " bytes, not read")
		default:
			i.line(name)
		}
	}
	i.Cut = i.Length.V > float64(len(names))
}
