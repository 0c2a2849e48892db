// Package ratelimit knows how rate limiters keep their state in Redis: which
// keys are theirs, what to ask of them, and what the answers mean.
//
// A [Layout] is data; the decoding is pure. Who asks is package rediskeys.
package ratelimit

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Layout is one way to keep limiter state. A new one is a new row in [Layouts].
type Layout struct {
	Name string
	// Key matches the limiter's keys. The group "id" is the subject, "ep" the
	// endpoint.
	Key *regexp.Regexp
	// Neighbour is the key beside it that tells tier and limit, for the subject;
	// nil when there is none. It is a hash with the fields tier, window (seconds),
	// and per endpoint limit:EP, allowed:EP, denied:EP.
	Neighbour func(subject string) string
}

// Layouts are the layouts that are known, in the order in which they are tried.
func Layouts() []Layout {
	return []Layout{{
		Name:      "apitop-demo",
		Key:       regexp.MustCompile(`^rate_limit:(?P<id>[^:]+):(?P<ep>.+)$`),
		Neighbour: func(subject string) string { return "rate_limit_meta:" + subject },
	}}
}

// Ref is a key that belongs to a layout.
type Ref struct {
	Layout   *Layout
	Key      string
	Subject  string
	Endpoint string
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
		if l.Neighbour == nil {
			continue
		}
		if strings.HasPrefix(key, l.Neighbour("")) {
			return true
		}
	}
	return false
}

// DefaultWindow is the length of a window that nobody tells: that of the
// tutorial's limiter.
const DefaultWindow = time.Hour

// Ask gives the commands that tell the state of r, to be sent in one pipeline at
// the server's time now, in unix seconds. window is the length of its window in
// seconds as far as it is known.
func (r Ref) Ask(now, window float64) [][]string {
	from := "(" + strconv.FormatFloat(now-window, 'f', 6, 64)
	asks := [][]string{
		{"PTTL", r.Key}, // first: it tells whether the key is there
		{"ZCOUNT", r.Key, from, "+inf"},
		{"ZRANGE", r.Key, from, "+inf", "BYSCORE", "LIMIT", "0", "1", "WITHSCORES"},
	}
	if r.Layout.Neighbour != nil {
		ep := r.Endpoint
		asks = append(asks, []string{
			"HMGET", r.Layout.Neighbour(r.Subject), "tier", "window", "limit:" + ep, "allowed:" + ep, "denied:" + ep,
		})
	}
	return asks
}
