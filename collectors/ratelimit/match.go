package ratelimit

import (
	"slices"
	"strconv"
	"strings"
)

// Match finds the layouts that claim a key; false when it is no limiter's. For
// a key that no layout claims it costs far below a microsecond.
func Match(layouts []Layout, key string) (Ref, bool) {
	var first Ref
	found, asked, named := false, false, false
	for i := range layouts {
		if layouts[i].AnyName && !asked {
			asked, named = true, limiterName(key)
		}
		if layouts[i].AnyName && !named || !layouts[i].may(key) {
			continue
		}
		ref, ok := layouts[i].match(key)
		switch {
		case !ok:
		case !found:
			first, found = ref, true
		default:
			first.others = append(first.others, ref)
		}
	}
	if found && IsNeighbour(layouts, key) {
		return Ref{}, false
	}
	return first, found
}

// may is the sieve before the regular expression.
func (l *Layout) may(key string) bool {
	if len(l.Starts)+len(l.Within) > 0 && !startsWithAny(key, l.Starts) && !hasAny(key, l.Within) {
		return false
	}
	return l.Hint == nil || l.Hint(key)
}

func startsWithAny(key string, list []string) bool {
	for _, s := range list {
		if strings.HasPrefix(key, s) {
			return true
		}
	}
	return false
}

func hasAny(key string, list []string) bool {
	for _, s := range list {
		if strings.Contains(key, s) {
			return true
		}
	}
	return false
}

// match asks the regular expression.
func (l *Layout) match(key string) (Ref, bool) {
	m := l.Key.FindStringSubmatch(key)
	if m == nil || l.Beside != nil && l.Beside.MatchString(key) {
		return Ref{}, false
	}
	ref := Ref{Layout: l, Key: strings.TrimSuffix(key, l.Trim), groups: m}
	ref.Subject, ref.Endpoint = ref.group("id"), ref.group("ep")
	if l.AnyName {
		ref.Endpoint, ref.Subject = spoken(ref.Subject)
	}
	return ref, true
}

// IsNeighbour tells whether key only holds what is said about a limiter's
// subject, so that it is no cache key either.
func IsNeighbour(layouts []Layout, key string) bool {
	for i := range layouts {
		l := &layouts[i]
		if l.Neighbour != nil && strings.HasPrefix(key, l.Neighbour("")) {
			return true
		}
		if l.Beside != nil && l.may(key) && l.Beside.MatchString(key) {
			return true
		}
	}
	return false
}

// Prefixes are the beginnings of limiter keys, where layouts have one: none of
// them is the beginning of another, as CLIENT TRACKING wants them. Keys of other
// layouts are found by SCAN only.
func Prefixes(layouts []Layout) []string {
	var all []string
	for _, l := range layouts {
		all = append(all, l.Starts...)
	}
	slices.Sort(all)
	var list []string
	for _, s := range all { // sorted: a beginning comes before what it begins
		if len(list) == 0 || !strings.HasPrefix(s, list[len(list)-1]) {
			list = append(list, s)
		}
	}
	return list
}

// subject marks bare user ids as such: "42" is user:42.
func subject(id string) string {
	if _, err := strconv.ParseUint(id, 10, 64); err == nil {
		return "user:" + id
	}
	return id
}
