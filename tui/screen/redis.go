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
	// Slots are the requests that a limiter's key keeps, where it keeps them.
	Slots func(ctx context.Context, key string) (Slots, error)
	// Burst asks for a moment of MONITOR in the next round.
	Burst func()

	// Delete, SetTTL and Unblock prepare a change, which its Run makes: only with
	// --allow-writes, else all of them are nil. They do not block.
	Delete  func(key string) Write
	SetTTL  func(key string, ttl time.Duration) Write // 0: the key never expires
	Unblock func(layout, key string) Write            // a limiter's key and those that belong to it
}

// Writes tells whether keys may be changed.
func (r Redis) Writes() bool { return r.Delete != nil }

// Write is a change that was prepared: what will be sent, and the function that
// sends just that. Its texts are fit to be drawn.
type Write struct {
	What     string   // a sentence on what it does
	Commands []string // as they are sent: "UNLINK product:7"
	Server   string
	Log      string // the file in which it is noted
	// Run is for a command, as it blocks. Its error is for people.
	Run func(ctx context.Context) error
}

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

// Slots are the requests that a limiter's key keeps.
type Slots struct {
	At    time.Time
	Ages  []float64 // seconds ago, newest first; at most so many as fit a screen
	Total int       // that the key keeps, beyond Ages, and with those that have left the window
	Exact bool      // false: the layout keeps counts only, or the key is gone
}
