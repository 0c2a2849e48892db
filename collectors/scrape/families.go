package scrape

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// shape is what a family can be used for, whatever its name says.
type shape uint8

const (
	unusable     shape = iota // gauges that are declared so, info, created times
	counting                  // a counter, or untyped and named like one
	maybe                     // untyped, and nothing in the name says more
	gauging                   // a gauge
	distribution              // count and sum, with or without buckets
)

// family is one metric of the page with its samples put together.
type family struct {
	name    string // as on the page, without _bucket, _sum and _count
	norm    string // the same with dots and dashes as underscores
	shape   shape
	typed   bool // the page declared the type
	buckets bool // of a distribution: classic or native ones
	unit    string
	sample  string // name of the samples whose labels speak for the family

	words *saying // what the name says, once it was asked
}

// saying is what a family's name says.
type saying struct {
	topic      topic
	stem       string
	unit       float64 // how many make a second; 0: it does not say
	timed      bool    // it measures time
	timedTotal bool    // it adds up time
}

func (f *family) says() *saying {
	if f.words == nil {
		var room [16]string
		words := wordsOf(f.name, room[:0])
		f.words = &saying{
			topic: topicOf(f.name, words), stem: stemOf(words), unit: unitIn(words),
			timed: slices.ContainsFunc(words, func(w string) bool { return timeWords[w] }), timedTotal: timedTotal(words),
		}
	}
	return f.words
}

func (f *family) topic() topic { return f.says().topic }

// enoughFamilies is how many families of a page are looked at, the first ones:
// real pages have a few thousand.
const enoughFamilies = 10_000

// families puts the page's sample names together: those first that most likely
// speak of requests, then by name.
func (t *table) families() []*family {
	byName := map[string]*family{}
	seen := map[*metric]bool{}
	var last *metric
	t.each(func(s *series) bool {
		m := s.metric
		if m == last || seen[m] {
			return true
		}
		last, seen[m] = m, true
		base, role := splitName(m.name)
		if role != isAlone && t.distributes(base) {
			t.distribution(byName, base, role)
		} else if f := t.single(m); f.shape != unusable {
			byName[m.name] = f
		}
		return len(seen) < enoughFamilies
	})
	return slices.SortedFunc(maps.Values(byName), func(a, b *family) int {
		return cmp.Or(cmp.Compare(b.topic().score, a.topic().score), strings.Compare(a.name, b.name))
	})
}

// distributes tells whether base is a histogram or a summary: declared so, or
// not declared and with the samples of one. It needs a count: a name that only
// ends in _sum or _count says nothing.
func (t *table) distributes(base string) bool {
	b, n, s := t.metrics[base+"_bucket"], t.metrics[base+"_count"], t.metrics[base+"_sum"]
	buckets := b != nil && b.buckets
	switch t.kind(base) {
	case kindHistogram, kindSummary:
		return buckets || n != nil
	case kindUntyped:
		declared := n != nil && t.kind(n.name) != kindUntyped || s != nil && t.kind(s.name) != kindUntyped
		return !declared && (buckets || n != nil && s != nil)
	}
	return false
}

func (t *table) kind(name string) kind {
	if d := t.decls[name]; d != nil {
		return d.kind
	}
	return kindUntyped
}

func (t *table) distribution(byName map[string]*family, base string, r role) {
	f := byName[base]
	if f == nil {
		f = &family{name: base, norm: normal(base), shape: distribution}
		f.typed = t.kind(base) != kindUntyped
		if d := t.decls[base]; d != nil {
			f.unit = d.unit
		}
		byName[base] = f
	}
	switch r {
	case isBucket:
		f.buckets = true
		if f.sample == "" {
			f.sample = base + "_bucket"
		}
	case isCount:
		f.sample = base + "_count"
		f.buckets = f.buckets || t.metrics[f.sample].native
	}
}

// single is the family of a sample name that belongs to no distribution.
func (t *table) single(m *metric) *family {
	f := &family{name: m.name, norm: normal(m.name), sample: m.name}
	base, total := strings.CutSuffix(f.norm, "_total")
	k := t.kind(m.name)
	if k == kindUntyped && total && t.kind(strings.TrimSuffix(m.name, "_total")) == kindCounter {
		k = kindCounter // OpenMetrics declares the name without _total
	}
	f.typed = k != kindUntyped
	switch {
	case strings.HasSuffix(f.norm, "_created"), m.quantile:
		f.shape = unusable
	case k == kindCounter, k == kindUntyped && total && base != "":
		f.shape = counting
	case k == kindUntyped:
		f.shape = maybe
	case k == kindGauge:
		f.shape = gauging
	}
	return f
}

// normal writes a name in UTF-8, such as http.server.active_requests, as the
// older formats do.
func normal(name string) string {
	clean := func(r rune) rune {
		if r < 0x80 && nameByte(byte(r)) && r != '.' && r != '-' {
			return r
		}
		return '_'
	}
	return strings.Map(clean, name)
}
