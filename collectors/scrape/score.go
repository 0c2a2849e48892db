package scrape

import (
	"math"
	"strings"
)

// candidate is a family that may count or time the service's requests.
type candidate struct {
	*family
	roles roles
	score int
	total float64 // requests so far
	stem  string  // name without what parts a counter from a histogram
}

// goodWords say that a family is about requests served.
var goodWords = map[string]int{
	"http": 3, "https": 3, "request": 4, "requests": 4, "rq": 4, "response": 3, "responses": 3,
	"server": 1, "handler": 1, "handled": 1, "handling": 1, "api": 1,
}

// badWords say that a family is about something else: requests sent and not
// served, parts of a request, sizes, failures alone, other protocols, the
// scrape itself.
var badWords = wordSet(`client upstream outbound outgoing egress proxied
	tls dns connect connection connections conntrack dial header headers queue queued wait
	size sizes bytes error errors failure failures failed exception exceptions rejected retry retries created
	db database sql query queries redis cache memcached mongo mysql postgres pg ldap smtp amqp kafka etcd s3 aws
	grpc rpc websocket job jobs oban sidekiq celery ecto scrape scrapes sd promhttp admin remote storage tsdb
	ratelimit limiter throttled tracing otlp webhook compaction gc`)

// badStarts are first words of exporters that only speak of other things.
var badStarts = wordSet(`node go jvm nodejs python process net container kubelet otelcol up`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// wordScore rates a name: negative when it is about something else than
// requests served, 0 when it does not say.
func wordScore(norm string) int {
	score, first := 0, true
	for w := range strings.SplitSeq(strings.ToLower(norm), "_") {
		if badWords[w] || first && badStarts[w] {
			return -1
		}
		first = false
		score += goodWords[w]
	}
	return score
}

// needWords is the least word score of a name that is about requests: "response"
// alone is enough.
const needWords = 3

// about tells whether a family is about requests, by its name or, whatever it
// is called, by labels that hold statuses with methods or paths.
func about(words int, r roles, e *evidence) bool {
	if words >= needWords {
		return true
	}
	path := len(r.route) > 0 && e.labels[r.route[0]].path > 0
	return words >= 0 && r.status != "" && (r.method != "" || path)
}

// counters rates the families that may count requests, best first by score.
func (v *view) counters() []candidate {
	var found []candidate
	for _, f := range v.families {
		words := wordScore(f.norm)
		if words < 0 || f.shape != counting && f.shape != maybe || timed(f) {
			continue
		}
		c := candidate{family: f, roles: rolesOf(v.evidence(f)), stem: stem(f.norm)}
		if !about(words, c.roles, v.evidence(f)) || f.shape == maybe && c.roles.status == "" ||
			c.roles.known() == 0 && words < 6 {
			continue // a name alone is too little
		}
		c.score = words + rate(c.roles, v.evidence(f))
		if f.typed {
			c.score += 2
		}
		c.total = v.total(f)
		found = append(found, c)
	}
	return found
}

// durations rates the families that may time requests.
func (v *view) durations() []candidate {
	var found []candidate
	for _, f := range v.families {
		words := wordScore(f.norm)
		if words < 0 || f.shape != distribution || !timed(f) {
			continue
		}
		c := candidate{family: f, roles: rolesOf(v.evidence(f)), stem: stem(f.norm)}
		if !about(words, c.roles, v.evidence(f)) {
			continue
		}
		c.score = words + rate(c.roles, v.evidence(f))
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

// stem strips a name down to what a counter and its histogram share:
// http_requests_total and http_request_duration_seconds are both http_request.
func stem(norm string) string {
	if i := strings.Index(norm, "_by_"); i > 0 {
		norm = norm[:i] // django: ..._total_by_status_view_method
	}
	var words []string
	for w := range strings.SplitSeq(norm, "_") {
		switch {
		case w == "total", w == "processing", w == "handling", timeWords[w], perSecond[w] > 0:
			continue
		case w == "responses", w == "response", w == "requests":
			w = "request"
		}
		words = append(words, w)
	}
	return strings.Join(words, "_")
}

// pair tells whether a counter and a histogram count the same requests: they
// share a stem, or at least the part about requests and their totals.
func pair(c, d candidate) bool {
	if c.stem == d.stem {
		return true
	}
	loose := func(s string) string { return strings.ReplaceAll(s, "http_", "") }
	return loose(c.stem) == loose(d.stem) && c.total > 0 && math.Abs(c.total-d.total) <= 0.05*c.total
}

// guess finds the families without knowing the library: the best histogram with
// the counter that belongs to it, or whichever of the two says more alone.
func (v *view) guess() (mapping, bool) {
	counters := v.counters()
	d := top(v.durations(), func(x candidate) int { return x.score + bonus(x, counters) })
	if d == nil {
		c := top(counters, func(x candidate) int { return x.score })
		if c == nil {
			return mapping{}, false
		}
		return mapping{counter: c.name, counts: c.roles}, true
	}
	c := top(counters, func(x candidate) int {
		if !pair(x, *d) {
			return 0
		}
		return x.score
	})
	if c == nil { // a counter of other requests than the histogram's may say more
		if x := top(counters, func(x candidate) int { return x.score }); x != nil && x.score > d.score {
			return mapping{counter: x.name, counts: x.roles}, true
		}
	}
	m := mapping{duration: d.name, times: d.roles, counts: d.roles, scale: v.scale(d.family)}
	if c != nil && c.roles.covers(d.roles) {
		m.counter, m.counts = c.name, c.roles
	}
	return m, true
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

// bonus prefers, of histograms that look alike, the one with a counter.
func bonus(d candidate, counters []candidate) int {
	for _, c := range counters {
		if pair(c, d) {
			return 1
		}
	}
	return 0
}
