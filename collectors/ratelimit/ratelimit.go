// Package ratelimit knows how rate limiters keep their state in Redis: which
// keys are theirs, what to ask of them, and what the answers mean.
//
// A [Layout] is data; the decoding is pure. Who asks is package rediskeys.
// Several layouts may claim a key by its name: its type and what is in it decide
// between them, in the course of the first readings.
package ratelimit

import (
	"regexp"

	"apitop/collectors/snapshot"
)

// Layout is one way to keep limiter state. A new one is a new row in [Layouts],
// and a Reader where none of those that are there fits; users write theirs as a
// [Definition].
type Layout struct {
	Name string
	// Type is the type of the keys in Redis: "string", "hash", "zset" or "list".
	Type string
	// Limit says how the limit is known, for the manual: "in the key", "config".
	Limit string
	// Starts and Within are texts of which one begins a key, or is somewhere in
	// it: they spare most keys of a keyspace the regular expression.
	Starts []string
	Within []string
	// Hint is another such sieve, nil: none. It is asked after Starts and Within.
	Hint func(key string) bool
	// AnyName is set when only the value tells such a key, which is why only names
	// that speak of limits or end in an address are looked at.
	AnyName bool
	// Key matches the limiter's keys. The group "id" is the subject, "ep" the
	// endpoint, "tier" the tier; what others mean is up to the Reader.
	Key *regexp.Regexp
	// Trim is an ending that is cut off: the limiter's key is what is before it.
	Trim string
	// Beside matches keys that only hold what is said about another one; nil:
	// there are none. They are no limiters, and not cached answers either.
	Beside *regexp.Regexp
	// Neighbour is the key beside it that tells tier and limit, for the subject;
	// nil when there is none. It is a hash with the fields tier, window (seconds),
	// and per endpoint limit:EP, allowed:EP, denied:EP.
	Neighbour func(subject string) string
	// Script tells what the numbers mean that the limiter calls its script with
	// beside the key, NaN where one is none; nil: they tell no limit.
	Script func(args []float64) Quota
	// Reader knows what the elements of a key mean.
	Reader Reader
}

// Reader asks for the state of one limiter key and reads the answers. Both
// methods are pure; now is the server's time in unix seconds.
type Reader interface {
	// Ask gives the commands to send in one pipeline, given what is known.
	Ask(ref Ref, k Known, now float64) [][]string
	// Read takes their replies: strings, int64s, lists of replies, nil, errors.
	Read(ref Ref, k Known, replies []any, now float64) Reading
}

// Quota is what others than the key say of a limit: the user's configuration, a
// metric, a header. Without it most layouts only tell what was used, and a
// theoretical arrival time tells nothing but when the quota is unused again.
type Quota struct {
	Limit  float64 // requests in the window; 0: not known
	Window float64 // seconds; 0: not known
	// Burst is how many requests may come at once, in buckets and the generic cell
	// rate algorithm; 0: as many as Limit. The pace is Limit in Window.
	Burst float64
	From  string // as in [snapshot.Limiter].LimitFrom
}

// pace is the seconds from one request to the next; 0 when not known.
func (q Quota) pace() float64 {
	if q.Limit < 1 || q.Window <= 0 {
		return 0
	}
	return q.Window / q.Limit
}

// size is how many requests may come at once; 0 when not known.
func (q Quota) size() float64 { return firstOf(q.Burst, q.Limit) }

// Known is what earlier readings told of a key, so that the next one can ask
// for all at once, and what others say of it. The zero value is a key never
// read.
type Known struct {
	Window float64 // seconds; 0: not known
	Limit  float64 // requests in the window; 0: not known
	Used   float64 // requests in the window when last read
	// Told is what others say; it is used where the key itself says nothing. A
	// caller may change it between two readings. Readings hand it on.
	Told Quota

	kind    string  // the key's type; empty: not asked
	choice  int     // which of the layouts that claim the key
	settled bool    // that one it is
	expires float64 // when it is to expire, by the last reading; 0: unknown
	pushed  bool    // its lifetime was prolonged while it was used
	// untrimmed: entries older than the window were left in a log once, so that
	// its oldest says nothing.
	untrimmed bool
}

// Reading is what came of one reading.
type Reading struct {
	Limiter snapshot.Limiter // without At
	Known   Known            // for the next one
	Found   bool             // false: the key is gone, may not be read, or is no limiter's
	More    bool             // now that Known is known, asking again brings the rest
	// LimitAtLeast is what the limit is at least, by this key; 0: it says
	// nothing. The most of all keys of an endpoint is likely its limit.
	LimitAtLeast float64
}

// Ref is a key that belongs to a layout, or to one of several.
type Ref struct {
	Layout   *Layout
	Key      string // of the limiter; not always the key that was matched
	Subject  string // as in the key: "42"
	Endpoint string // as in the key; empty: one limit for all

	groups []string // by Layout.Key
	others []Ref    // of the other layouts that claim the key
}

// Ask gives the commands to send in one pipeline: for the type first, then what
// [Reader].Ask of the key's layout asks for.
func (r Ref) Ask(k Known, now float64) [][]string {
	if k.kind == "" {
		return [][]string{{"type", r.Key}}
	}
	c := r.claim(k.choice)
	return c.Layout.Reader.Ask(c, k, now)
}

// Read reads the replies to what [Ref.Ask] gave for the same k. Until More is
// false it is not decided what the key is, and the Limiter has only names.
func (r Ref) Read(k Known, replies []any, now float64) Reading {
	if k.kind == "" {
		if len(replies) == 1 {
			k.kind, _ = replies[0].(string)
		}
		return r.from(k, 0)
	}
	c := r.claim(k.choice)
	got := c.Layout.Reader.Read(c, k, replies, now)
	switch {
	case !got.Found && k.settled:
		return Reading{}
	case !got.Found:
		return r.from(k, k.choice+1)
	default:
		next := got.Known
		next.Told, next.kind, next.choice, next.settled = k.Told, k.kind, k.choice, true
		got.Known = next
		return got
	}
}

// from goes to the first layout from the i-th on that has keys of this type.
func (r Ref) from(k Known, i int) Reading {
	for ; k.kind != "" && i <= len(r.others); i++ {
		if c := r.claim(i); c.Layout.Type == k.kind {
			k.choice = i
			return Reading{Limiter: limiterOf(c, ""), Known: k, Found: true, More: true}
		}
	}
	return Reading{}
}

// claim is the i-th layout that claims the key.
func (r Ref) claim(i int) Ref {
	if i < 1 || i > len(r.others) {
		return r
	}
	return r.others[i-1]
}

// group is a group of the layout's regular expression; empty when there is none.
func (r Ref) group(name string) string {
	if i := r.Layout.Key.SubexpIndex(name); i > 0 && i < len(r.groups) {
		return r.groups[i]
	}
	return ""
}
