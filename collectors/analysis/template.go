package analysis

import (
	"strings"

	"apitop/collectors/safe"
)

// placeholder stands for an id in a template.
const placeholder = "{id}"

// templateOf is the template that a route belongs to.
func templateOf(route safe.Text) safe.Text {
	if t := template(route.Raw()); t != route.Raw() {
		return safe.New(t)
	}
	return route
}

// template takes out of a raw path what differs from request to request: the
// query, the fragment, and segments that are ids. /users/42?x=1 becomes
// /users/{id}. What is a template already stays as it is, as do names of views:
// template(template(r)) is template(r). The rules, by segment:
//   - numbers, dates, times, lists of numbers, IP and e-mail addresses;
//   - UUIDs, ULIDs, and hex of eight digits or more, with a decimal one in it;
//   - tokens of sixteen characters or more with digits and letters of both
//     cases that are no words, and shorter ones that change between letters and
//     digits too often;
//   - any of them behind one word, order-12345, or before an extension, 42.json;
//   - not numbers in a word: /v1, /oauth2, /s3, /1.0 stay.
//
// An address loses scheme and host only when the host is a number or localhost:
// those say where, names say what.
func template(route string) string {
	if verb, path, ok := strings.Cut(route, " "); ok && isUpper(verb) && strings.HasPrefix(path, "/") {
		return verb + " " + template(path)
	}
	host, path := cutHost(route)
	if host != "" || strings.HasPrefix(path, "/") {
		path = cutQuery(path)
	}
	if !strings.ContainsAny(path, "/|") {
		return host + path
	}
	return host + segments(path)
}

// segments replaces the segments of path that are ids.
func segments(path string) string {
	var b strings.Builder
	done := 0
	for begin := 0; begin <= len(path); {
		end := len(path)
		if i := strings.IndexAny(path[begin:], "/|"); i >= 0 {
			end = begin + i
		}
		if s := path[begin:end]; s != "" {
			if t := segment(s); t != s {
				b.WriteString(path[done:begin])
				b.WriteString(t)
				done = end
			}
		}
		begin = end + 1
	}
	if done == 0 && b.Len() == 0 {
		return path
	}
	b.WriteString(path[done:])
	return b.String()
}

// cutHost parts an address with a scheme from its path. The host is empty when
// it says nothing.
func cutHost(route string) (host, path string) {
	for _, scheme := range [...]string{"http://", "https://"} {
		rest, ok := strings.CutPrefix(route, scheme)
		if !ok {
			continue
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		host, path = rest[:end], rest[end:]
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		if nameless(host) {
			return "", path
		}
		return scheme + host, path
	}
	return "", route
}

// nameless tells whether a host, perhaps with a port, is a number.
func nameless(host string) bool {
	if h, port, ok := strings.Cut(host, ":"); ok && isDigits(port) {
		host = h
	}
	return isIPv4(host) || host == "localhost" || strings.HasPrefix(host, "[")
}

// cutQuery cuts query and fragment. A ? in an expression, (?P<id>\d+), or behind
// an optional part, /:id?, begins none, nor does a # that begins a segment: #val
// is a placeholder.
func cutQuery(path string) string {
	depth := 0
	for i := range len(path) {
		switch c := path[i]; c {
		case '(', '[', '{', '<':
			depth++
		case ')', ']', '}', '>':
			depth--
		case '?':
			if depth <= 0 && (i < len(path)-1 || !isOptional(path[:i])) {
				return path[:i]
			}
		case '#':
			if depth <= 0 && i > 0 && path[i-1] != '/' {
				return path[:i]
			}
		}
	}
	return path
}

// isOptional tells whether path ends in a placeholder that a ? may follow.
func isOptional(path string) bool {
	last := path[strings.LastIndexByte(path, '/')+1:]
	return strings.HasPrefix(last, ":")
}

// segment is a segment as it stands in a template.
func segment(s string) string {
	if strings.ContainsAny(s[:1], ":#$^") || strings.ContainsAny(s, "{}<>()*[]\\") {
		return s // a placeholder or an expression
	}
	word, _, _ := strings.Cut(s, ";jsessionid=")
	plain := unescaped(word)
	if plain == "" {
		return word
	}
	if i := strings.LastIndexByte(plain, '.'); i > 0 && isExtension(plain[i+1:]) && !isID(plain) {
		if t := affixed(plain[:i]); t != "" {
			return t + plain[i:]
		}
		return word
	}
	if t := affixed(plain); t != "" {
		return t
	}
	return word
}

// unescaped is s with %40 read as @; the whole of s when one of them cannot be.
func unescaped(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2]) {
				return s
			}
			c = hexValue(s[i+1])<<4 | hexValue(s[i+2])
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String()
}

// affixed is a segment without its extension as it stands in a template; empty
// when there is no id in it.
func affixed(s string) string {
	if isID(s) {
		return placeholder
	}
	i := strings.LastIndexAny(s, "-_.:=")
	if i > 0 && isTail(s[i+1:]) {
		if !isLetters(s[:i]) {
			return placeholder // a slug
		}
		return s[:i+1] + placeholder
	}
	if isToken(s) {
		return placeholder
	}
	return ""
}

// isTail tells whether what follows a word is an id and not its number.
func isTail(s string) bool {
	if isDigits(s) {
		return len(s) >= 5
	}
	return isHex(s) || isToken(s)
}

func isLetters(s string) bool {
	for i := range len(s) {
		if c := class(s[i]); c != classLower && c != classUpper {
			return false
		}
	}
	return s != ""
}

func isExtension(s string) bool { return isLetters(s) && len(s) <= 5 }

// isID tells whether s names one thing among many by its form. Tokens that only
// look random are no part of that.
func isID(s string) bool {
	return isNumbers(s) || isTime(s) || isUUID(s) || isHex(s) || isULID(s) || isMail(s)
}
