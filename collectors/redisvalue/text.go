package redisvalue

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// textual is everything that is written in letters.
func textual(b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	if !isText(b, whole) {
		return nil, nil, false
	}
	s := string(b)
	switch {
	case isJSON(b, whole):
		return []string{"JSON"}, indent(s), false
	case whole && isInteger(s):
		return []string{"integer"}, append([]string{s}, asTime(s)...), false
	case whole && isFloat(s):
		return []string{"float"}, []string{s}, false
	case isPHP(s):
		return []string{"PHP serialize"}, []string{s}, false
	}
	if lines := tokenLines(s, whole); lines != nil {
		return []string{"JWT"}, lines, false
	}
	if inner := unbase64(s, whole); inner != nil && layers > 0 {
		return within("base64", inner, whole, layers)
	}
	return []string{"text"}, strings.Split(strings.TrimSuffix(s, "\n"), "\n"), false
}

// isJSON tells whether b is a JSON object, array or string, or may be the
// beginning of one. Bare numbers and words have better names.
func isJSON(b []byte, whole bool) bool {
	t := bytes.TrimLeft(b, " \t\r\n")
	if len(t) == 0 || !bytes.ContainsRune([]byte(`{["`), rune(t[0])) {
		return false
	}
	if whole {
		return json.Valid(b)
	}
	if len(t) < 2 {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(t))
	for {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// indent writes JSON with one member a line. It works on a beginning as well,
// where encoding/json needs the whole.
func indent(s string) []string {
	var in indenter
	quoted, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
			in.line.WriteRune(r)
		case quoted:
			escaped, quoted = r == '\\', r != '"'
			in.line.WriteRune(r)
		case r == '"':
			quoted = true
			in.line.WriteRune(r)
		default:
			in.token(r)
		}
	}
	in.end()
	return in.lines
}

// indenter writes lines of JSON.
type indenter struct {
	lines []string
	line  strings.Builder
	depth int
	open  bool // the line ends in an opening bracket: a closing one joins it
}

// token takes a character outside of strings.
func (in *indenter) token(r rune) {
	switch r {
	case ' ', '\t', '\n', '\r':
	case '{', '[':
		in.line.WriteRune(r)
		in.end()
		in.depth++
		in.open = true
	case '}', ']':
		if in.open && in.line.Len() == 0 {
			last := len(in.lines) - 1
			in.line.WriteString(strings.TrimLeft(in.lines[last], " "))
			in.lines = in.lines[:last]
		} else {
			in.end()
		}
		in.depth = max(in.depth-1, 0)
		in.line.WriteRune(r)
		in.open = false
	case ',':
		in.line.WriteRune(r)
		in.end()
	case ':':
		in.line.WriteString(": ")
	default:
		in.line.WriteRune(r)
	}
}

// end ends the line.
func (in *indenter) end() {
	if in.line.Len() > 0 {
		in.lines = append(in.lines, strings.Repeat("  ", in.depth)+in.line.String())
		in.line.Reset()
		in.open = false
	}
}

func isInteger(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		_, err = strconv.ParseUint(s, 10, 64)
	}
	return err == nil && s[0] != '+'
}

// isFloat leaves out the words that ParseFloat knows, such as "inf" and "nan".
func isFloat(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) < 0
}

// asTime says which time an integer is, when it is one of these years as Unix
// seconds, milliseconds, microseconds or nanoseconds.
func asTime(s string) []string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	per := int64(1)
	for _, unit := range []string{"seconds", "milliseconds", "microseconds", "nanoseconds"} {
		if t := time.Unix(n/per, n%per*(1e9/per)).UTC(); t.Year() >= 2001 && t.Year() <= 2100 {
			return []string{"as Unix " + unit + ": " + t.Format("2006-01-02 15:04:05.999 UTC")}
		}
		per *= 1000
	}
	return nil
}

// php matches the beginning of what PHP's serialize writes.
var php = regexp.MustCompile(`^(?:[aOC]:\d+:[{"]|s:\d+:"|i:-?\d+;|d:[-\d.Ee+INFA]+;|b:[01];|N;$)`)

func isPHP(s string) bool { return php.MatchString(s) }

var (
	jwt       = regexp.MustCompile(`^eyJ[\w-]+\.eyJ[\w-]+(?:\.[\w-]*)?$`)
	base64Set = regexp.MustCompile(`^[A-Za-z0-9+/_-]{24,}={0,2}$`)
	hexSet    = regexp.MustCompile(`^[0-9a-fA-F-]+$`)
)

// tokenLines are header and claims of a JSON web token; the signature, which
// makes it a secret, is left out.
func tokenLines(s string, whole bool) []string {
	if !jwt.MatchString(s) {
		return nil
	}
	parts := strings.Split(s, ".")
	var lines []string
	for i, part := range parts[:2] {
		end := whole || i == 0 || len(parts) > 2
		b, err := base64.RawURLEncoding.DecodeString(part[:len(part)-cutOff(part, end)])
		if err != nil || !isJSON(b, end) {
			return nil
		}
		lines = append(lines, indent(string(b))...)
	}
	return lines
}

// cutOff is how many characters at the end of a beginning are no whole group.
func cutOff(s string, whole bool) int {
	if whole {
		return 0
	}
	return len(s) % 4
}

// unbase64 is what a base64 text holds; nil when s is none, or as good as none: a
// word of one case, a number or a hash in hex look the same.
func unbase64(s string, whole bool) []byte {
	if !base64Set.MatchString(s) || hexSet.MatchString(s) || strings.ToLower(s) == s || strings.ToUpper(s) == s || !strings.ContainsAny(s, "0123456789+/=") {
		return nil
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.DecodeString(s[:len(s)-cutOff(s, whole)])
	if err != nil {
		return nil
	}
	return b
}
