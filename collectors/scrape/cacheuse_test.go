package scrape

import (
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// TestCacheUse: how a service's own cache does, by the names that services use.
func TestCacheUse(t *testing.T) {
	counter := func(name string, lines ...string) string {
		page := "# TYPE " + name + " counter\n"
		return page + name + strings.Join(lines, "\n"+name) + "\n"
	}
	tests := map[string]struct {
		page         string
		hits, misses snapshot.Value
	}{
		"none": {plainCounter, snapshot.Value{}, snapshot.Value{}},
		"by result": {counter("cache_requests_total", `{cache="a",layer="l1",result="hit"} 5`, `{cache="a",layer="redis",result="stale"} 2`,
			`{cache="a",layer="redis",result="negative"} 1`, `{cache="b",layer="store",result="miss"} 4`), snapshot.Known(8), snapshot.Known(4)},
		"only misses yet":        {counter("app_cache_lookups_total", `{outcome="miss"} 4`), snapshot.Known(0), snapshot.Known(4)},
		"two counters":           {counter("shop_cache_hits_total", " 6") + counter("shop_cache_misses_total", " 3"), snapshot.Known(6), snapshot.Known(3)},
		"half of two":            {counter("shop_cache_hits_total", " 6"), snapshot.Value{}, snapshot.Value{}},
		"a cache called hit":     {counter("cache_requests_total", `{cache="hit",result="miss"} 1`), snapshot.Known(0), snapshot.Known(1)},
		"said twice":             {counter("cache_requests_total", `{result="hit",status="hit"} 3`), snapshot.Known(3), snapshot.Known(0)},
		"other words":            {counter("cache_requests_total", `{op="get"} 1`), snapshot.Value{}, snapshot.Value{}},
		"the front layer, once":  {counter("a_cache_requests_total", `{result="hit"} 1`) + counter("b_cache_requests_total", `{result="hit"} 9`), snapshot.Known(1), snapshot.Known(0)},
		"by result beats a pair": {counter("cache_requests_total", `{result="hit"} 2`) + counter("x_cache_hits_total", " 6") + counter("x_cache_misses_total", " 3"), snapshot.Known(2), snapshot.Known(0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := readPage(t, NewReader("t", Limits{}), tt.page)
			if h.CacheHits != tt.hits || h.CacheMisses != tt.misses {
				t.Errorf("read %v hits, %v misses; want %v, %v", h.CacheHits, h.CacheMisses, tt.hits, tt.misses)
			}
		})
	}
}
