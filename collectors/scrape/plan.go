package scrape

import (
	"math"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// plan is where the fields of a reading come from. It is made anew when the
// page's series change, and only read otherwise.
type plan struct {
	counts   []*series            // request counters; empty: the groups' counts
	ends     []*series            // counters of the same requests by status
	groups   []*group             // durations
	floats   int                  // room for all cumulative counts
	scale    float64              // units of the durations in a second
	ladders  map[string][]float64 // by their bits
	counter  safe.Text
	duration safe.Text
	statuses safe.Text
	summary  bool // the durations have no buckets

	oversized int // histograms left out for their many buckets
	inFlight  [][]*series
	work      []*group             // database statements per request
	process   map[string][]*series // by normal name
	service   *servicePlan
}

// maxLadders is how many ladders are remembered for sharing.
const maxLadders = 1000

// bind makes the plan of a mapping. Ladders of bounds are kept from the plan
// before, so that readings go on sharing them.
func (t *table) bind(m mapping, old *plan) *plan {
	p := &plan{scale: m.scale, ladders: map[string][]float64{}, process: map[string][]*series{}}
	var oldService *servicePlan
	if old != nil {
		oldService = old.service
	}
	if old != nil && len(old.ladders) < maxLadders {
		p.ladders = old.ladders
	}
	p.inFlight = t.inFlight(m.counter, m.wants)
	p.service = t.bindService(append([]string{m.counter, m.statuses}, m.ignored...), oldService)
	perRequest := perRequestName(t)
	counted, ended := t.metrics[m.counter], t.metrics[m.statuses]
	t.each(func(s *series) bool {
		switch {
		case counted != nil && s.metric == counted:
			p.counts = m.bind(t, p.counts, s, m.counts)
		case ended != nil && s.metric == ended:
			p.ends = m.bind(t, p.ends, s, m.ends)
		case s.group != nil && s.group.base == m.duration && s.group.plan != p:
			s.group.plan = p
			p.bindGroup(t, m, s.group)
		case s.group != nil && s.group.base == perRequest && s.group.plan != p:
			s.group.plan = p
			p.bindWork(t, m, s.group)
		case processFields[s.metric.name] != nil:
			p.process[s.metric.name] = append(p.process[s.metric.name], s)
		}
		return true
	})
	if counted != nil {
		p.counter = safe.New(m.counter)
	}
	if ended != nil {
		p.statuses = safe.New(m.statuses)
	}
	if len(p.groups) > 0 {
		p.duration = safe.New(m.duration)
		p.summary = p.floats == len(p.groups)
	}
	p.bindBirths(t, m)
	return p
}

// bind adds a counter to those that are read, unless its requests are not wanted.
func (m mapping) bind(t *table, list []*series, s *series, r roles) []*series {
	if s.meta == nil {
		labels := t.labelsOf(s)
		if !m.wants(labels) {
			return list
		}
		s.meta = r.meta(s.raw, labels)
	}
	return append(list, s)
}

func (p *plan) bindGroup(t *table, m mapping, g *group) {
	speaker := g.count
	if speaker == nil {
		if len(g.buckets) == 0 {
			return // a sum without a count
		}
		speaker = g.buckets[len(g.buckets)-1] // +Inf, if there is one
	}
	if len(g.buckets) > maxBounds {
		p.oversized++
		return
	}
	if g.meta == nil {
		labels := t.labelsOf(speaker)
		if !m.wants(labels) {
			return
		}
		g.meta = m.times.meta(speaker.raw, labels)
	}
	if !g.laddered {
		g.bounds, g.laddered = p.ladder(g), true
	}
	p.groups = append(p.groups, g)
	p.floats += len(g.bounds) + 1
}

// ladder returns the finite bounds of g in seconds, one slice for all groups
// with the same.
func (p *plan) ladder(g *group) []float64 {
	var bounds []float64
	var key []byte
	for _, b := range g.buckets {
		if v := b.le / p.scale; !math.IsInf(v, 0) && (len(bounds) == 0 || v > bounds[len(bounds)-1]) {
			bounds = append(bounds, v)
			key = appendFloat(key, v)
		}
	}
	if shared, ok := p.ladders[string(key)]; ok {
		return shared
	}
	p.ladders[string(key)] = bounds
	return bounds
}

func appendFloat(b []byte, v float64) []byte {
	bits := math.Float64bits(v)
	for shift := 0; shift < 64; shift += 8 {
		b = append(b, byte(bits>>shift))
	}
	return b
}

// wants tells whether a series with these labels is one of the service's
// requests, and counted nowhere else.
func (m mapping) wants(labels []label) bool {
	if len(m.only) == 0 && len(m.except) == 0 {
		return true
	}
	for _, l := range labels {
		name := normal(l.name)
		for _, x := range m.only {
			if x.label == name && x.value != l.value {
				return false
			}
		}
		for _, x := range m.except {
			if x.label == name && x.value == l.value {
				return false
			}
		}
	}
	return true
}

// meta is the identity of a series as people see it.
func (r roles) meta(raw string, labels []label) *snapshot.Series {
	parts := make([]string, len(r.route))
	var status, method string
	for _, l := range labels {
		name := normal(l.name)
		if i := slices.Index(r.route, name); i >= 0 {
			parts[i] = l.value
		}
		switch name {
		case r.status:
			status = l.value
		case r.method:
			method = l.value
		}
	}
	return identity(raw, parts, method, r.kind.read(status))
}

// identity puts together what a series stands for.
func identity(id string, parts []string, method, status string) *snapshot.Series {
	route := strings.Join(parts, "|")
	if strings.Trim(route, "|") == "" {
		route = "" // no part is known
	}
	if verb, path, ok := cutVerb(route); ok && (method == "" || strings.EqualFold(verb, method)) {
		method, route = verb, path // go-chi writes "GET /users" into one label
	}
	return &snapshot.Series{
		ID:     id,
		Method: safe.New(strings.ToUpper(method)),
		Route:  safe.New(route),
		Status: safe.New(status),
	}
}
