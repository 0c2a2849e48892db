package scrape

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// put takes the value of s in this scan. A second value replaces the first only
// when its timestamp is newer, as in a dump with history; otherwise it is
// refused as the same series again. A bucket that cannot be right makes its
// whole histogram unknown in this scan.
func (t *table) put(s *series, value, stamp float64) error {
	if s.seen != t.scan {
		t.follow(s)
	} else if stamp <= s.stamp {
		return errSameSeries
	}
	s.value, s.stamp = value, stamp
	if value < 0 && s.role == isBucket {
		s.value = math.NaN()
		return errNegative
	}
	return nil
}

// follow notes that s was read in this scan, and behind what.
func (t *table) follow(s *series) {
	s.seen = t.scan
	t.live++
	switch {
	case t.prev == nil:
		t.head = s
	case t.prev.next != s:
		t.prev.next = s
	}
	t.prev = s
}

// declare takes a # TYPE line.
func (t *table) declare(name []byte, k kind) error {
	d, err := t.declaration(name)
	if err == nil && d.kind != k {
		d.kind = k
		t.changed = true
		t.names++
	}
	return err
}

// declareUnit takes a # UNIT line.
func (t *table) declareUnit(name, unit []byte) error {
	d, err := t.declaration(name)
	if err == nil && d.unit != string(unit) {
		d.unit = string(unit)
		t.changed = true
		t.names++
	}
	return err
}

func (t *table) declaration(name []byte) (*declaration, error) {
	d := t.decls[string(name)]
	if d == nil {
		if len(t.decls) >= 2*t.limits.Series || t.liveDecls >= t.limits.Series {
			return nil, tooManyFamilies(t.limits.Series)
		}
		d = &declaration{}
		t.decls[string(name)] = d
		t.changed = true
	}
	if d.seen != t.scan {
		d.seen = t.scan
		t.liveDecls++
	}
	return d, nil
}

// commit ends a scan that saw the whole page: what was not on it is forgotten.
func (t *table) commit() {
	t.peak = max(t.peak, t.count, len(t.decls))
	if len(t.fresh) > 0 {
		t.changed = true
	}
	if t.live < t.count {
		t.changed, t.looked = true, true
		for _, s := range t.index() {
			if s.seen != t.scan {
				t.forget(s)
			}
		}
	}
	if t.prev == nil {
		t.head = nil
	} else {
		t.prev.next = nil
	}
	if t.liveDecls < len(t.decls) {
		t.changed = true
		for name, d := range t.decls {
			if d.seen != t.scan {
				delete(t.decls, name)
			}
		}
	}
	t.settle()
	t.tidy()
}

// abort ends a scan that failed: what was born in it is forgotten, so that
// failing scans cannot make the table grow.
func (t *table) abort() {
	t.peak = max(t.peak, t.count, len(t.decls))
	for _, s := range t.fresh {
		t.forget(s)
	}
	t.index() // before the list goes
	t.head = nil
	for name, d := range t.decls {
		if d.seen == t.scan {
			delete(t.decls, name)
		}
	}
	clear(t.fresh)
	t.fresh = t.fresh[:0]
	t.tidy()
}

func (t *table) forget(s *series) {
	delete(t.index(), s.raw)
	t.count--
	s.raw, s.next = gone, nil
	if s.metric.n--; s.metric.n == 0 {
		delete(t.metrics, s.metric.name)
		t.names++
	}
	g := s.group
	if g == nil {
		return
	}
	switch {
	case s.role == isBucket:
		t.touch(g)
	case g.count == s:
		g.count = nil
	case g.sum == s:
		g.sum = nil
	}
	if g.n--; g.n == 0 {
		delete(t.groups, g.key)
	}
}

// tidy drops forgotten buckets and sorts the others.
func (t *table) tidy() {
	for _, g := range t.dirty {
		g.dirty, g.laddered = false, false
		g.buckets = slices.DeleteFunc(g.buckets, func(s *series) bool { return s.raw == gone })
		slices.SortStableFunc(g.buckets, func(a, b *series) int { return cmp.Compare(a.le, b.le) })
	}
	clear(t.dirty)
	t.dirty = t.dirty[:0]
	t.shrink()
}

// shrink gives memory back after most series went: a map never does that by
// itself, and one huge page would be paid for forever.
func (t *table) shrink() {
	const small = 10_000
	if t.peak < small || t.count > t.peak/4 || len(t.decls) > t.peak/4 {
		return
	}
	if t.byRaw != nil {
		t.byRaw = copied(t.byRaw)
	}
	t.metrics = copied(t.metrics)
	t.groups, t.decls = copied(t.groups), copied(t.decls)
	t.fresh, t.dirty, t.peak = nil, nil, 0
}

func copied[V any](m map[string]V) map[string]V {
	fresh := make(map[string]V, len(m))
	maps.Copy(fresh, m)
	return fresh
}

// each calls f for every series in the order of the page, until f says false.
func (t *table) each(f func(*series) bool) {
	for s := t.head; s != nil; s = s.next {
		if !f(s) {
			return
		}
	}
}

// suffixes are the ends of sample names that say a role.
var suffixes = [...]struct {
	end  string
	role role
}{{"_bucket", isBucket}, {"_count", isCount}, {"_sum", isSum}}

// splitName parts a sample name from the suffix that gives it its role. Names
// in UTF-8 write the suffix the same way: "http.server.duration_count".
func splitName(name string) (base string, r role) {
	for _, s := range suffixes {
		if base, ok := strings.CutSuffix(name, s.end); ok && base != "" {
			return base, s.role
		}
	}
	return name, isAlone
}

// labelValue is the value of a label and whether it is there.
func labelValue(labels []label, name string) (string, bool) {
	for _, l := range labels {
		if l.name == name {
			return l.value, true
		}
	}
	return "", false
}
