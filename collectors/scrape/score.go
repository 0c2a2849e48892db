package scrape

import (
	"math"
	"strings"
)

// candidate is a family that may count or time the service's requests.
type candidate struct {
	*family
	roles roles
	topic topic
	score int
	total float64 // requests so far
}

// about tells whether a family is about requests, by its name or, whatever it
// is called, by labels that hold statuses with methods or routes. Where the name
// speaks of something else, too, the labels must say all of it.
func (c candidate) about(e *evidence) bool {
	path, route := false, false
	for _, name := range c.roles.route {
		path = path || e.labels[name] != nil && e.labels[name].path > 0
		route = route || routeNames.of(name) >= 0
	}
	switch {
	case c.topic.odd:
		http := c.roles.status != "" && e.labels[c.roles.status].status > 0
		return http && (c.roles.method != "" || path) && c.topic.score >= needWords
	case c.topic.call:
		return c.roles.status != "" && len(c.roles.route) > 0
	case c.topic.score >= needWords:
		return true
	case c.shape == distribution && timed(c.family) && path:
		return true
	}
	return c.roles.status != "" && (c.roles.method != "" || path || route && c.topic.score > 0)
}

// candidate makes one of a family, if its name does not rule it out. With calls,
// remote procedure calls are requests.
func (v *view) candidate(f *family, calls bool) (candidate, bool) {
	c := candidate{family: f, topic: f.topic()}
	if c.topic.off || c.topic.call != calls {
		return c, false
	}
	c.roles = rolesOf(v.evidence(f), calls)
	c.score = c.topic.score + rate(c.roles, v.evidence(f))
	if c.topic.odd {
		c.score -= oddPenalty
	}
	return c, c.about(v.evidence(f))
}

// oddPenalty is what a family loses whose name speaks of something else, too.
const oddPenalty = 4

// candidates rates the families that may count and time requests, once.
func (v *view) candidates(calls bool) (counters, durations []candidate) {
	i := 0
	if calls {
		i = 1
	}
	if !v.sorted[i] {
		v.sorted[i] = true
		v.counting[i], v.timing[i] = v.counters(calls), v.durations(calls)
	}
	return v.counting[i], v.timing[i]
}

// counters rates the families that may count requests.
func (v *view) counters(calls bool) []candidate {
	var found []candidate
	for _, f := range v.families {
		if f.shape != counting && f.shape != maybe || f.says().timedTotal {
			continue
		}
		c, ok := v.candidate(f, calls)
		if !ok || f.shape == maybe && c.roles.status == "" || c.roles.known() == 0 && c.topic.score < 6 {
			continue // a name alone is too little
		}
		if f.typed {
			c.score += 2
		}
		c.total = v.total(f)
		found = append(found, c)
	}
	return found
}

// durations rates the families that may time requests.
func (v *view) durations(calls bool) []candidate {
	var found []candidate
	for _, f := range v.families {
		if f.shape != distribution {
			continue
		}
		c, ok := v.candidate(f, calls)
		if !timed(f) && c.roles.known() < 2 {
			continue // may be of anything
		}
		if !ok {
			continue
		}
		if !timed(f) {
			c.score -= oddPenalty
		}
		if f.buckets {
			c.score += 4
		}
		c.total = v.total(f)
		found = append(found, c)
	}
	return found
}

// rate rates what the labels of a family say.
func rate(r roles, e *evidence) int {
	score := 0
	if r.status != "" {
		score += 4
	}
	if r.method != "" {
		score += 2
	}
	for _, name := range r.route {
		score++
		if l := e.labels[name]; l != nil && l.path > 0 {
			score += 2
		}
	}
	return score
}

// total adds up a family's samples, to see which families count the same.
func (v *view) total(f *family) float64 {
	n := 0.0
	for _, s := range v.samples(f) {
		if finite(s.value) && (s.role != isBucket || math.IsInf(s.le, 1)) {
			n += s.value
		}
	}
	return n
}

// stemOf strips a name down to what a counter and its histogram share:
// http_requests_total and http_request_duration_seconds are both http_request.
func stemOf(words []string) string {
	var left []string
	for i, w := range words {
		switch {
		case w == "by" && i > 0: // django: ..._total_by_status_view_method
			return strings.Join(left, "_")
		case w == "total", w == "count", w == "hist", w == "histogram", w == "summary", w == "processing", w == "handling", w == "handled", timeWords[w], perSecond[w] > 0:
			continue
		case w == "responses", w == "response", w == "requests", w == "rq":
			w = "request"
		case w == "calls":
			w = "call"
		}
		left = append(left, w)
	}
	return strings.Join(left, "_")
}

// guess finds the families without knowing the library: the best histogram with
// the counter that belongs to it, or whichever of the two says more alone.
func (v *view) guess(calls bool) (mapping, bool) {
	counters, durations := v.candidates(calls)
	d := top(durations, func(x candidate) int { return x.score + v.bonus(x, counters) })
	c := top(counters, func(x candidate) int { return x.score })
	switch {
	case d == nil && c == nil:
		return mapping{}, false
	case d == nil:
		return v.alone(c), true
	}
	own := top(counters, func(x candidate) int {
		if !v.pair(x, *d) {
			return 0
		}
		return x.score
	})
	if own == nil && c != nil && c.score > d.score { // a counter of other requests says more
		return v.alone(c), true
	}
	m := mapping{duration: d.name, times: d.roles, counts: d.roles, scale: v.scale(d.family)}
	if own != nil && own.roles.covers(d.roles) {
		m.counter, m.counts = own.name, own.roles
		if r := own.roles.route; hasAny(v.evidence(d.family), r) {
			m.times.route = r // the same labels, so that both speak of the same routes
		}
	}
	return m, true
}

// alone is the mapping of a counter to which no histogram belongs by its own
// merits; one of the same name may.
func (v *view) alone(c *candidate) mapping {
	m := mapping{counter: c.name, counts: c.roles}
	d := v.partner(c.family, func(x *family) bool { return x.shape == distribution && timed(x) })
	if d != nil {
		m.duration, m.scale, m.times = d.name, v.scale(d), c.roles
		if r := rolesOf(v.evidence(d), false); !hasAny(v.evidence(d), c.roles.route) {
			m.times = r
		}
	}
	return m
}

// bare finds a counter of requests that has nothing but its name, the first of
// several. One with labels that do not speak of HTTP counts something else.
func (v *view) bare() (mapping, bool) {
	for _, f := range v.families {
		t := f.topic()
		fits := f.shape == counting && f.typed && !t.off && !t.odd && !t.call && t.score > needWords && !f.says().timedTotal
		if fits && len(v.evidence(f).labels) == 0 {
			return mapping{counter: f.name, counts: rolesOf(v.evidence(f), false)}, true
		}
	}
	return mapping{}, false
}

// top is the candidate with the best positive score, the first of equals.
func top(all []candidate, score func(candidate) int) *candidate {
	var found *candidate
	best := 0
	for i, x := range all {
		if n := score(x); n > best {
			found, best = &all[i], n
		}
	}
	return found
}
