package rediskeys

import "strings"

// prefixOf is the part of a key's name that it has in common with its like, with
// the separator: "product:17" is in "product:", "user:42:cart" in "user:*:cart",
// "views/7/top" in "views/". It is empty where there is no such part. The usual
// forms are those of frameworks: Django's ":1:name", Spring's "cache::key",
// decorators' "function(arguments)".
func prefixOf(name string) string {
	if word := firstWord(name); word != "" {
		return word
	}
	head, rest := "", name
	if version, after, ok := djangoVersion(name); ok {
		head, rest = version, after
	}
	sep := separatorOf(rest)
	switch sep {
	case "":
		if head != "" {
			return head
		}
		return stem(rest)
	case "(":
		return cutPrefix(head + rest[:strings.IndexByte(rest, '(')+1])
	}
	part := stable(rest, sep)
	if head == "" && strings.Trim(part, "*:/|.") == "" {
		return "" // nothing but ids
	}
	return cutPrefix(head + part)
}

// firstWord is the prefix of the most usual names, one word and one more part:
// "product:17" is seen by the million.
func firstWord(name string) string {
	at := strings.IndexByte(name, ':')
	if at < 1 || at > 32 || strings.IndexByte(name[at+1:], ':') >= 0 {
		return ""
	}
	for _, c := range []byte(name[:at]) {
		if c < 'a' || c > 'z' {
			return ""
		}
	}
	return name[:at+1]
}

// djangoVersion takes ":1:" off the beginning of a name.
func djangoVersion(name string) (version, rest string, ok bool) {
	if !strings.HasPrefix(name, ":") {
		return "", "", false
	}
	end := strings.IndexByte(name[1:], ':') + 1
	if end < 2 || end > 4 || !isNumber(name[1:end]) {
		return "", "", false
	}
	return name[:end+1], name[end+1:], true
}

// separatorOf is what a name is divided by; empty: nothing.
func separatorOf(name string) string {
	call := strings.IndexByte(name, '(')
	for _, sep := range []string{"::", ":", "/", "|", "."} {
		if at := strings.Index(name, sep); at > 0 || at == 0 && len(name) > len(sep) {
			if call > 0 && call < at {
				break
			}
			if sep == "." && call > 0 {
				break // the name of a function has dots
			}
			return sep
		}
	}
	if call > 0 {
		return "("
	}
	return ""
}

const mostParts = 3 // of a name make its prefix

// stable is the part of a name that does not vary: words as they are, ids as
// "*", without what comes last, unless that is a word behind an id.
func stable(name, sep string) string {
	var b strings.Builder
	parts := strings.SplitN(name, sep, mostParts+2)
	ids := 0 // that stand last in b
	for i, part := range parts[:min(len(parts), mostParts+1)] {
		last := i == len(parts)-1
		id := isID(part)
		switch {
		case last && !id && ids > 0:
			return b.String() + part
		case last || i == mostParts:
			return strings.TrimRight(strings.TrimSuffix(b.String(), "*"+sep), "*")
		case id:
			b.WriteString("*" + sep)
			ids++
		default:
			b.WriteString(part + sep)
			ids = 0
		}
	}
	return b.String()
}

// stem is the beginning of a name without separators: up to its first digit, if
// that leaves a word.
func stem(name string) string {
	at := strings.IndexAny(name, "0123456789")
	if at < 2 {
		return ""
	}
	return cutPrefix(strings.TrimRight(name[:at], "-_") + "*")
}

func cutPrefix(s string) string { return s[:min(len(s), prefixBytes)] }

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isID tells what names one of many: numbers, hashes, addresses, and long words
// with digits in them.
func isID(s string) bool {
	digits, hex, upper, other := 0, 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f':
			hex++
		case c >= 'A' && c <= 'Z':
			upper++
		case c == '@' || c >= 0x80 || c < ' ':
			return true
		case c == '-' || c == '.' || c == '_':
		default:
			other++
		}
	}
	switch n := len(s); {
	case n == 0:
		return false
	case n > 32, digits*2 > n:
		return true
	case other == 0 && upper == 0 && digits >= 2 && n >= 8:
		return true // a hash
	}
	return digits >= 3 && len(s) >= 8 || digits > 0 && upper > 0 && len(s) >= 12
}
