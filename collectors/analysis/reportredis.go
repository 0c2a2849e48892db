package analysis

import "time"

// Cache is the state of Redis and the keys that matter. Of a cluster the masters
// are added up, or the worst one counts, as each field says.
type Cache struct {
	HitRatio         Value    `json:"hit_ratio"`                // without our own reads
	HitRatioFrom     string   `json:"hit_ratio_from,omitempty"` // "metrics": the service's own count; "redis": all lookups there; empty: unknown
	OpsPerSecond     Value    `json:"ops_per_second"`           // without our own commands
	MemoryBytes      Value    `json:"memory_bytes"`
	MaxMemoryBytes   Value    `json:"max_memory_bytes"`
	EvictedPerSecond Value    `json:"evicted_per_second"`
	ExpiredPerSecond Value    `json:"expired_per_second"`
	ErrorsPerSecond  Value    `json:"errors_per_second"`
	Clients          Value    `json:"clients"`
	Keys             Value    `json:"keys"`
	HotKeys          []HotKey `json:"hot_keys"` // most reads first, then the biggest; null: nobody looked

	Server             Text           `json:"server"`
	Mode               string         `json:"mode,omitempty"` // "standalone", "cluster", "sentinel", "embedded"
	Policy             Text           `json:"policy"`
	RSSBytes           Value          `json:"rss_bytes"`
	FragmentationRatio Value          `json:"fragmentation_ratio"` // the worst node's
	CPURatio           Value          `json:"cpu_ratio"`           // of one core, the busiest node's
	BlockedClients     Value          `json:"blocked_clients"`
	MaxClients         Value          `json:"max_clients"`
	RejectedPerSecond  Value          `json:"rejected_connections_per_second"`
	ConnectsPerSecond  Value          `json:"connections_per_second"`
	NetInPerSecond     Value          `json:"net_in_bytes_per_second"`
	NetOutPerSecond    Value          `json:"net_out_bytes_per_second"`
	ExpiringKeys       Value          `json:"expiring_keys"` // those that have a lifetime
	AvgTTLSeconds      Value          `json:"avg_ttl_seconds"`
	SlowPerSecond      Value          `json:"slow_per_second"`         // commands beyond the slow log's limit
	OwnPerSecond       Value          `json:"own_commands_per_second"` // what apitop itself sends
	Commands           []RedisCommand `json:"commands"`                // most of the server's time first; null: unknown
	Errors             []RedisError   `json:"errors"`                  // most in the window first
	KeySizes           []KeySizes     `json:"key_sizes"`               // of all keys, by type; null: the server does not tell
	Nodes              []CacheNode    `json:"nodes,omitempty"`         // of a cluster
	Coverage           Value          `json:"coverage_ratio"`          // share of the keyspace seen in this pass
	Methods            []HotMethod    `json:"methods"`
	Prefixes           []Prefix       `json:"prefixes"` // most keys first
	Sample             *KeySample     `json:"sample"`
	Missed             []MissedKey    `json:"missed"` // null: nobody tells
	Burst              *Burst         `json:"burst,omitempty"`
}

// RedisCommand is one command in the window, without what apitop sent.
type RedisCommand struct {
	Name            string `json:"name"`
	CallsPerSecond  Value  `json:"calls_per_second"`
	TimeShare       Value  `json:"time_share"` // of the server's time in commands, 0..1
	Mean            Value  `json:"mean_seconds"`
	P50             Value  `json:"p50_seconds"`
	P99             Value  `json:"p99_seconds"`
	LatencyFrom     string `json:"latency_from,omitempty"` // "window", or "start": since the server's start
	FailedPerSecond Value  `json:"failed_per_second"`      // with those rejected
}

// RedisError is the error replies with one code.
type RedisError struct {
	Code      Text  `json:"code"`
	PerSecond Value `json:"per_second"`
	Total     Value `json:"total"`
}

// KeySizes is how big the keys of one type are.
type KeySizes struct {
	Type    string  `json:"type"`
	Unit    string  `json:"unit"` // "bytes", "elements"
	Buckets []Count `json:"buckets"`
}

// Count is how many there are up to a bound, beyond the one before.
type Count struct {
	UpTo Value   `json:"up_to"` // unknown: no bound
	N    float64 `json:"n"`
}

// CacheNode is one master of a cluster.
type CacheNode struct {
	Node         Text  `json:"node"`
	Server       Text  `json:"server"`
	OpsPerSecond Value `json:"ops_per_second"`
	HitRatio     Value `json:"hit_ratio"`
	MemoryBytes  Value `json:"memory_bytes"`
	Keys         Value `json:"keys"`
	Clients      Value `json:"clients"`
	CPURatio     Value `json:"cpu_ratio"`
}

