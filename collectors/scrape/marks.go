package scrape

import (
	"maps"
	"math"
	"strings"

	"apitop/collectors/snapshot"
)

// marks are what tells the pages of one process from those of another: what it
// wrote once and for all, and what can only rise. Two processes may have the
// same for a while, so that a difference proves something and equality does not.
type marks struct {
	start  float64            // unix seconds; 0: not on the page
	fixed  map[string]float64 // when counters were made: *_created
	rising map[string]float64 // totals
	steady map[string]float64 // its memory, which stands still while nothing is done
}

// They are of some series of each family, as one family may have thousands.
const (
	mostMarks = 400
	marksEach = 8
)

// marksOf are the marks of the page that r read last.
func marksOf(r *Reader, h *snapshot.HTTP) *marks {
	p := &marks{fixed: map[string]float64{}, rising: map[string]float64{}, steady: map[string]float64{}}
	if h.StartTime.OK {
		p.start = h.StartTime.V
	}
	of := map[*metric]int{}
	r.table.each(func(s *series) bool {
		to := p.rising
		switch {
		case !finite(s.value) || of[s.metric] == marksEach:
			return true
		case s.role == isAlone && strings.HasSuffix(s.metric.name, "_created"):
			to = p.fixed
		case s.role == isAlone && strings.HasSuffix(s.metric.name, "process_resident_memory_bytes"):
			to = p.steady
		case !r.table.rises(s):
			return true
		}
		of[s.metric]++
		to[s.raw] = s.value
		return len(p.fixed)+len(p.rising) < mostMarks
	})
	return p
}

// rises tells whether a series is a total by its type or, without one, by its
// name. Buckets are left to the count of their histogram.
func (t *table) rises(s *series) bool {
	name := s.metric.name
	switch t.kind(name) {
	case kindCounter:
		return true
	case kindGauge, kindOther:
		return false
	}
	switch s.role {
	case isCount:
		k := t.kind(s.group.base)
		return k == kindHistogram || k == kindSummary
	case isAlone:
		return strings.HasSuffix(name, "_total")
	}
	return false
}

// unlike tells whether two sets of marks are of different processes for certain.
// Start times may differ by shake.
func (p *marks) unlike(o *marks, shake float64) bool {
	if p.start > 0 && o.start > 0 && math.Abs(p.start-o.start) > shake {
		return true
	}
	for key, v := range p.fixed {
		if w, ok := o.fixed[key]; ok && math.Abs(v-w) > exactly {
			return true
		}
	}
	return false
}

// exactly is how much two writings of one time may differ: start times come in
// hundredths of a second.
const exactly = 0.005

// told tells whether p has anything that could tell its process from others.
func (p *marks) told() bool { return p.start > 0 || len(p.fixed) > 0 }

// fell lists what is less in o, which should be later, than in p.
func (p *marks) fell(o *marks) (keys []string) {
	for key, v := range p.rising {
		if w, ok := o.rising[key]; ok && w < v {
			keys = append(keys, key)
		}
	}
	return keys
}

// grew tells whether anything is more in o than in p.
func (p *marks) grew(o *marks) bool {
	for key, v := range p.rising {
		if w, ok := o.rising[key]; ok && w > v {
			return true
		}
	}
	return false
}

// stands tells whether both have the same memory, which must be known.
func (p *marks) stands(o *marks) bool { return len(p.steady) > 0 && maps.Equal(p.steady, o.steady) }

// equal tells whether two sets of marks say the same.
func (p *marks) equal(o *marks) bool {
	return p.start == o.start && maps.Equal(p.fixed, o.fixed) && maps.Equal(p.rising, o.rising)
}
