package redislive

import (
	"bytes"
	"strconv"
)

// line is one line of MONITOR, which looks like this:
//
//	1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
//	1339518083.107412 [0 lua] "get" "a"
//	1339518083.107412 [0 unix:/tmp/s] "get" "\x00\"\n"
//
// Its words are slices of what was read and still escaped.
type line struct {
	micros int64 // when the server ran it, unix time
	db     int
	client []byte   // address with port, "unix:/path", or "lua"
	words  [][]byte // the command and its arguments, without their quotes
	cut    bool     // there were more words, or the rest of the last one
}

// mostWords are split off a line; the rest counts as cut off.
const mostWords = 4096

// parse reads b into l, whose words it reuses. What it cannot read is not a line
// of MONITOR; cut says that b is only the beginning of one.
func (l *line) parse(b []byte, cut bool) bool {
	l.words, l.cut = l.words[:0], cut
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte{'+'}), []byte{'\r'})
	stamp, rest, ok := bytes.Cut(b, []byte(" ["))
	if !ok || !l.time(stamp) {
		return false
	}
	// A socket's path may hold anything, even this; then the line is not read.
	origin, args, ok := bytes.Cut(rest, []byte("] "))
	if !ok {
		return false
	}
	db, client, ok := bytes.Cut(origin, []byte{' '})
	n, err := strconv.Atoi(string(db))
	if !ok || err != nil || n < 0 || len(client) == 0 {
		return false
	}
	l.db, l.client = n, client
	return l.split(args) && len(l.words) > 0
}

// time reads unix seconds with six decimals.
func (l *line) time(stamp []byte) bool {
	whole, part, ok := bytes.Cut(stamp, []byte{'.'})
	if !ok || len(part) != 6 || len(whole) > 12 {
		return false
	}
	s, err := strconv.ParseUint(string(whole), 10, 63)
	us, err2 := strconv.ParseUint(string(part), 10, 63)
	l.micros = int64(s)*1e6 + int64(us)
	return err == nil && err2 == nil
}

// split finds the quoted words of b.
func (l *line) split(b []byte) bool {
	for len(b) > 0 {
		if len(l.words) == mostWords {
			l.cut = true
			return true
		}
		if b[0] != '"' {
			return false
		}
		end := endQuote(b)
		if end < 0 {
			return l.cut // half a word says nothing
		}
		l.words = append(l.words, b[1:end])
		if b = b[end+1:]; len(b) == 0 {
			return true
		}
		if b[0] != ' ' {
			return false
		}
		b = b[1:]
	}
	return l.cut
}

// endQuote is where the quote that ends the word at the beginning of b is; -1 if
// nowhere.
func endQuote(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unescape appends the raw bytes of a word to out. The server escapes quotes,
// backslashes, \n \r \t \a \b and, as \xHH, all else that is not printable ASCII.
func unescape(out, word []byte) []byte {
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c != '\\' || i+1 == len(word) {
			out = append(out, c)
			continue
		}
		i++
		switch c = word[i]; c {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'a':
			out = append(out, '\a')
		case 'b':
			out = append(out, '\b')
		case 'x':
			if i+2 < len(word) && isHex(word[i+1]) && isHex(word[i+2]) {
				out = append(out, unhex(word[i+1])<<4|unhex(word[i+2]))
				i += 2
				continue
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	default:
		return c - 'A' + 10
	}
}

// address is a client without its port: many connections of one program are one
// client. It is empty for commands inside a script.
func address(client []byte) string {
	switch {
	case string(client) == "lua":
		return ""
	case bytes.HasPrefix(client, []byte("unix:")):
		return "unix socket"
	}
	if i := bytes.LastIndexByte(client, ':'); i > 0 {
		client = client[:i]
	}
	return string(bytes.Trim(client, "[]"))
}