// HotKey is one cache key.
type HotKey struct {
	Key            Text      `json:"key"`
	Node           Text      `json:"node,omitzero"`
	ReadsPerSecond Value     `json:"reads_per_second"`
	AtLeast        bool      `json:"at_least,omitempty"` // the rate is a lower bound
	Method         string    `json:"method,omitempty"`   // how the rate was got: "app", "monitor", "hotkeys", "freq", "idle"
	RateAge        Value     `json:"rate_age_seconds"`   // since the rate was measured
	Share          Value     `json:"share"`              // of the reads of all keys in this list, 0..1
	TTLSeconds     Value     `json:"ttl_seconds"`
	NoTTL          bool      `json:"no_ttl,omitempty"`
	Bytes          Value     `json:"bytes"`
	GrowthPerSec   Value     `json:"growth_bytes_per_second"` // of a key without a lifetime
	Type           string    `json:"type"`
	AgeSeconds     Value     `json:"age_seconds"`
	Trend          []float32 `json:"-"` // reads per second, a reading, oldest first; NaN is a gap
	prefix         Text      // the group that it is in
}

// HotMethod is a way to find hot keys, and whether it is used.
type HotMethod struct {
	Method string `json:"method"`
	On     bool   `json:"on"`
	Why    Text   `json:"why,omitzero"`
}

// Prefix is all keys that begin alike; estimates.
type Prefix struct {
	Prefix         Text  `json:"prefix"` // zero: the rest
	Keys           Value `json:"keys"`
	Share          Value `json:"share"` // of all keys
	Bytes          Value `json:"bytes"`
	NoTTL          Value `json:"no_ttl_keys"`
	NoTTLPerSecond Value `json:"no_ttl_growth_per_second"` // keys without a lifetime that came since the last pass
	ReadsPerSecond Value `json:"reads_per_second"`         // of the followed keys in it
	Sampled        int   `json:"sampled"`
}

// KeySample is an unbiased sample of all keys.
type KeySample struct {
	N     int     `json:"n"`
	Of    float64 `json:"of"`
	NoTTL int     `json:"no_ttl"`
	Bytes []Count `json:"bytes"`
	TTLs  []Count `json:"ttl_seconds"`
}

// MissedKey is a key that is looked up and not there.
type MissedKey struct {
	Key             Text  `json:"key"`
	MissesPerSecond Value `json:"misses_per_second"`
}

// Burst is a moment of listening to all commands.
type Burst struct {
	At         time.Time    `json:"at"`
	Node       Text         `json:"node,omitzero"` // of a cluster: which one was listened to
	AgeSeconds Value        `json:"age_seconds"`
	Span       Value        `json:"span_seconds"`
	Lines      int          `json:"lines"`
	Cut        string       `json:"cut"` // what ended it: "lines", "bytes", "time"
	Commands   []BurstCount `json:"commands"`
	Clients    []BurstCount `json:"clients"`
	WriteRatio Value        `json:"write_ratio"`
}

// BurstCount is how often something was seen.
type BurstCount struct {
	Name  Text `json:"name"`
	Count int  `json:"count"`
}

// Limits is the rate limiter as its keys show it.
type Limits struct {
	ThrottledSubjects int           `json:"throttled_subjects"`
	DeniedPerSecond   Value         `json:"denied_per_second"`
	Subjects          []Subject     `json:"subjects"`       // blocked first, then by used / limit
	Lint              []LimiterLint `json:"lint"`           // never nil
	Layouts           []LayoutCount `json:"layouts"`        // most keys first
	Coverage          Value         `json:"coverage_ratio"` // share of the keyspace searched for limiter keys
}

// LayoutCount is how many keys of a layout are followed.
type LayoutCount struct {
	Layout string `json:"layout"`
	Keys   int    `json:"keys"`
}

// LimiterLint is one kind of mistake in a limiter's keys.
type LimiterLint struct {
	Rule    string `json:"rule"`
	Layout  string `json:"layout"`
	What    Text   `json:"what"`
	Fix     string `json:"fix"`
	Keys    int    `json:"keys"`
	Example Text   `json:"example"`
}

// Subject is one who is limited, at one endpoint.
type Subject struct {
	Subject           Text      `json:"subject"`
	Tier              Text      `json:"tier"`
	Endpoint          Text      `json:"endpoint"`
	Layout            string    `json:"layout"`
	Algorithm         string    `json:"algorithm"`
	Key               Text      `json:"key"`
	Used              Value     `json:"used"`
	Limit             Value     `json:"limit"`
	LimitFrom         string    `json:"limit_from,omitempty"`
	WindowSeconds     Value     `json:"window_seconds"`
	Remaining         Value     `json:"remaining"`
	ResetsInSeconds   Value     `json:"resets_in_seconds"`
	RequestsPerSecond Value     `json:"requests_per_second"` // decisions, denied ones too
	DeniedPerSecond   Value     `json:"denied_per_second"`
	Share             Value     `json:"share"`   // of the requests of all subjects, 0..1
	Blocked           *bool     `json:"blocked"` // null: the limit is unknown
	TimeToLimit       Value     `json:"time_to_limit_seconds"`
	LastDeniedSeconds Value     `json:"last_denied_seconds"` // since it was last seen denied or blocked
	Gone              bool      `json:"gone,omitempty"`      // its key is not there any more; shown for a while
	Lint              []string  `json:"lint,omitempty"`      // rules that its key breaks
	AgeSeconds        Value     `json:"age_seconds"`         // since its key was read
	Trend             []float32 `json:"-"`                   // used / limit, or used, a reading, oldest first; NaN is a gap
}

// IsBlocked tells whether the subject is known to be over its limit.
func (s Subject) IsBlocked() bool { return s.Blocked != nil && *s.Blocked }
