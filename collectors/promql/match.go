package promql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"apitop/collectors/snapshot"
)

// matchers says which series are the service's, as PromQL writes it.
type matchers []matcher

// matcher is one condition on a label.
type matcher struct{ name, op, value string }

const fixMatch = `write it as a PromQL matcher list: --match 'job="api",env=~"prod|stage"'`

func badMatch(why string) error {
	return snapshot.Fail(snapshot.Unsupported, "--match cannot be used: "+why, fixMatch)
}

// parseMatch reads a matcher list, with or without braces. A value may stand
// without quotes, as a shell takes them away. The empty text gives no matchers.
func parseMatch(text string) (matchers, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		if inner, ok = strings.CutSuffix(inner, "}"); !ok {
			return nil, badMatch("the closing brace is missing")
		}
		text = inner
	}
	p := matchParser{rest: text}
	var list matchers
	for p.skip(); p.rest != ""; p.skip() {
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		list = append(list, m)
		if p.skip(); p.rest == "" {
			break
		}
		if !p.accept(",") {
			return nil, badMatch("a comma is missing between two conditions")
		}
	}
	return list, nil
}

// matchParser walks over a matcher list.
type matchParser struct{ rest string }

func (p *matchParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

func (p *matchParser) accept(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *matchParser) matcher() (matcher, error) {
	m := matcher{}
	name, err := p.name()
	if err != nil {
		return m, err
	}
	m.name = name
	p.skip()
	for _, op := range [...]string{"=~", "!~", "!=", "="} {
		if p.accept(op) {
			m.op = op
			break
		}
	}
	if m.op == "" {
		return m, badMatch("behind a label stands one of = != =~ !~")
	}
	p.skip()
	if m.value, err = p.value(); err != nil {
		return m, err
	}
	return m, m.check()
}

func (m matcher) check() error {
	if !utf8.ValidString(m.name) || !utf8.ValidString(m.value) {
		return badMatch("it is not in UTF-8")
	}
	if m.name == "__name__" {
		return badMatch("the families are found by themselves: leave __name__ out")
	}
	if !strings.HasSuffix(m.op, "~") {
		return nil
	}
	if _, err := regexp.Compile("^(?s:" + m.value + ")$"); err != nil { // as Prometheus anchors it
		return badMatch("the value of " + m.name + " is not a regular expression")
	}
	return nil
}

func (p *matchParser) name() (string, error) {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	i := 0
	for i < len(p.rest) && (letter(p.rest[i]) || i > 0 && '0' <= p.rest[i] && p.rest[i] <= '9') {
		i++
	}
	name := p.rest[:i]
	p.rest = p.rest[i:]
	if name == "" {
		return "", badMatch("a condition begins with the name of a label")
	}
	return name, nil
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// value reads a string in quotes of any kind, or up to the next comma.
func (p *matchParser) value() (string, error) {
	if p.rest != "" && strings.IndexByte("\"'`", p.rest[0]) >= 0 {
		return p.quoted()
	}
	v, _, _ := strings.Cut(p.rest, ",")
	p.rest = p.rest[len(v):]
	v = strings.TrimSpace(v)
	if strings.ContainsAny(v, "\"'`{}()[]\\ ") {
		return "", badMatch("a value with special characters stands in quotes")
	}
	return v, nil
}

// quoted reads a string as PromQL does: escapes in " and ', none in `.
func (p *matchParser) quoted() (string, error) {
	quote := p.rest[0]
	end := 1
	for end < len(p.rest) && p.rest[end] != quote {
		if p.rest[end] == '\\' && quote != '`' {
			end++
		}
		end++
	}
	if end >= len(p.rest) {
		return "", badMatch("the closing quote is missing")
	}
	inner := p.rest[1:end]
	p.rest = p.rest[end+1:]
	if quote == '`' {
		return inner, nil
	}
	var b strings.Builder
	for inner != "" {
		r, wide, tail, err := strconv.UnquoteChar(inner, quote)
		if err != nil {
			return "", badMatch("a value has an escape that PromQL does not know")
		}
		if wide || r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r)) // \xNN is a byte
		}
		inner = tail
	}
	return b.String(), nil
}

// String writes the list as PromQL, without braces.
func (m matchers) String() string {
	parts := make([]string, len(m))
	for i, x := range m {
		parts[i] = labelName(x.name) + x.op + strconv.Quote(x.value)
	}
	return strings.Join(parts, ",")
}

// and is the list with more conditions.
func (m matchers) and(more ...matcher) matchers {
	return append(slices.Clip(m), more...)
}

// selector selects the series of one name.
func (m matchers) selector(name string, more ...matcher) string {
	if plainName(name, true) {
		return name + "{" + m.and(more...).String() + "}"
	}
	return "{" + matchers{{"__name__", "=", name}}.and(m...).and(more...).String() + "}"
}

// labelName writes a label's name, in quotes where PromQL needs them.
func labelName(name string) string {
	if plainName(name, false) {
		return name
	}
	return strconv.Quote(name)
}

// plainName tells whether a name may stand without quotes; colons only in names
// of metrics.
func plainName(name string, colons bool) bool {
	for i := range len(name) {
		c := name[i]
		digit := i > 0 && '0' <= c && c <= '9'
		if !letter(c) && !digit && (c != ':' || !colons) {
			return false
		}
	}
	return name != ""
}
