package scrape

import "strings"

// label is one name and value of a series, unescaped.
type label struct{ name, value string }

// syntaxError says in a few words why a line cannot be read.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

// The reasons, as people read them.
const (
	errNoName     syntaxError = "no metric name"
	errName       syntaxError = "a metric name with a character that is not allowed"
	errNoValue    syntaxError = "no value"
	errValue      syntaxError = "the value is not a number"
	errStamp      syntaxError = "the timestamp is not a number"
	errTail       syntaxError = "text behind the value"
	errUnclosed   syntaxError = "labels without a closing brace"
	errQuote      syntaxError = "a label value without a closing quote"
	errLabel      syntaxError = "labels that do not read name=\"value\""
	errTwice      syntaxError = "the same label twice"
	errBound      syntaxError = "a bucket whose le is not a number"
	errNegative   syntaxError = "a negative count"
	errSameSeries syntaxError = "the same series again"
)

func blank(c byte) bool { return c == ' ' || c == '\t' }

// seriesEnd is the length of the name and labels that line begins with. It
// only looks for the end; parseSeries judges what is inside.
func seriesEnd(line []byte) (int, error) {
	i := 0
	for i < len(line) && nameByte(line[i]) {
		i++
	}
	open := i
	for open < len(line) && blank(line[open]) {
		open++
	}
	switch {
	case open < len(line) && line[open] == '{':
		return closing(line, open)
	case i == 0:
		return 0, errNoName
	}
	return i, nil
}

// closing finds the end of the labels that open at line[open], past quotes.
func closing(line []byte, open int) (int, error) {
	quoted := false
	for i := open + 1; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i + 1, nil
		}
	}
	if quoted {
		return 0, errQuote
	}
	return 0, errUnclosed
}

// nameByte tells whether c may stand in a name without quotes. Dots and dashes
// are not legal there, but exporters write them, and the name is clear.
func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '_' || c == ':' || c == '.' || c == '-'
}

// parseSeries splits raw, as seriesEnd found it, into name and labels. The
// labels go into buf's memory; the strings share raw's bytes unless unescaped.
func parseSeries(raw string, buf []label, limit int) (name string, labels []label, err error) {
	p := labelParser{rest: raw}
	name = p.bareName()
	if name != "" && !startsName(name) {
		return "", nil, errName
	}
	labels = buf[:0]
	if p.skipBlanks(); p.accept('{') {
		name, labels, err = p.labels(name, labels, limit)
	}
	switch {
	case err != nil:
		return "", nil, err
	case name == "":
		return "", nil, errNoName
	case sameLabelTwice(labels):
		return "", nil, errTwice
	}
	return name, labels, nil
}

// labels reads up to the closing brace. A name that stands first and alone
// is the metric's: {"a.name", label="value"}.
func (p *labelParser) labels(name string, labels []label, limit int) (string, []label, error) {
	for p.skipBlanks(); !p.accept('}'); p.skipBlanks() {
		l, alone, err := p.pair()
		switch {
		case err != nil:
			return "", nil, err
		case !alone:
			labels = append(labels, l)
		case name == "" && len(labels) == 0:
			name = l.name
		default:
			return "", nil, errLabel
		}
		if len(labels) > limit {
			return "", nil, tooManyLabels(limit)
		}
		if p.skipBlanks(); !p.accept(',') && !strings.HasPrefix(p.rest, "}") {
			return "", nil, errLabel
		}
	}
	return name, labels, nil
}

// labelParser walks over one series.
type labelParser struct{ rest string }

func (p *labelParser) skipBlanks() {
	for p.rest != "" && blank(p.rest[0]) {
		p.rest = p.rest[1:]
	}
}

func (p *labelParser) accept(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *labelParser) bareName() string {
	i := 0
	for i < len(p.rest) && nameByte(p.rest[i]) {
		i++
	}
	name := p.rest[:i]
	p.rest = p.rest[i:]
	return name
}

// pair reads name="value", or a name that stands alone.
func (p *labelParser) pair() (l label, alone bool, err error) {
	quoted := strings.HasPrefix(p.rest, `"`)
	if quoted {
		l.name, err = p.quoted()
	} else {
		l.name = p.bareName()
	}
	if err != nil || l.name == "" || !quoted && !startsName(l.name) {
		return l, false, errLabel
	}
	if p.skipBlanks(); !p.accept('=') {
		return l, true, nil
	}
	p.skipBlanks()
	l.value, err = p.quoted()
	return l, false, err
}

// quoted reads a string in quotes.
func (p *labelParser) quoted() (string, error) {
	if !p.accept('"') {
		return "", errLabel
	}
	end := 0
	for end < len(p.rest) && p.rest[end] != '"' {
		if p.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.rest) {
		return "", errQuote
	}
	s := p.rest[:end]
	p.rest = p.rest[end+1:]
	return unescape(s), nil
}

// unescape undoes \\, \" and \n. An unknown escape stays as it is: "\d+" is a
// regular expression that somebody forgot to escape. Without escapes s itself
// is returned.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case '\\', '"':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// startsName tells whether a name without quotes may begin as s does.
func startsName(s string) bool {
	return s[0] != '.' && s[0] != '-' && (s[0] < '0' || s[0] > '9')
}

// sameLabelTwice compares each pair while there are few, as nearly always: a map
// costs an allocation then, and the pairs of many labels cost too much time.
func sameLabelTwice(labels []label) bool {
	if len(labels) > 16 {
		names := make(map[string]bool, len(labels))
		for _, l := range labels {
			names[l.name] = true
		}
		return len(names) < len(labels)
	}
	for i := range labels {
		for _, l := range labels[:i] {
			if l.name == labels[i].name {
				return true
			}
		}
	}
	return false
}
