package scrape

import (
	"slices"
	"strings"
)

// adHocCaches are the caches that a page's own names and labels tell of: a pair
// of counters of hits and misses, or one counter of lookups by their result, as
// Micrometer and most services write them.
type adHocCaches struct {
	lib    *library
	byName map[string][]use // by sample name
}

// cacheResults says which results of a lookup were answered by the cache: a
// stale value and a remembered absence are, as nothing was loaded for them.
var cacheResults = map[string]bool{
	"hit": true, "hits": true, "stale": true, "negative": true, "updating": true, "revalidated": true,
	"miss": false, "misses": false, "expired": false,
}

// hitValues and missValues are the results as a row's when lists them.
const (
	hitValues  = "hit|hits|stale|negative|updating|revalidated"
	missValues = "miss|misses|expired"
)

// Last words of names, without _total, and what they say of a cache.
var (
	hitWords      = []string{"hits", "hit"}
	missWords     = []string{"misses", "miss"}
	lookupWords   = []string{"requests", "lookups", "gets", "operations", "accesses", "queries", "reads", "calls", "get", "results"}
	evictionWords = []string{"evictions", "eviction", "evicted"}
	entryWords    = []string{"entries", "items", "keys", "size", "estimated_size"}
)

// resultEvidence is how many series of a counter of lookups are looked at.
const resultEvidence = 200

// findAdHocCaches looks for them by the names first: only what may be a counter
// of lookups by result has its labels read.
func findAdHocCaches(t *table) adHocCaches {
	a := adHocCaches{
		lib:    &library{section: caches, by: "cache|cache_name|name|backend|region|keyspace"},
		byName: map[string][]use{},
	}
	lookups := map[*metric]*lookupLabels{}
	for name, m := range t.metrics {
		norm := strings.TrimSuffix(normal(name), "_total")
		if t.kind(name) == kindGauge || !slices.Contains(lookupWords, lastWord(norm)) {
			continue
		}
		lookups[m] = &lookupLabels{cache: strings.Contains(norm, "cache")}
	}
	if len(lookups) > 0 {
		t.each(func(s *series) bool {
			if l := lookups[s.metric]; l != nil && l.looked < resultEvidence {
				l.look(t.labelsOf(s))
			}
			return true
		})
	}
	bases := map[string]bool{}
	for m, l := range lookups {
		if l.label == "" {
			continue
		}
		base := baseOf(m.name)
		bases[base] = true
		a.byName[m.name] = []use{
			a.use(row{to: cacheHits, when: l.label + "=" + hitValues, by: l.by(a.lib.by)}, 0, base),
			a.use(row{to: cacheMisses, when: l.label + "=" + missValues, by: l.by(a.lib.by)}, 0, base),
		}
	}
	a.pairs(t, bases)
	a.levels(t, bases)
	return a
}

// lookupLabels finds the label that holds the results of a counter of lookups.
type lookupLabels struct {
	cache  bool // the name says that it is about a cache; else the label must
	looked int
	label  string
}

func (l *lookupLabels) look(labels []label) {
	l.looked++
	for _, x := range labels {
		name := normal(x.name)
		if _, known := cacheResults[strings.ToLower(x.value)]; !known || !l.cache && !strings.Contains(name, "cache") {
			continue
		}
		if l.label == "" || l.label == "cache" { // a cache may be called "hits"
			l.label = name
		}
	}
}

// by leaves the label of the results out of those that tell caches apart.
func (l *lookupLabels) by(by string) string {
	names := slices.DeleteFunc(strings.Split(by, "|"), func(n string) bool { return n == l.label })
	return strings.Join(names, "|")
}

// baseOf is a sample name without its last word: cache of cache_hits_total.
func baseOf(name string) string {
	norm := strings.TrimSuffix(normal(name), "_total")
	return strings.TrimSuffix(norm, "_"+lastWord(norm))
}

func (a *adHocCaches) use(r row, rank int, base string) use {
	prefix := base
	if base == "cache" {
		prefix = "" // the only one
	}
	return use{lib: a.lib, row: &r, rank: rank, prefix: prefix}
}

// pairs finds counters of hits with one of misses, or of all lookups, beside
// them.
func (a *adHocCaches) pairs(t *table, bases map[string]bool) {
	type pair struct{ hits, misses, lookups string }
	found := map[string]*pair{}
	for name := range t.metrics {
		norm := strings.TrimSuffix(normal(name), "_total")
		base, word := baseOf(name), lastWord(norm)
		if !strings.Contains(base, "cache") || a.byName[name] != nil {
			continue
		}
		p := found[base]
		if p == nil {
			p = &pair{}
			found[base] = p
		}
		switch {
		case slices.Contains(hitWords, word):
			p.hits = name
		case slices.Contains(missWords, word):
			p.misses = name
		case slices.Contains(lookupWords, word):
			p.lookups = name
		}
	}
	for base, p := range found {
		if p.hits == "" || p.misses == "" && p.lookups == "" || bases[base] {
			continue
		}
		bases[base] = true
		a.byName[p.hits] = []use{a.use(row{to: cacheHits}, 1, base)}
		if p.misses != "" {
			a.byName[p.misses] = []use{a.use(row{to: cacheMisses}, 1, base)}
		}
		if p.lookups != "" {
			a.byName[p.lookups] = []use{a.use(row{to: cacheLookups}, 1, base)}
		}
	}
}

// levels finds the evictions and entries of caches that were found.
func (a *adHocCaches) levels(t *table, bases map[string]bool) {
	for name := range t.metrics {
		norm := strings.TrimSuffix(normal(name), "_total")
		for _, f := range []struct {
			words []string
			to    figure
		}{{evictionWords, cacheEvictions}, {entryWords, cacheEntries}} {
			for rank, word := range f.words {
				base, ok := strings.CutSuffix(norm, "_"+word)
				if ok && bases[base] && a.byName[name] == nil {
					a.byName[name] = []use{a.use(row{to: f.to}, rank, base)}
				}
			}
		}
	}
}

// usesOf is what the family of s says of such a cache.
func (a *adHocCaches) usesOf(_ *table, s *series) []use { return a.byName[s.metric.name] }
