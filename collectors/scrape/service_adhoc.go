package scrape

import (
	"maps"
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
		if machinesOwn(norm) || t.kind(name) == kindGauge || !slices.Contains(lookupWords, lastWord(norm)) {
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
	for _, m := range slices.SortedFunc(maps.Keys(lookups), func(x, y *metric) int { return strings.Compare(x.name, y.name) }) {
		l, base := lookups[m], baseOf(m.name)
		if l.label == "" || bases[base] {
			continue // a second one by result counts the same lookups
		}
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

// machinesOwn tells whether a family is of an exporter that speaks of the kernel
// and of containers: their caches are not the service's.
func machinesOwn(norm string) bool {
	first, _, _ := strings.Cut(norm, "_")
	return first == "node" || first == "container" || first == "kubelet"
}

// firstOf is the first by name of two, so that the choice does not depend on the
// order of a map; a counts for nothing when it is empty.
func firstOf(a, b string) string {
	if a == "" || b < a {
		return b
	}
	return a
}

// pairs finds the counters of which two of hits, misses and all lookups stand
// together.
func (a *adHocCaches) pairs(t *table, bases map[string]bool) {
	type pair struct{ hits, misses, lookups string }
	found := map[string]*pair{}
	for name := range t.metrics {
		norm := strings.TrimSuffix(normal(name), "_total")
		base, word := baseOf(name), lastWord(norm)
		if !strings.Contains(base, "cache") || machinesOwn(norm) || a.byName[name] != nil {
			continue
		}
		p := found[base]
		if p == nil {
			p = &pair{}
			found[base] = p
		}
		switch {
		case slices.Contains(hitWords, word):
			p.hits = firstOf(p.hits, name)
		case slices.Contains(missWords, word):
			p.misses = firstOf(p.misses, name)
		case slices.Contains(lookupWords, word):
			p.lookups = firstOf(p.lookups, name)
		}
	}
	for base, p := range found {
		if bases[base] || p.hits == "" && p.misses == "" || p.lookups == "" && (p.hits == "" || p.misses == "") {
			continue
		}
		bases[base] = true
		for _, f := range []struct {
			name string
			to   figure
		}{{p.hits, cacheHits}, {p.misses, cacheMisses}, {p.lookups, cacheLookups}} {
			if f.name != "" {
				a.byName[f.name] = []use{a.use(row{to: f.to}, 1, base)}
			}
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
