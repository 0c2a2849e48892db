package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/safe"
)

// Keys is what the key explorer knows: the cache keys that matter, the state of
// every limiter key it recognised, and what a sample of all keys looks like.
type Keys struct {
	At       time.Time
	Cache    []CacheKey
	Limiters []Limiter
	Coverage Value       // share of the keyspace looked at so far, 0..1: 1 once a whole pass was made
	Methods  []HotMethod // the ways to find hot keys, best first
	Groups   []KeyGroup  // by the beginning of their names, most keys first, the rest last
	Sample   KeySample   // of all keys
	Missed   []MissedKey // looked up and not there, most first; nil: nobody tells
	// MissedSeconds is for how long misses were listened to so far: in this time
	// those of Missed were counted.
	MissedSeconds float64
	Burst         *Burst        // the newest; nil: none
	Lint          []LimiterLint // what is wrong with the limiters' keys, all of them
}

// CacheKey is one key of the cache.
type CacheKey struct {
	Key        safe.Text
	Node       safe.Text // of a cluster: where it is
	Prefix     safe.Text // of the KeyGroup that it is in; zero: none
	Type       string    // "string", "hash", ...
	TTLSeconds Value     // unknown: no TTL or not asked
	NoTTL      bool      // the key never expires
	Bytes      Value     // MEMORY USAGE
	Reads      Value     // reads so far, by the app's own count; a total that may decay
	// Rate is reads per second as Method found them, at RateAt. It is a reading
	// and no subtraction of the analysis, since two readings of a counter that
	// decays, or a moment of listening, make one.
	Rate    Value
	AtLeast bool // Rate is a lower bound: the counter is saturated
	Method  Method
	RateAt  time.Time // zero: never
	At      time.Time // when this key was last looked at
}

// Method is a way to learn how often a key is read.
type Method string

// The methods, the most exact first.
const (
	MethodApp     Method = "app"      // the app's own sorted set of counts
	MethodMonitor Method = "monitor"  // a moment of MONITOR
	MethodHotkeys Method = "hotkeys"  // HOTKEYS, Redis 8.6 and newer: ranks by time and bytes
	MethodFreq    Method = "freq"     // OBJECT FREQ twice, where the policy is LFU
	MethodIdle    Method = "idle"     // OBJECT IDLETIME, where it is LRU or none
	MethodEvents  Method = "events"   // keyspace events, where they are on
	MethodTrack   Method = "tracking" // CLIENT TRACKING: which keys change
)

// HotMethod says whether a method is in use.
type HotMethod struct {
	Method Method
	On     bool
	Why    safe.Text // why not, or with what limit: "not allowed: --allow-monitor"
}

// KeyGroup is all keys that begin alike. Its numbers are estimates from what was
// seen of the keyspace, scaled to the whole.
type KeyGroup struct {
	Prefix  safe.Text // with its separator: "product:"; zero: the rest
	Keys    Value
	Bytes   Value     // from a sample of sizes
	NoTTL   Value     // keys that never expire
	Sampled int       // keys whose size and lifetime were asked for
	At      time.Time // when the keys were counted
	// Before is the estimate of the last whole pass, taken at BeforeAt: a group
	// whose NoTTL grows fills the memory.
	Before   *KeyGroup
	BeforeAt time.Time
}

// KeySample is an unbiased sample of all keys.
type KeySample struct {
	N     int     // keys in it
	Of    float64 // keys that it was drawn from
	NoTTL int     // of N
	Bytes []Bound // of N, cumulative by size
	TTLs  []Bound // of those with a lifetime, cumulative by seconds
}

// MissedKey is a key that was looked up and was not there.
type MissedKey struct {
	Key    safe.Text
	Misses Value // so far, at least
}

// Burst is a moment of MONITOR.
type Burst struct {
	At          time.Time
	Node        safe.Text // of a cluster: which one was listened to
	SpanSeconds float64
	Lines       int    // commands, without apitop's own
	Cut         string // what ended it: "lines", "bytes", "time"
	Commands    []BurstCount
	Clients     []BurstCount // by address without port
	WriteRatio  Value        // writes over all commands with a key
}

// BurstCount is how often something was seen in a burst.
type BurstCount struct {
	Name  safe.Text
	Count int
}

// Limiter is one rate-limit key as it stands.
type Limiter struct {
	Key            safe.Text
	Node           safe.Text // of a cluster: where it is
	Series         safe.Text // Key without the number of the window in it: the same from window to window; zero: Key
	Subject        safe.Text // who is limited: "user:7", "10.0.0.1"
	Tier           safe.Text // empty: unknown
	Endpoint       safe.Text // empty: one limit for all
	Layout         string    // "apitop-demo"
	Algorithm      string    // "sliding-log", "gcra"
	Used           Value     // requests in the window now
	Limit          Value     // allowed in the window
	LimitFrom      string    // where Limit was found: "key", "neighbour", "metrics", "headers", "config", "monitor", "ceiling"; empty: unknown
	WindowSeconds  Value
	ResetsSeconds  Value     // until a slot frees (a log, and whoever is blocked), else until all is free again
	Blocked        bool      // the key itself says so, whatever Used and Limit are
	DeniedTotal    Value     // rejections so far, where the layout counts them
	RequestedTotal Value     // decisions so far, where the layout counts them
	Lint           []string  // names of the rules of [LimiterLint] that it breaks
	At             time.Time // when this key was last looked at
}

// LimiterLint is one kind of mistake in a limiter's keys.
type LimiterLint struct {
	Rule    string // "whole-seconds", "over-limit", "no-ttl", "never-resets"
	Layout  string
	What    safe.Text // a sentence: what it is and what it does to callers
	Fix     string
	Keys    int       // that show it
	Example safe.Text // one of them
}

func (k *Keys) addTo(s *Snapshot) { s.Keys = k }

// Facts implements [Reading].
func (k *Keys) Facts() []Fact {
	f := []Fact{
		{"cache_keys", len(k.Cache)},
		{"limiter_keys", len(k.Limiters)},
	}
	if layouts := k.layouts(); layouts != "" {
		f = append(f, Fact{"layouts", layouts})
	}
	return append(f, Fact{"coverage_ratio", k.Coverage})
}

// layouts says how many limiter keys are of each layout, most first:
// "apitop-demo 12, redis_rate 3"; empty: there are none.
func (k *Keys) layouts() string {
	counts := map[string]int{}
	for i := range k.Limiters {
		counts[k.Limiters[i].Layout]++
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + strconv.Itoa(counts[name])
	}
	return strings.Join(names, ", ")
}
