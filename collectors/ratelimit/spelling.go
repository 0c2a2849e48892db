package ratelimit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file has the other words that people have for what a [Definition] names.

// spelled is a word without what spellings differ in: "Fixed window", and
// "fixed_window", are fixed-window.
func spelled(s string) string {
	return strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// typeOf is a type of keys as Redis calls it.
func typeOf(name string) string {
	switch name = spelled(name); name {
	case "sorted-set", "sortedset":
		return "zset"
	default:
		return name
	}
}

// algorithmOf is the one name that an algorithm has here. A sliding window of
// single requests, in a sorted set or a list, is a log.
func algorithmOf(name, kind string) string {
	switch name = spelled(name); name {
	case "fixedwindow", "fixed-window-counter", "counter":
		return "fixed-window"
	case "slidingwindow", "sliding-window", "sliding-window-counter":
		if kind == "zset" || kind == "list" {
			return "sliding-log"
		}
		return "sliding-window"
	case "sliding-window-log", "slidinglog", "log":
		return "sliding-log"
	case "tokenbucket", "bucket":
		return "token-bucket"
	case "leakybucket":
		return "leaky-bucket"
	case "concurrent", "in-flight":
		return "concurrency"
	case "block", "blocked", "banned":
		return "ban"
	default:
		return name
	}
}

// unitOf is the short name of a unit of time.
func unitOf(name string) string {
	switch name = spelled(name); name {
	case "sec", "second", "seconds":
		return "s"
	case "msec", "millis", "millisecond", "milliseconds":
		return "ms"
	case "µs", "μs", "micros", "microsecond", "microseconds":
		return "us"
	case "nanos", "nanosecond", "nanoseconds":
		return "ns"
	default:
		return name
	}
}

// groupNames are the groups of a [Definition]'s Key that have other names, too.
func groupNames() map[string][]string {
	return map[string][]string{
		"id": {
			"user", "user_id", "userid", "uid", "subject", "ip", "addr", "address", "client", "client_id",
			"account", "customer", "consumer", "tenant", "caller", "identity", "key", "api_key", "token",
		},
		"ep": {"endpoint", "route", "path", "url", "resource", "action"},
	}
}

// renamed gives the groups of a pattern the names that they have here. A pattern
// may have one of the other names of a group, unless the group itself is there.
func renamed(pattern string) (string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	names := re.SubexpNames()
	for group, others := range groupNames() {
		if slices.Contains(names, group) {
			continue
		}
		var found []string
		for _, name := range names {
			if slices.Contains(others, name) {
				found = append(found, name)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			pattern = strings.NewReplacer("(?P<"+found[0]+">", "(?P<"+group+">", "(?<"+found[0]+">", "(?P<"+group+">").Replace(pattern)
		default:
			return "", fmt.Errorf("key: want one group %s instead of %s", group, strings.Join(found, " and "))
		}
	}
	return pattern, nil
}

// NamesSubject tells whether a pattern, which is a regular expression, has a
// group that is the subject, so that it can be the Key of a [Definition].
func NamesSubject(pattern string) bool {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(re.SubexpNames(), func(name string) bool {
		return name == "id" || slices.Contains(groupNames()["id"], name)
	})
}

// ParseWindow reads a length of time as people write windows: a number of
// seconds, a duration such as 1m30s, or a number of units such as "1d", "2
// hours" or "day" alone. It is not ok for anything else. A month has 30 days.
func ParseWindow(s string) (seconds float64, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if d, err := time.ParseDuration(s); err == nil {
		return d.Seconds(), true
	}
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	n := 1.0
	if i > 0 {
		var err error
		if n, err = strconv.ParseFloat(s[:i], 64); err != nil {
			return 0, false
		}
	}
	unit := strings.TrimSpace(s[i:])
	switch {
	case i == 0 && unit == "":
		return 0, false
	case unit == "":
		return n, true
	case len(unit) > 2:
		unit = strings.TrimSuffix(unit, "s")
	}
	length := windowUnit(unit)
	return n * length, length > 0
}

// windowUnit is the length of a unit in seconds; 0: it is none.
func windowUnit(name string) float64 {
	switch name {
	case "s", "sec":
		return 1
	case "m", "min":
		return 60
	case "h", "hr":
		return 3600
	case "d":
		return 86400
	case "w", "week":
		return 7 * 86400
	default:
		return calendar(name)
	}
}

// startDate reads the start of a window that a key has as a date, with the hour
// and minute or without: "2026-11-24", "20261124", "2026-11-24T20", "202611242031".
// It is in UTC; length is that of the smallest part, and 0 when it is no date.
func startDate(s string) (at, length float64) {
	digits := strings.NewReplacer("-", "", "/", "", "_", "", ".", "", ":", "", " ", "", "t", "", "T", "").Replace(s)
	const full = "200601021504"
	lengths := map[int]float64{8: 86400, 10: 3600, 12: 60}
	if length = lengths[len(digits)]; length == 0 {
		return 0, 0
	}
	day, err := time.Parse(full[:len(digits)], digits)
	if err != nil {
		return 0, 0
	}
	return float64(day.Unix()), length
}
