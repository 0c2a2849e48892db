package load

import (
	"net/http"
	"strconv"
	"strings"
)

// policy is an advertised limit.
type policy struct {
	name   string // "" where the answer names none
	quota  uint64
	window float64 // seconds; 0: not said
	left   int64   // of the quota; -1: not said
}

// Bounds of what is read of an answer's headers.
const (
	maxHeaderText = 4096
	maxPolicies   = 16
	maxPolicyName = 128
)

// item is a member of a structured field list (RFC 9651): a bare value with its
// parameters. Of a dictionary's member key is set.
type item struct {
	key    string
	value  string
	quoted bool
	params map[string]string
}

// items reads a structured list or dictionary, as far as limits need it. What
// it cannot read it leaves out.
func items(text string) []item {
	var list []item
	for _, member := range split(text[:min(len(text), maxHeaderText)], ',') {
		if len(list) == maxPolicies {
			break
		}
		parts := split(member, ';')
		it := item{params: map[string]string{}}
		head := strings.TrimSpace(parts[0])
		if key, value, found := strings.Cut(head, "="); found && !strings.HasPrefix(head, `"`) {
			it.key, head = strings.TrimSpace(key), strings.TrimSpace(value)
		}
		if it.value, it.quoted = unquote(head); it.value == "" {
			continue
		}
		for _, p := range parts[1:] {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			it.params[strings.TrimSpace(name)], _ = unquote(strings.TrimSpace(value))
		}
		list = append(list, it)
	}
	return list
}

// split cuts at a separator outside of quoted strings.
func split(text string, separator byte) []string {
	var parts []string
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

func unquote(s string) (value string, quoted bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s, false
	}
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i < len(s)-2 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// whole is a number of a header; false: none, or negative.
func whole(s string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 53)
	return n, err == nil
}

func window(s string) float64 {
	n, _ := whole(s)
	return float64(n)
}

// policies are the limits that an answer advertises. It reads, in this order,
// RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-11
// ("name";q=30;w=3600) and before -07 (30;w=3600), RateLimit-Limit of drafts 00
// to 06, RateLimit of draft 07 (limit=30, remaining=12, reset=5) and
// X-RateLimit-Limit.
func policies(h http.Header) []policy {
	found := listed(joined(h, "Ratelimit-Policy"))
	for _, name := range []string{"Ratelimit-Limit", "Ratelimit", "X-Ratelimit-Limit"} {
		if len(found) == 0 {
			found = onlyLimit(joined(h, name))
		}
	}
	return found
}

func joined(h http.Header, canonical string) string {
	if values := h[canonical]; len(values) == 1 {
		return values[0]
	}
	return strings.Join(h[canonical], ",")
}

// listed are the policies of a RateLimit-Policy.
func listed(text string) []policy {
	var found []policy
	for _, it := range items(text) {
		p := policy{window: window(it.params["w"]), left: -1}
		quota := it.value
		if it.quoted || it.params["q"] != "" {
			if p.name, quota = it.value, it.params["q"]; len(p.name) > maxPolicyName {
				continue
			}
			if unit := it.params["qu"]; unit != "" && unit != "requests" {
				continue // of bytes or of concurrent requests, which are not counted here
			}
		}
		n, ok := whole(quota)
		if p.quota = n; ok && it.key == "" {
			found = append(found, p)
		}
	}
	return found
}

// onlyLimit is the one limit of a header that has but one.
func onlyLimit(text string) []policy {
	for i, it := range items(text) {
		if n, ok := whole(it.value); ok && (it.key == "limit" || it.key == "" && i == 0 && !it.quoted) {
			return []policy{{quota: n, window: window(it.params["w"]), left: -1}}
		}
	}
	return nil
}

// remaining adds to policies what an answer says is left of them.
func remaining(found []policy, h http.Header) {
	list := items(joined(h, "Ratelimit"))
	for i := range found {
		p := &found[i]
		for _, it := range list {
			switch {
			case it.key == "remaining" && p.name == "":
				p.setLeft(it.value)
			case it.key == "" && it.quoted && it.value == p.name:
				p.setLeft(it.params["r"])
			}
		}
		if p.left < 0 && len(found) == 1 {
			p.setLeft(joined(h, "Ratelimit-Remaining"))
			p.setLeft(joined(h, "X-Ratelimit-Remaining"))
		}
	}
}

func (p *policy) setLeft(text string) {
	if n, ok := whole(text); ok && p.left < 0 {
		p.left = int64(n)
	}
}
