package scrape

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"apitop/collectors/snapshot"
)

// role is what a sample is within its family, by the end of its name.
type role uint8

const (
	isAlone  role = iota // a counter, a gauge, one quantile of a summary
	isBucket             // name_bucket with le
	isCount              // name_count
	isSum                // name_sum
)

// series is one line of the page, known by its raw text.
type series struct {
	raw    string  // name and labels as on the page
	value  float64 // of the newest scan; NaN when its line was bad
	stamp  float64 // the sample's own timestamp, 0 without one
	le     float64 // upper bound of a bucket
	metric *metric
	group  *group           // of a bucket, a count or a sum
	meta   *snapshot.Series // set when the series counts requests
	next   *series          // what followed on the page last time
	birth  *series          // holds when this one began: a sample of the page, or of our own making
	seen   uint32           // scan that saw it last
	role   role
}

// gone is the raw text of a forgotten series: no line can hold it.
const gone = "\n"

// metric is all series of one sample name.
type metric struct {
	name     string // as on the page
	n        int    // series
	buckets  bool   // some have le and the name ends in _bucket
	quantile bool   // some have a quantile label
	native   bool   // counts of histograms, some with native buckets
}

// group is the series of one histogram, or the count and sum of one
// summary: one family with one set of labels.
type group struct {
	key     string
	base    string    // family name
	buckets []*series // by rising le
	count   *series
	sum     *series
	n       int
	dirty   bool
	meta    *snapshot.Series

	native     *snapshot.Native // of a histogram; never changed
	nativeSeen uint32           // scan that it is from

	plan     *plan     // the newest that uses it
	bounds   []float64 // finite bounds in seconds, shared by ladder
	laddered bool      // bounds are up to date
}

// declaration is what # TYPE and # UNIT lines say of a name.
type declaration struct {
	kind kind
	unit string
	seen uint32
}

// table remembers the series of one page between scans, so that a known line
// costs one comparison and no allocation. What vanishes from the page is
// forgotten by the next commit. It belongs to one goroutine.
type table struct {
	limits  Limits
	byRaw   map[string]*series // see index; nil: not needed
	count   int                // series in all
	metrics map[string]*metric
	groups  map[string]*group
	decls   map[string]*declaration

	scan      uint32    // number of the scan, from 1
	head      *series   // first on the page
	prev      *series   // read last
	live      int       // series seen in this scan
	liveDecls int       // declarations seen in this scan
	fresh     []*series // born in this scan
	dirty     []*group
	peak      int    // most series since the maps were made
	looked    bool   // something was looked up in this scan
	quiet     int    // scans in a row in which nothing was
	changed   bool   // series or types differ from the scan before
	names     uint32 // changes with the sample names and declarations

	labels []label // scratch
	key    []byte  // scratch
}

func newTable(limits Limits) *table {
	return &table{
		limits:  limits,
		metrics: map[string]*metric{},
		groups:  map[string]*group{},
		decls:   map[string]*declaration{},
	}
}

// begin opens a scan.
func (t *table) begin() {
	t.scan++
	t.prev, t.live, t.liveDecls, t.changed, t.looked = nil, 0, 0, false, false
	if len(t.fresh) == 0 {
		t.fresh = nil // the first page needs much room, the next ones none
	}
	t.fresh = t.fresh[:0]
}

// expect returns the series that line begins with when it is the one that
// followed last time; pages list their series in the same order each time.
func (t *table) expect(line []byte) *series {
	s := t.head
	if t.prev != nil {
		s = t.prev.next
	}
	if s == nil || len(line) <= len(s.raw) || string(line[:len(s.raw)]) != s.raw {
		return nil
	}
	rest := line[len(s.raw):]
	if !blank(rest[0]) {
		return nil // a longer name
	}
	for _, c := range rest {
		if !blank(c) {
			if c == '{' {
				return nil // labels behind blanks
			}
			break
		}
	}
	return s
}

// find returns the series of raw, making it when it is new. The error is a
// syntaxError when raw cannot be read, and otherwise a limit.
func (t *table) find(raw []byte) (*series, error) {
	t.looked = true
	if s := t.index()[string(raw)]; s != nil {
		return s, nil
	}
	if t.live >= t.limits.Series {
		return nil, tooManySeries(t.limits.Series)
	}
	text := string(raw)
	name, labels, err := parseSeries(text, t.labels, t.limits.Labels)
	if err != nil {
		return nil, err
	}
	t.labels = labels
	return t.add(text, name, labels)
}

// add makes a series of what parseSeries found in raw.
func (t *table) add(raw, name string, labels []label) (*series, error) {
	base, role := splitName(name)
	s := &series{raw: raw, role: role}
	if role == isBucket {
		le, _ := labelValue(labels, "le")
		ok := le != ""
		if !ok {
			s.role = isAlone // other ranges, such as vmrange
		} else if s.le, ok = number([]byte(le)); !ok || math.IsNaN(s.le) || math.IsInf(s.le, -1) {
			return nil, errBound
		}
	}
	s.metric = t.metricOf(name)
	s.metric.n++
	s.metric.buckets = s.metric.buckets || s.role == isBucket
	if !s.metric.quantile {
		_, s.metric.quantile = labelValue(labels, "quantile")
	}
	if s.role != isAlone {
		t.join(s, base, labels)
	}
	t.index()[raw] = s
	t.count++
	t.fresh = append(t.fresh, s)
	return s, nil
}

func (t *table) metricOf(name string) *metric {
	m := t.metrics[name]
	if m == nil {
		m = &metric{name: strings.Clone(name)}
		t.metrics[m.name] = m
		t.names++
	}
	return m
}

// join puts s into the group of its family and labels.
func (t *table) join(s *series, base string, labels []label) {
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	key := t.key[:0]
	key = append(key, base...)
	for _, l := range labels {
		if s.role == isBucket && l.name == "le" || l.value == "" {
			continue // an empty label is an absent one
		}
		key = append(append(append(append(key, 0xff), l.name...), 0xff), l.value...)
	}
	t.key = key
	g := t.groups[string(key)]
	if g == nil {
		g = &group{key: string(key), base: strings.Clone(base)}
		t.groups[g.key] = g
	}
	g.n++
	switch s.role {
	case isBucket:
		g.buckets = append(g.buckets, s)
		t.touch(g)
	case isCount:
		g.count = cmp.Or(g.count, s)
	case isSum:
		g.sum = cmp.Or(g.sum, s)
	}
	s.group = g
}

func (t *table) touch(g *group) {
	if !g.dirty {
		g.dirty = true
		t.dirty = append(t.dirty, g)
	}
}
