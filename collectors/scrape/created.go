package scrape

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// When a counter or a histogram began is on the page in three ways: OpenMetrics
// has a sample name_created beside name_total or name_count, with the same
// labels; Python's client writes the same in text format, as a gauge; and
// protobuf has a timestamp in the message
// (https://github.com/prometheus/client_model, metrics.proto: created_timestamp).

const (
	counterCreated, histogramCreated = 3, 15 // of Counter and Histogram; Summary has 4, as distCountFloat

	stampSeconds, stampNanos = 1, 2 // of google.protobuf.Timestamp
)

// createdName is the sample that says when a counter, or a histogram by its
// family, began; empty for none.
func createdName(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimSuffix(name, "_total") + "_created"
}

// bindBirths finds, for each series that counts and for each histogram, the
// sample that says when it began. What was found before is kept, so that a page
// with a few new series costs little.
func (p *plan) bindBirths(t *table, m mapping) {
	names := [...]string{createdName(m.counter), createdName(m.statuses), createdName(m.duration)}
	var orphans []*series
	orphan := func(s *series) {
		if s != nil && (s.birth == nil || s.birth.raw == gone) {
			s.birth = nil
			orphans = append(orphans, s)
		}
	}
	for i, counts := range [...][]*series{p.counts, p.ends} {
		if t.metrics[names[i]] != nil {
			for _, s := range counts {
				orphan(s)
			}
		}
	}
	if t.metrics[names[2]] != nil {
		for _, g := range p.groups {
			orphan(g.count)
		}
	}
	if len(orphans) == 0 {
		return
	}
	births := t.births(names[:])
	for _, s := range orphans {
		name := createdName(s.metric.name)
		if s.group != nil {
			name = names[2]
		}
		s.birth = births[string(t.identity(name, s))]
	}
}

// births are the samples of some names, by identity.
func (t *table) births(names []string) map[string]*series {
	found := map[string]*series{}
	t.each(func(s *series) bool {
		if slices.Contains(names, s.metric.name) {
			found[string(t.identity(s.metric.name, s))] = s
		}
		return true
	})
	return found
}

// identity is name with the labels of s, whatever their order; valid until the
// next call.
func (t *table) identity(name string, s *series) []byte {
	labels := t.labelsOf(s)
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	key := t.key[:0]
	key = append(key, name...)
	for _, l := range labels {
		if l.value != "" { // an empty label is an absent one
			key = append(append(append(append(key, 0xff), l.name...), 0xff), l.value...)
		}
	}
	t.key = key
	return key
}

// created is when s began, in unix seconds; 0 when the page does not say.
func (s *series) created() float64 {
	if s == nil || s.birth == nil || !finite(s.birth.value) || s.birth.value <= 0 {
		return 0
	}
	return s.birth.value
}

// bornAt takes when s began as a message says; 0 when it does not.
func (s *series) bornAt(seconds float64) {
	switch {
	case s.birth != nil:
		s.birth.value = seconds
	case seconds != 0:
		s.birth = &series{value: seconds}
	}
}

// timestamp reads a google.protobuf.Timestamp in unix seconds.
func timestamp(msg []byte) (seconds float64, err error) {
	err = fields(msg, func(f field) error {
		switch f.num {
		case stampSeconds:
			seconds += float64(int64(f.varint)) //nolint:gosec // two's complement on the wire
		case stampNanos:
			seconds += float64(int32(f.varint)) / 1e9 //nolint:gosec // below 1e9
		}
		return nil
	})
	return seconds, err
}

// simple reads a Counter, Gauge or Untyped: its value, and of a counter when it
// began.
func simple(msg []byte, of protowire.Number) (value, began float64, err error) {
	err = fields(msg, func(f field) (err error) {
		switch {
		case f.num == simpleValue:
			value = f.double()
		case f.num == counterCreated && of == metricCounter:
			began, err = timestamp(f.bytes)
		}
		return err
	})
	return value, began, err
}
