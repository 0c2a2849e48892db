package ratelimit

import (
	"net/netip"
	"strings"
)

// hexTail is how many lower-case hexadecimal digits a key ends in.
func hexTail(key string) int {
	n := 0
	for n < len(key) && isHex(key[len(key)-1-n]) {
		n++
	}
	return n
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// unixTail tells whether a key ends in _ and the ten digits of a time between
// 2017 and 2033.
func unixTail(key string) bool {
	i := len(key) - 11
	if i < 3 || key[i] != '_' || key[i+1] != '1' || key[i+2] < '5' {
		return false
	}
	for _, c := range []byte(key[i+1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func apisixSliding(key string) bool { return strings.HasSuffix(key, ".counter") }

// spoken parts a name that speaks of limits, or ends in an address, into what is
// limited, which may be empty, and who is: "login-limit:user:7" is login-limit
// and user:7.
func spoken(key string) (what, who string) {
	if address6(key) {
		return "", key
	}
	last := 0 // behind the last word of limits
	for i := range len(key) {
		for _, w := range [...]string{"limit", "throttl", "quota", "bucket"} {
			if word(key[i:], w) {
				last = i + len(w)
			}
		}
	}
	if last == 0 {
		return addressBehind(key)
	}
	for last < len(key) && (key[last]|0x20 >= 'a' && key[last]|0x20 <= 'z') {
		last++ // limiter, throttled, buckets
	}
	who = strings.TrimLeft(key[last:], "-_:/|.#@")
	if who == "" || len(who) == len(key)-last {
		return addressBehind(key) // nothing, or nothing between them
	}
	return key[:last], who
}

// addressBehind parts a name that ends in an address of version 4.
func addressBehind(key string) (what, who string) {
	if !addressTail(key) {
		return "", key
	}
	i := strings.LastIndexFunc(key, func(c rune) bool { return c != '.' && (c < '0' || c > '9') })
	if i < 0 {
		return "", key
	}
	return strings.TrimRight(key[:i+1], "-_:/|.#@{"), key[i+1:]
}

// limiterName tells whether a name speaks of limits, or ends in an address: what
// people call the keys of limiters that leave the name to them.
func limiterName(key string) bool {
	for i := range len(key) {
		switch key[i] | 0x20 {
		case 'l':
			if word(key[i:], "limit") {
				return true
			}
		case 't':
			if word(key[i:], "throttl") {
				return true
			}
		case 'q':
			if word(key[i:], "quota") {
				return true
			}
		case 'b':
			if word(key[i:], "bucket") {
				return true
			}
		}
	}
	return addressTail(key)
}

// word tells whether a text begins with a word, in whatever case.
func word(text, word string) bool {
	return len(text) >= len(word) && strings.EqualFold(text[:len(word)], word)
}

// addressTail tells whether a key is an IP address, or ends in one of version 4
// behind a separator.
func addressTail(key string) bool {
	i, dots := len(key), 0
	for i > 0 && (key[i-1] == '.' || key[i-1] >= '0' && key[i-1] <= '9') {
		i--
		if key[i] == '.' {
			dots++
		}
	}
	if dots != 3 {
		return address6(key)
	}
	return (i == 0 || strings.IndexByte(":/|_-@#{", key[i-1]) >= 0) && validAddress(key[i:])
}

// address6 tells whether a key is an address of version 6.
func address6(key string) bool {
	colons := 0
	for _, c := range []byte(key) {
		switch {
		case c == ':':
			colons++
		case !isHex(c|0x20) && c != '.':
			return false
		}
	}
	return colons >= 2 && validAddress(key)
}

func validAddress(s string) bool {
	if len(s) > 45 {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}
