// Package faults lets a demo go wrong on purpose: each fault can be switched on
// and off while the demo runs, alone or together with others, and shows what one
// rule of the diagnosis is there to find. R1, the burning error budget, is a
// symptom: error-burst and postgres-down show it.
//
//	n-plus-one           R3   product lists ask the database for each product by itself, uncached
//	                          shows: db_queries_per_request of GET /products; calls of the statement by id
//	drop-index           R4   the indexes of products are dropped, lists and searches uncached
//	                          shows: sequential scans of products; statements that read many blocks
//	slow-query           R5   every search takes 300 ms longer in the database
//	                          shows: mean time of the search statement; p95 of POST /products/search
//	pool-exhaustion      R6   the pool's connections are held, the last one half of the time; products uncached
//	                          shows: db_pool_acquired_connections; waits for a connection
//	lock-table           R7   products is locked for 8 s of every 10 s
//	                          shows: statements that wait for a lock; p95 of what writes and of cache misses
//	idle-in-transaction  R8   a connection has changed a product and does not commit
//	                          shows: pg_stat_activity: idle in transaction
//	cache-flush          R2   all cached values are removed every 2 s
//	                          shows: cache hit ratio; statements a second
//	stampede             R11  no stampede protection; the hottest product expires every 2 s under 64 readers
//	                          shows: cache_loads_total in bursts; misses of one key
//	eviction             R9   Redis has 2 MB left, and values that nobody reads arrive all the time
//	                          shows: evicted_keys; used memory at maxmemory
//	hot-key              R10  120 requests a second for one product, each one from Redis
//	                          shows: reads of one key against all
//	abusive-user         R13  one basic user sends 40 requests a second
//	                          shows: share of one subject; its denied requests
//	retry-storm          R13  five callers over their quota of logins retry at once, 20 times a second in all
//	                          shows: denied far above allowed for one tier and class
//	error-burst          R12  30 % of GET /products/{id} fail with 500
//	                          shows: 5xx of one route; the SLO's error budget (R1)
//	queue-stall          R17  no order is worked on while orders arrive
//	                          shows: queue_length rises; orders stay pending
//	cpu-burn             R14  a pathological regular expression on every core
//	                          shows: CPU of the process; scheduler latency
//	memory-leak          R15  4 MB a second are kept, up to 1 GB
//	                          shows: go_gc_heap_live_bytes; resident memory
//	goroutine-leak       R15  50 goroutines a second never end, up to 20,000
//	                          shows: go_goroutines
//	gc-pressure          R16  garbage beside a large live heap keeps the collector at work
//	                          shows: CPU of the garbage collector; cycles a second
//	fd-leak              R18  20 files a second stay open, up to 80 % of a limit lowered to 2048
//	                          shows: process_open_fds against process_max_fds
//	slow-redis           R18  a script keeps Redis' one thread busy, 25 ms at a time, 40 % of the time
//	                          shows: SLOWLOG; timeouts of the cache; p95
//	redis-down           R18  the demo's Redis is killed; it comes back empty
//	                          shows: the Redis source; breaker_state; cache_errors_total
//	postgres-down        R18  the demo's Postgres is stopped; it comes back with its data
//	                          shows: the Postgres source; breaker_state; 503s
//
// A fault that needs what is not there says why, and what to do. Those that take
// a server's memory, time or life work only on servers that were started for the
// demo. A fault ends when it is switched off, with [Set.Close], and with the
// process: nothing of it is kept anywhere.
package faults
