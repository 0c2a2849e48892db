package pgstat

import (
	"strings"
	"unicode/utf8"
)

// maxText is how many bytes of a statement's text are kept.
const maxText = 2048

// oneLine makes a statement one line of at most maxText bytes: every run of
// white space outside quotes becomes one space, and a comment to the end of the
// line becomes one between /* and */, so that the rest is not swallowed by it.
// A cut text ends in "…".
func oneLine(sql string) string {
	cut := len(sql) > maxText
	if cut {
		sql = cutText(sql, maxText)
	}
	s := squeezer{in: sql}
	s.out.Grow(len(sql))
	for s.pos < len(s.in) {
		s.step()
	}
	out := strings.TrimSuffix(s.out.String(), " ")
	if len(out) > maxText {
		out, cut = cutText(out, maxText), true
	}
	if cut {
		out += "…"
	}
	return out
}

// cutText cuts s to n bytes, not within a character.
func cutText(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// squeezer is the state of one oneLine call.
type squeezer struct {
	in  string
	pos int
	out strings.Builder
}

// step takes one token: white space, a quoted string, a comment, or a byte.
func (s *squeezer) step() {
	rest := s.in[s.pos:]
	switch c := rest[0]; {
	case isSpace(c):
		s.pos++
		s.space()
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest[1:], c)
		s.take(end + 2) // one that is not closed: the quote alone. A doubled one is two strings: the same text
	case strings.HasPrefix(rest, "--"):
		comment, _, _ := strings.Cut(rest[2:], "\n")
		s.pos += min(len(comment)+3, len(rest))
		s.comment(comment)
	case strings.HasPrefix(rest, "/*"):
		n := blockEnd(rest)
		s.pos += n
		s.out.WriteString(strings.Join(strings.Fields(rest[:n]), " "))
	default:
		s.take(1)
	}
}

// blockEnd is the length of the block comment that sql begins with. Comments
// nest; one that is not closed takes the rest.
func blockEnd(sql string) int {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(sql)
}

// take copies n bytes.
func (s *squeezer) take(n int) {
	s.out.WriteString(s.in[s.pos : s.pos+n])
	s.pos += n
}

func (s *squeezer) space() {
	if t := s.out.String(); t != "" && t[len(t)-1] != ' ' {
		s.out.WriteByte(' ')
	}
}

func (s *squeezer) comment(text string) {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "*/", "* /"), "/*", "/ *")
	s.out.WriteString(strings.TrimSuffix("/* "+text, " ") + " */")
	s.space()
}

// isUtility tells whether a statement neither reads nor writes rows as such:
// whether it is not a SELECT (or VALUES, TABLE), INSERT, UPDATE, DELETE, MERGE
// or WITH. Comments and parentheses before the first word do not count.
func isUtility(sql string) bool {
	for {
		sql = strings.TrimLeft(sql, " (")
		if !strings.HasPrefix(sql, "/*") {
			break
		}
		sql = sql[blockEnd(sql):]
	}
	end := 0
	for end < len(sql) && (sql[end]|0x20 >= 'a' && sql[end]|0x20 <= 'z') {
		end++
	}
	switch strings.ToLower(sql[:end]) {
	case "select", "insert", "update", "delete", "merge", "with", "values", "table":
		return false
	}
	return true
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}
