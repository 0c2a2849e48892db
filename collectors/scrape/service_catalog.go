package scrape

import (
	"slices"
	"strings"
	"sync"
)

// use is a row that a sample name of the page fits.
type use struct {
	lib    *library
	row    *row
	rank   int    // of the row in its library
	prefix string // what * stands for
}

// catalog finds the uses of a sample name.
type catalog struct {
	exact map[string][]use
	ends  map[string][]end // by the last word
}

// end is a row whose name begins with *.
type end struct {
	suffix string
	use    use
}

// known is the catalog of all libraries. It never changes once it is made.
var known = sync.OnceValue(func() *catalog {
	c := &catalog{exact: map[string][]use{}, ends: map[string][]end{}}
	for _, libs := range [][]library{runtimeLibraries(), poolLibraries(), cacheLibraries(), queueLibraries()} {
		for i := range libs {
			c.add(&libs[i])
		}
	}
	return c
})

func (c *catalog) add(lib *library) {
	for rank := range lib.rows {
		r := &lib.rows[rank]
		for name := range strings.FieldsSeq(r.names) {
			u := use{lib: lib, row: r, rank: rank}
			if suffix, star := strings.CutPrefix(name, "*"); star {
				w := lastWord(suffix)
				c.ends[w] = append(c.ends[w], end{suffix, u})
			} else {
				c.exact[name] = append(c.exact[name], u)
			}
		}
	}
}

func lastWord(name string) string { return name[strings.LastIndexByte(name, '_')+1:] }

// find lists the uses of a sample name. Libraries disagree on whether a counter
// ends in _total, and even on whether a gauge may: a row without it means both.
func (c *catalog) find(name string) []use {
	norm := normal(name)
	found := c.uses(norm)
	if short, ok := strings.CutSuffix(norm, "_total"); ok && len(found) == 0 {
		found = c.uses(short)
	}
	return found
}

func (c *catalog) uses(norm string) []use {
	found := c.exact[norm]
	for _, e := range c.ends[lastWord(norm)] {
		if prefix, ok := strings.CutSuffix(norm, e.suffix); ok && (prefix == "" || prefix[len(prefix)-1] == '_') {
			u := e.use
			u.prefix = strings.TrimSuffix(prefix, "_")
			found = append(slices.Clip(found), u)
		}
	}
	return found
}
