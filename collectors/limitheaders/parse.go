package limitheaders

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Policy is one limit that an answer tells. Numbers that it does not tell are 0.
type Policy struct {
	Name          string  // of the policy, as drafts from 8 on have it; empty: none
	Limit         float64 // requests in the window; at least 1
	WindowSeconds float64
	Remaining     float64 // for the one who asked; −1: not told
	ResetSeconds  float64 // until the window ends, for the one who asked; −1: not told
}

// most bounds what is read of headers that anybody may have written.
const (
	mostPolicies  = 16
	mostItemBytes = 4 << 10
	mostNumber    = 1e15
)

// Parse finds the limits that the headers of an answer tell, the one that is in
// force for the next request first where they say which; nil when there is none.
// It knows, in this order:
//   - RateLimit-Policy: "default";q=100;w=60 with RateLimit: "default";r=50;t=30
//     (draft-ietf-httpapi-ratelimit-headers-08 and newer);
//   - RateLimit: limit=100, remaining=50, reset=30 with RateLimit-Policy: 100;w=60
//     (draft 07);
//   - RateLimit-Limit: 100, 100;w=60, 1000;w=3600 with RateLimit-Remaining and
//     RateLimit-Reset (drafts 00 to 06);
//   - X-RateLimit-Limit, -Remaining, -Reset and X-Rate-Limit-…, whose reset is a
//     number of seconds, a unix time or a date;
//   - X-RateLimit-Limit-Minute and the like, one for each window.
func Parse(h http.Header, now time.Time) []Policy {
	for _, read := range []func(http.Header, time.Time) []Policy{structured, pairs, older, windows} {
		if list := read(h, now); len(list) > 0 {
			return list
		}
	}
	return nil
}

// item is an element of a list with its parameters: "default";q=100;w=60.
type item struct {
	value  string
	quoted bool
	params map[string]string
}

// items reads all values of a header as one list; what cannot be read is left
// out.
// Source: RFC 8941, section 3.1.
func items(values []string) []item {
	var list []item
	for _, element := range split(strings.Join(values, ","), ',') {
		parts := split(element, ';')
		it := item{params: map[string]string{}}
		it.value, it.quoted = text(parts[0])
		for _, p := range parts[1:] {
			name, value, _ := strings.Cut(p, "=")
			it.params[strings.ToLower(strings.TrimSpace(name))], _ = text(value)
		}
		if it.value != "" || it.quoted {
			list = append(list, it)
		}
		if len(list) == mostPolicies {
			break
		}
	}
	return list
}

// split parts s at sep, but for what is within quotes.
func split(s string, sep byte) []string {
	s = s[:min(len(s), mostItemBytes)]
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// text is a token, or a string without its quotes.
func text(s string) (value string, quoted bool) {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : len(s)-1]), true
	}
	return s, false
}

// number reads a number that is not negative; −1 for anything else.
func number(s string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > mostNumber {
		return -1
	}
	return v
}

// structured reads drafts from 8 on.
func structured(h http.Header, _ time.Time) []Policy {
	var list []Policy
	at := map[string]int{}
	for _, it := range items(h.Values("RateLimit-Policy")) {
		if p, ok := it.policy(); ok && it.params["q"] != "" {
			at[p.Name] = len(list)
			list = append(list, p)
		}
	}
	first := -1
	for _, it := range items(h.Values("RateLimit")) {
		i, ok := at[it.value]
		if !ok || it.params["r"] == "" {
			continue
		}
		list[i].Remaining, list[i].ResetSeconds = number(it.params["r"]), number(it.params["t"])
		if it.params["t"] == "" {
			list[i].ResetSeconds = -1
		}
		if first < 0 {
			first = i
		}
	}
	return inFront(list, first)
}

// policy is what an element of RateLimit-Policy says: by its parameter q from
// draft 8 on, by its value before.
func (it item) policy() (Policy, bool) {
	p := Policy{Limit: number(it.value), WindowSeconds: max(number(it.params["w"]), 0), Remaining: -1, ResetSeconds: -1}
	if q, named := it.params["q"]; named {
		p.Name, p.Limit = it.value, number(q)
	} else if it.quoted {
		return p, false
	}
	return p, p.Limit >= 1
}

// inFront moves element i to the front; i < 0 moves nothing.
func inFront(list []Policy, i int) []Policy {
	if i > 0 {
		p := list[i]
		copy(list[1:i+1], list[:i])
		list[0] = p
	}
	return list
}

// pairs reads draft 7.
func pairs(h http.Header, now time.Time) []Policy {
	said := map[string]string{}
	for _, it := range items(h.Values("RateLimit")) {
		name, value, ok := strings.Cut(it.value, "=")
		if ok {
			said[strings.ToLower(strings.TrimSpace(name))] = value
		}
	}
	return policies(said["limit"], said["remaining"], said["reset"], h.Values("RateLimit-Policy"), now)
}

// older reads drafts up to 6, and the names that were there before them.
func older(h http.Header, now time.Time) []Policy {
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		rules := append(h.Values(prefix+"Limit"), h.Values(prefix+"Policy")...)
		first := items(h.Values(prefix + "Limit"))
		if len(first) == 0 {
			continue
		}
		if list := policies(first[0].value, h.Get(prefix+"Remaining"), h.Get(prefix+"Reset"), rules, now); len(list) > 0 {
			return list
		}
	}
	return nil
}

// policies is the limit in force, then the others that rules lists.
func policies(limit, remaining, reset string, rules []string, now time.Time) []Policy {
	force := Policy{Limit: number(limit), Remaining: number(remaining), ResetSeconds: resetIn(reset, now)}
	if force.Limit < 1 {
		return nil
	}
	list := []Policy{force}
	for _, it := range items(rules) {
		p, ok := it.policy()
		switch {
		case !ok || p.WindowSeconds == 0:
		case p.Limit == force.Limit && list[0].WindowSeconds == 0:
			list[0].WindowSeconds = p.WindowSeconds
		case len(list) < mostPolicies && (p.Limit != list[0].Limit || p.WindowSeconds != list[0].WindowSeconds):
			list = append(list, p)
		}
	}
	return list
}

// resetIn is the seconds until a reset that is told as seconds, as a unix time in
// seconds or milliseconds, or as a date; −1 when it is none of them.
func resetIn(s string, now time.Time) float64 {
	if at, err := http.ParseTime(strings.TrimSpace(s)); err == nil {
		return max(at.Sub(now).Seconds(), 0)
	}
	const firstUnix, firstMillis = 1e9, 1e12 // 2001, and nobody waits for so long
	unix := float64(now.UnixMilli()) / 1000
	switch v := number(s); {
	case v >= firstMillis:
		return max(v/1000-unix, 0)
	case v >= firstUnix:
		return max(v-unix, 0)
	default:
		return v
	}
}

// windows reads headers with a window in their names.
func windows(h http.Header, _ time.Time) []Policy {
	var list []Policy
	for _, unit := range []struct {
		name    string
		seconds float64
	}{{"Second", 1}, {"Minute", 60}, {"Hour", 3600}, {"Day", 86400}, {"Month", 30 * 86400}, {"Year", 365 * 86400}} {
		p := Policy{
			Limit: number(h.Get("X-RateLimit-Limit-" + unit.name)), WindowSeconds: unit.seconds,
			Remaining: number(h.Get("X-RateLimit-Remaining-" + unit.name)), ResetSeconds: -1,
		}
		if p.Limit >= 1 {
			list = append(list, p)
		}
	}
	return list
}
