// Package ratelimit knows how rate limiters keep their state in Redis: which
// keys are theirs, what to ask of them, and what the answers mean.
//
// A [Layout] is data; the decoding is pure. Who asks is package rediskeys.
package ratelimit

import (
	"regexp"
	"strconv"
	"strings"

	"apitop/collectors/snapshot"
)

// Layout is one way to keep limiter state. A new one is a new row in [Layouts],
// and a Reader where none of those that are there fits.
type Layout struct {
	Name string
	// Key matches the limiter's keys. The group "id" is the subject, "ep" the
	// endpoint.
	Key *regexp.Regexp
	// Neighbour is the key beside it that tells tier and limit, for the subject;
	// nil when there is none. It is a hash with the fields tier, window (seconds),
	// and per endpoint limit:EP, allowed:EP, denied:EP.
	Neighbour func(subject string) string
	// Reader knows the type of the keys and what their elements mean.
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

// Known is what earlier readings told of a key, so that the next one can ask
// for all at once. The zero value is a key never read.
type Known struct {
	Window float64 // seconds; 0: not known
	Limit  float64 // requests in the window; 0: not known
	Used   float64 // requests in the window when last read
}

// Reading is what came of one reading.
type Reading struct {
	Limiter snapshot.Limiter // without At
	Known   Known
	Found   bool // false: the key is gone, may not be read, or is of another type
	More    bool // now that Known is known, asking again brings the rest
}

// Layouts are the layouts that are known, in the order in which they are tried.
// The demo keeps sorted sets or single times, by its limiter's algorithm; its
// endpoint "all" is a subject's quota over all endpoints. The tutorial's limiter
// has the keys of the first; what is in a key tells them apart.
func Layouts() []Layout {
	about := func(subject string) string { return "rate_limit_meta:" + subject }
	return []Layout{{
		Name:      "apitop-demo",
		Key:       regexp.MustCompile(`^rate_limit:(?P<id>[^:]+):(?P<ep>.+)$`),
		Neighbour: about,
		Reader:    slidingLog{},
	}, {
		Name:      "apitop-demo",
		Key:       regexp.MustCompile(`^rate_gcra:(?P<id>[^:]+):(?P<ep>.+)$`),
		Neighbour: about,
		Reader:    gcra{},
	}}
}

// Ref is a key that belongs to a layout.
type Ref struct {
	Layout   *Layout
	Key      string
	Subject  string // as in the key: "42"
	Endpoint string // as in the key; empty: one limit for all
}

// Ask is [Reader].Ask of the key's layout.
func (r Ref) Ask(k Known, now float64) [][]string { return r.Layout.Reader.Ask(r, k, now) }

// Read is [Reader].Read of the key's layout.
func (r Ref) Read(k Known, replies []any, now float64) Reading {
	return r.Layout.Reader.Read(r, k, replies, now)
}

// Match finds the layout of a key; false when it is no limiter's.
func Match(layouts []Layout, key string) (Ref, bool) {
	for i := range layouts {
		l := &layouts[i]
		m := l.Key.FindStringSubmatch(key)
		if m == nil {
			continue
		}
		ref := Ref{Layout: l, Key: key}
		for j, name := range l.Key.SubexpNames() {
			switch name {
			case "id":
				ref.Subject = m[j]
			case "ep":
				ref.Endpoint = m[j]
			}
		}
		return ref, true
	}
	return Ref{}, false
}

// IsNeighbour tells whether key only holds what is said about a limiter's
// subject, so that it is no cache key either.
func IsNeighbour(layouts []Layout, key string) bool {
	for _, l := range layouts {
		if l.Neighbour != nil && strings.HasPrefix(key, l.Neighbour("")) {
			return true
		}
	}
	return false
}

// subject marks bare user ids as such: "42" is user:42.
func subject(id string) string {
	if _, err := strconv.ParseUint(id, 10, 64); err == nil {
		return "user:" + id
	}
	return id
}
