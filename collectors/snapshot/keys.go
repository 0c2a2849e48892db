package snapshot

import (
	"time"

	"apitop/collectors/safe"
)

// Keys is what the key explorer knows: the cache keys that matter and the state
// of every limiter key it recognised.
type Keys struct {
	At       time.Time
	Cache    []CacheKey
	Limiters []Limiter
	Coverage Value // share of the keyspace seen in the pass so far, 0..1
}

// CacheKey is one key of the cache.
type CacheKey struct {
	Key        safe.Text
	Type       string    // "string", "hash", ...
	TTLSeconds Value     // unknown: no TTL or not asked
	NoTTL      bool      // the key never expires
	Bytes      Value     // MEMORY USAGE
	Reads      Value     // reads so far, by Method; a total that may decay
	Method     string    // how Reads was got: "app" (the app's own counts); empty: none
	At         time.Time // when this key was last looked at
}

// Limiter is one rate-limit key as it stands.
type Limiter struct {
	Key            safe.Text
	Subject        safe.Text // who is limited: "user:7", "10.0.0.1"
	Tier           safe.Text // empty: unknown
	Endpoint       safe.Text // empty: one limit for all
	Layout         string    // "apitop-demo"
	Algorithm      string    // "sliding-log", "gcra"
	Used           Value     // requests in the window now
	Limit          Value     // allowed in the window
	LimitFrom      string    // where Limit was found: "key", "neighbour", "metrics", "config"; empty: unknown
	WindowSeconds  Value
	ResetsSeconds  Value     // until a slot frees (blocked) or the window is empty
	DeniedTotal    Value     // rejections so far, where the layout counts them
	RequestedTotal Value     // decisions so far, where the layout counts them
	At             time.Time // when this key was last looked at
}

func (k *Keys) addTo(s *Snapshot) { s.Keys = k }

// Facts implements [Reading].
func (k *Keys) Facts() []Fact {
	return []Fact{
		{"cache_keys", len(k.Cache)},
		{"limiter_keys", len(k.Limiters)},
		{"coverage_ratio", k.Coverage},
	}
}
