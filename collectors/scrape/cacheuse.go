package scrape

import "strings"

// cacheResults says which results of a lookup were answered by the cache: a
// stale value and a remembered absence are, as nothing was loaded for them.
var cacheResults = map[string]bool{
	"hit": true, "hits": true, "stale": true, "negative": true,
	"miss": false, "misses": false, "expired": false,
}

// cacheLookups are the ends of names of counters of lookups by result;
// cachePairs of those that count hits and misses apart.
var (
	cacheLookups = [...]string{"cache_requests_total", "cache_lookups_total", "cache_gets_total"}
	cachePairs   = [...][2]string{
		{"cache_hits_total", "cache_misses_total"}, {"cache_hit_total", "cache_miss_total"},
	}
)

// cacheNames finds the counters that tell how the service's own cache does: one
// by result, or two. Of several the first by name is taken: a second one would
// count the lookups of another layer behind it.
func cacheNames(t *table) (lookups, hits, misses string) {
	for name := range t.metrics {
		norm := normal(name)
		for _, end := range cacheLookups {
			if strings.HasSuffix(norm, end) && (lookups == "" || name < lookups) {
				lookups = name
			}
		}
		for _, p := range cachePairs {
			start, ok := strings.CutSuffix(name, p[0])
			other := start + p[1]
			if ok && t.metrics[other] != nil && (hits == "" || name < hits) {
				hits, misses = name, other
			}
		}
	}
	if lookups != "" {
		return lookups, "", ""
	}
	return "", hits, misses
}

// bindCache takes a series of those counters.
func (p *plan) bindCache(t *table, s *series, names [3]string) {
	switch s.metric.name {
	case names[1]:
		p.hits = append(p.hits, s)
	case names[2]:
		p.misses = append(p.misses, s)
	case names[0]:
		for _, l := range t.labelsOf(s) {
			found, known := cacheResults[strings.ToLower(l.value)]
			if !known || l.name == "cache" { // a cache may be called "hits"
				continue
			}
			if found {
				p.hits = append(p.hits, s)
			} else {
				p.misses = append(p.misses, s)
			}
			return
		}
	}
}
