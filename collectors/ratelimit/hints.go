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
