package load

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// template is a text with placeholders, cut into pieces.
type template []piece

// piece is a literal text, a value or something about the caller.
type piece struct {
	text  string
	value *source
	about string // "tier", "n" or "user"
	query bool   // in a path: behind the ?
}

// encoding is what a text must not be broken by.
type encoding int

const (
	inHeader encoding = iota
	inPath
	inJSON
)

func (p piece) encode(s string, e encoding) string {
	switch {
	case e == inPath && p.query:
		return url.QueryEscape(s)
	case e == inPath:
		return url.PathEscape(s)
	case e == inJSON:
		b, err := json.Marshal(s)
		if err != nil || len(b) < 2 {
			return "" // no string fails
		}
		return string(b[1 : len(b)-1])
	}
	return s
}

func newTemplate(text string, sources map[string]*source) template {
	var t template
	query := false
	rest := 0
	literal := func(s string) {
		if s != "" {
			t = append(t, piece{text: s})
			query = query || strings.Contains(s, "?")
		}
	}
	for _, m := range placeholderPattern.FindAllStringSubmatchIndex(text, -1) {
		name := text[m[2]:m[3]]
		literal(text[rest:m[0]])
		if src := sources[name]; src != nil {
			t = append(t, piece{value: src, query: query})
		} else {
			t = append(t, piece{about: name, query: query})
		}
		rest = m[1]
	}
	literal(text[rest:])
	return t
}

// fixed says whether the text is always the same.
func (t template) fixed() bool {
	return len(t) == 0 || len(t) == 1 && t[0].value == nil && t[0].about == ""
}

// render fills the placeholders in.
func (t template) render(who *caller, rng *rand.Rand, e encoding) string {
	if len(t) == 0 {
		return ""
	}
	if t.fixed() {
		return t[0].text
	}
	var room [256]byte
	b := room[:0]
	for _, p := range t {
		switch {
		case p.value != nil && p.value.list == nil:
			b = strconv.AppendInt(b, int64(p.value.number(rng)), 10)
		case p.value != nil:
			b = append(b, p.encode(p.value.list[p.value.ranks.draw(rng)], e)...)
		case p.about != "":
			b = append(b, p.encode(who.about(p.about), e)...)
		default:
			b = append(b, p.text...)
		}
	}
	return string(b)
}

// source draws values.
type source struct {
	ranks zipf
	list  []string
	first int
	hot   int // the index of the most wanted number
	step  int // spreads wanted numbers over the range
}

// spread is a prime: its multiples reach every number of a range that is not a
// multiple of it.
const spread = 7919

func newSource(v Values) *source {
	n := v.Count
	if len(v.List) > 0 {
		n = len(v.List)
	}
	s := &source{ranks: newZipf(n, v.Exponent), list: v.List, first: v.First, step: 1}
	if v.Hottest > 0 && n%spread != 0 {
		s.step = spread
		s.hot = max(v.Hottest-v.First, 0)
	}
	return s
}

// number is first <= number < first+n.
func (s *source) number(rng *rand.Rand) int {
	return s.first + (s.ranks.draw(rng)*s.step+s.hot)%s.ranks.n
}
