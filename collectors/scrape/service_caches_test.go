package scrape

import "testing"

// TestCaches: how a service's caches do, by the names that services and
// libraries use.
func TestCaches(t *testing.T) {
	runServiceCases(t, map[string]serviceCase{
		"none": {plainCounter, nil},
		"by result": {metrics(`counter cache_requests_total{cache="a",layer="l1",result="hit"} 5`, `counter cache_requests_total{cache="a",layer="redis",result="stale"} 2`,
			`counter cache_requests_total{cache="a",layer="redis",result="negative"} 1`, `counter cache_requests_total{cache="b",layer="store",result="miss"} 4`),
			[]string{"cache a: Hits=8 Misses=0", "cache b: Hits=0 Misses=4"}},
		"only misses yet":          {metrics(`counter app_cache_lookups_total{outcome="miss"} 4`), []string{"cache app_cache: Hits=0 Misses=4"}},
		"two counters":             {metrics("counter shop_cache_hits_total 6", "counter shop_cache_misses_total 3", "gauge shop_cache_entries 20", "counter shop_cache_evictions_total 2"), []string{"cache shop_cache: Hits=6 Misses=3 Evictions=2 Entries=20"}},
		"half of two":              {metrics("counter shop_cache_hits_total 6"), []string{"counter shop_cache_hits_total{} 6"}},
		"hits and all":             {metrics("counter shop_cache_hits_total 6", "counter shop_cache_requests_total 10"), []string{"cache shop_cache: Hits=6 Misses=4"}},
		"misses and all":           {metrics("counter vm_cache_misses_total 6", "counter vm_cache_requests_total 10"), []string{"cache vm_cache: Hits=4 Misses=6"}},
		"the kernel's":             {metrics("counter node_bcache_cache_hits_total 6", "counter node_bcache_cache_misses_total 1", `counter container_cache_requests_total{result="hit"} 1`), nil},
		"a cache called hit":       {metrics(`counter cache_requests_total{cache="hit",result="miss"} 1`), []string{"cache hit: Hits=0 Misses=1"}},
		"said twice":               {metrics(`counter cache_requests_total{result="hit",status="hit"} 3`), []string{"cache: Hits=3 Misses=0"}},
		"the label is the cache's": {metrics(`counter proxy_requests_total{cache="HIT"} 3`, `counter proxy_requests_total{cache="MISS"} 2`, `counter proxy_requests_total{cache="BYPASS"} 9`), []string{"cache proxy: Hits=3 Misses=2"}},
		"other words":              {metrics(`counter cache_requests_total{op="get"} 1`), []string{`counter cache_requests_total{op="get"} 1`}},
		"something else that hits": {metrics(`counter target_requests_total{result="hit"} 1`), nil}, // "target" is a server's own word
		"two layers":               {metrics(`counter a_cache_requests_total{result="hit"} 1`, `counter b_cache_requests_total{result="hit"} 9`), []string{"cache a_cache: Hits=1 Misses=0", "cache b_cache: Hits=9 Misses=0"}},
		"micrometer": {metrics(`counter cache_gets_total{cache="users",cache_manager="cm",name="users",result="hit"} 7`, `counter cache_gets_total{cache="users",cache_manager="cm",name="users",result="miss"} 3`,
			`gauge cache_size{cache="users",cache_manager="cm",name="users"} 11`, `counter cache_evictions_total{cache="users",cache_manager="cm",name="users"} 2`, `counter cache_puts_total{cache="users",cache_manager="cm",name="users"} 5`),
			[]string{"cache users: Hits=7 Misses=3 Evictions=2 Entries=11", `counter cache_puts_total{cache="users",cache_manager="cm",name="users"} 5`}},
		"caffeine": {metrics(`counter caffeine_cache_hit_total{cache="c"} 7`, `counter caffeine_cache_miss_total{cache="c"} 3`, `gauge caffeine_cache_estimated_size{cache="c"} 4`), []string{"cache c: Hits=7 Misses=3 Entries=4"}},
		"django":   {metrics(`counter django_cache_get_total{backend="redis"} 10`, `counter django_cache_get_hits_total{backend="redis"} 8`, `counter django_cache_get_misses_total{backend="redis"} 2`), []string{"cache django redis: Hits=8 Misses=2"}},
		"nginx": {metrics(`counter nginx_vts_server_cache_total{host="a",status="hit"} 6`, `counter nginx_vts_server_cache_total{host="a",status="miss"} 2`, `counter nginx_vts_server_cache_total{host="a",status="bypass"} 9`,
			`counter nginx_vts_server_cache_total{host="*",status="hit"} 6`), []string{"cache nginx a: Hits=6 Misses=2"}},
		"dotnet": {metrics(`counter dotnet_cache_requests_total{cache_name="m",cache_request_type="hit"} 6`, `counter dotnet_cache_requests_total{cache_name="m",cache_request_type="miss"} 2`, `gauge dotnet_cache_entries{cache_name="m"} 3`), []string{"cache dotnet m: Hits=6 Misses=2 Entries=3"}},
		"a redis server": {metrics("counter redis_keyspace_hits_total 6", "counter redis_keyspace_misses_total 2", "counter redis_evicted_keys_total 1", `gauge redis_db_keys{db="db0"} 5`, `gauge redis_db_keys{db="db1"} 1`),
			[]string{"cache redis_exporter: Hits=6 Misses=2 Evictions=1 Entries=6"}},
	})
}
