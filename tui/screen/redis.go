package screen

import (
	"context"
	"time"

	"apitop/collectors/analysis"
)

// Redis is what screens may ask of the live Redis server, apart from what
// reports hold. A function that is nil cannot be asked: there is no server, or
// it is a recording, or writes are not allowed. All are for commands, as they
// block; errors are for people. Keys are raw names.
type Redis struct {
	// Inspect looks at one key; its cost does not depend on the key's size.
	Inspect func(ctx context.Context, key string) (KeyDetail, error)
	// Slots are the requests in a limiter key's window.
	Slots func(ctx context.Context, key string) (Slots, error)
	// Burst asks for a moment of MONITOR in the next round.
	Burst func()

	// Delete, SetTTL and Unblock write: only with --allow-writes.
	Delete  func(ctx context.Context, key string) error
	SetTTL  func(ctx context.Context, key string, ttl time.Duration) error // 0: the key never expires
	Unblock func(ctx context.Context, key string) error                    // the limiter key of a subject
}

// Writes tells whether keys may be changed.
func (r Redis) Writes() bool { return r.Delete != nil }

// KeyDetail is one key, looked at on request.
type KeyDetail struct {
	Key        analysis.Text
	Found      bool // false: there is no such key, or it may not be read
	Type       string
	Encoding   string         // how the server stores it
	TTLSeconds analysis.Value // unknown: no lifetime, or not permitted to ask
	NoTTL      bool
	Bytes      analysis.Value
	Length     analysis.Value  // bytes of a string, elements of anything else
	Format     string          // what the value is: "JSON", "msgpack", "gzip", "pickle", "text", "binary"; empty: unknown
	Preview    []analysis.Text // lines of its beginning, or a few of its elements
	Cut        bool            // there is more than Preview
	Missing    []string        // what could not be asked, and why
}

// Slots are the requests in a limiter's window.
type Slots struct {
	At            time.Time
	WindowSeconds float64
	Ages          []float64 // seconds ago, newest first; at most so many as fit a screen
	Total         int       // in the window, beyond Ages
	Exact         bool      // false: the layout keeps counts only
}
