package scrape

// cacheLibraries are caches that are called in their own way. The names were
// read from sources and pages, 2026. Those that services name themselves, and
// Micrometer's, are found by adHocCaches.
func cacheLibraries() []library {
	return []library{
		{section: caches, kind: "django", by: "backend", rows: []row{
			{names: "django_cache_get_hits", to: cacheHits},
			{names: "django_cache_get_misses", to: cacheMisses},
			{names: "django_cache_get_total", to: cacheLookups},
		}},
		{section: caches, kind: "nginx", by: "host", except: match{"host", "*"}, rows: []row{
			{names: "nginx_vts_server_cache", to: cacheHits, when: "status=hit|stale|updating|revalidated"},
			{names: "nginx_vts_server_cache", to: cacheMisses, when: "status=miss|expired"},
		}},
		{section: caches, kind: "dotnet", by: "cache_name|dotnet_cache_name", rows: []row{
			{names: "dotnet_cache_requests", to: cacheHits, when: "cache_request_type=hit"},
			{names: "dotnet_cache_requests", to: cacheHits, when: "dotnet_cache_request_type=hit"},
			{names: "dotnet_cache_requests", to: cacheHits, when: "dotnet_cache_request_result=hit"},
			{names: "dotnet_cache_requests", to: cacheMisses, when: "cache_request_type=miss"},
			{names: "dotnet_cache_requests", to: cacheMisses, when: "dotnet_cache_request_type=miss"},
			{names: "dotnet_cache_requests", to: cacheMisses, when: "dotnet_cache_request_result=miss"},
			{names: "dotnet_cache_evictions", to: cacheEvictions},
			{names: "dotnet_cache_entries", to: cacheEntries},
		}},
		{section: caches, kind: "redis_exporter", by: "addr", server: true, rows: []row{
			{names: "redis_keyspace_hits", to: cacheHits},
			{names: "redis_keyspace_misses", to: cacheMisses},
			{names: "redis_evicted_keys", to: cacheEvictions},
			{names: "redis_db_keys", to: cacheEntries},
		}},
		{section: caches, kind: "memcached_exporter", by: "server", server: true, rows: []row{
			{names: "memcached_commands", to: cacheHits, when: "status=hit"},
			{names: "memcached_commands", to: cacheMisses, when: "status=miss"},
			{names: "memcached_items_evicted", to: cacheEvictions},
			{names: "memcached_current_items", to: cacheEntries},
		}},
		{section: caches, kind: "hibernate", by: "region", server: true, rows: []row{
			{names: "hibernate_second_level_cache_requests", to: cacheHits, when: "result=hit"},
			{names: "hibernate_second_level_cache_requests", to: cacheMisses, when: "result=miss"},
		}},
		{section: caches, kind: "hibernate queries", by: "region", server: true, rows: []row{
			{names: "hibernate_cache_query_requests", to: cacheHits, when: "result=hit"},
			{names: "hibernate_cache_query_requests", to: cacheMisses, when: "result=miss"},
		}},
	}
}
