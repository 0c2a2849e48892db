package rediskeys

import (
	"context"
	"strconv"

	"apitop/collectors/redisconn"
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
	Preview    safe.Text      // the beginning of a string; empty for other types
	Cut        bool           // the string goes on behind Preview
}

// previewBytes is how much of a string is read: the whole of it may be huge.
const previewBytes = 256

// Inspect looks at one key in two round trips whose cost does not depend on its
// size. key is the raw name. It is for a person who asks, not for every round:
// on servers before 7.2 it counts as a use of the key in the server's LRU or
// LFU. The error is a [snapshot.Failure].
func Inspect(ctx context.Context, server *redisconn.Server, key string) (Detail, error) {
	conn, err := server.NodeOf(ctx, key)
	if err != nil {
		return Detail{}, err
	}
	return inspect(ctx, conn, key)
}

func inspect(ctx context.Context, conn redisconn.Doer, key string) (Detail, error) {
	d := Detail{Key: safe.Short(key, shownCells)}
	replies, err := conn.Do(ctx,
		[]string{"pttl", key}, []string{"type", key}, []string{"memory", "usage", key}, []string{"object", "encoding", key})
	if err != nil {
		return d, err
	}
	f := facts{ttl: replies[0], kind: replies[1], bytes: replies[2]}
	if f.gone() || f.none() {
		return d, nil
	}
	k := f.cacheKey(key)
	d.Found, d.Type, d.TTLSeconds, d.NoTTL, d.Bytes = true, k.Type, k.TTLSeconds, k.NoTTL, k.Bytes
	if s, ok := replies[3].(string); ok {
		d.Encoding = safe.Clean(s, 24)
	}
	asks := lengthOf(d.Type, key)
	if asks == nil {
		return d, nil
	}
	if replies, err = conn.Do(ctx, asks...); err != nil {
		return d, err
	}
	if n, ok := replies[0].(int64); ok {
		d.Length = snapshot.Known(float64(n))
	}
	if len(replies) > 1 {
		s, _ := replies[1].(string)
		d.Preview = safe.Short(s, previewBytes)
		d.Cut = d.Length.V > float64(len(s))
	}
	return d, nil
}

// lengthOf asks for the length of a key by its type, and for the beginning of a
// string; nil for types that have none.
func lengthOf(kind, key string) [][]string {
	switch kind {
	case "string":
		return [][]string{{"strlen", key}, {"getrange", key, "0", strconv.Itoa(previewBytes - 1)}}
	case "hash":
		return [][]string{{"hlen", key}}
	case "list":
		return [][]string{{"llen", key}}
	case "set":
		return [][]string{{"scard", key}}
	case "zset":
		return [][]string{{"zcard", key}}
	case "stream":
		return [][]string{{"xlen", key}}
	}
	return nil
}
