package scrape

import "slices"

// poolLibraries are what pools of connections and threads are called. The names
// were read from sources and pages, 2026.
func poolLibraries() []library {
	return slices.Concat(goPools(), jvmPools(), jvmThreads(), otelPools(), otherPools())
}

func goPools() []library {
	return []library{
		{section: pools, kind: "database/sql", by: "db_name", rows: []row{
			{names: "go_sql_in_use_connections", to: poolInUse},
			{names: "go_sql_idle_connections", to: poolIdle},
			{names: "go_sql_max_open_connections", to: poolMax},
			{names: "go_sql_wait_count", to: poolWaits},
			{names: "go_sql_wait_duration_seconds", to: poolWaitSeconds},
			// dlmiddlecote/sqlstats
			{names: "go_sql_stats_connections_in_use", to: poolInUse},
			{names: "go_sql_stats_connections_idle", to: poolIdle},
			{names: "go_sql_stats_connections_max_open", to: poolMax},
			{names: "go_sql_stats_connections_waited_for", to: poolWaits},
			{names: "go_sql_stats_connections_blocked_seconds", to: poolWaitSeconds},
		}},
		{section: pools, kind: "pgxpool", by: "db_name|db|database|pool|name|application_name", rows: []row{
			{names: "pgxpool_acquired_conns", to: poolInUse},
			{names: "pgxpool_idle_conns", to: poolIdle},
			{names: "pgxpool_max_conns", to: poolMax},
			{names: "pgxpool_acquire_count", to: poolAcquires},
			{names: "pgxpool_empty_acquire", to: poolWaits},
			{names: "pgxpool_empty_acquire_wait_time_ns", to: poolWaitSeconds, per: 1e9},
			{names: "pgxpool_acquire_duration_ns", to: poolWaitSeconds, per: 1e9},
			{names: "pgxpool_canceled_acquire_count", to: poolTimeouts},
		}},
		{section: pools, kind: "db", by: "pool|name|db", rows: []row{ // our demo's
			{names: "db_pool_acquired_connections", to: poolInUse},
			{names: "db_pool_idle_connections", to: poolIdle},
			{names: "db_pool_max_connections", to: poolMax},
			{names: "db_pool_acquires", to: poolAcquires},
			{names: "db_pool_empty_acquires", to: poolWaits},
			{names: "db_pool_acquire_wait_seconds", to: poolWaitSeconds},
			{names: "db_pool_canceled_acquires", to: poolTimeouts},
		}},
		{section: pools, kind: "redis", by: "pool|name", rows: []row{ // our demo's, and redisprometheus of go-redis
			{names: "redis_pool_connections *pool_conn_total_current", to: poolOpen},
			{names: "redis_pool_idle_connections *pool_conn_idle_current", to: poolIdle},
			{names: "redis_pool_hits redis_pool_misses *pool_hit *pool_miss", to: poolAcquires},
			{names: "redis_pool_timeouts *pool_timeout", to: poolTimeouts},
		}},
	}
}

func jvmPools() []library {
	return []library{
		{section: pools, kind: "hikaricp", by: "pool", rows: []row{
			{names: "hikaricp_connections_active", to: poolInUse},
			{names: "hikaricp_active_connections", to: poolInUse},
			{names: "hikaricp_connections_idle", to: poolIdle},
			{names: "hikaricp_idle_connections", to: poolIdle},
			{names: "hikaricp_connections_max", to: poolMax},
			{names: "hikaricp_max_connections", to: poolMax},
			{names: "hikaricp_connections_pending", to: poolWaiting},
			{names: "hikaricp_pending_threads", to: poolWaiting},
			{names: "hikaricp_connections_acquire_seconds_count", to: poolAcquires},
			{names: "hikaricp_connection_acquired_nanos_count", to: poolAcquires},
			{names: "hikaricp_connections_acquire_seconds_sum", to: poolWaitSeconds},
			{names: "hikaricp_connection_acquired_nanos_sum", to: poolWaitSeconds, per: 1e9},
			{names: "hikaricp_connections_timeout", to: poolTimeouts},
			{names: "hikaricp_connection_timeout", to: poolTimeouts},
		}},
		// Spring writes these of the same HikariCP pools again.
		{section: pools, kind: "jdbc", by: "name", unless: "hikaricp_connections_active", rows: []row{
			{names: "jdbc_connections_active", to: poolInUse},
			{names: "jdbc_connections_idle", to: poolIdle},
			{names: "jdbc_connections_max", to: poolMax},
		}},
		{section: pools, kind: "agroal", by: "datasource", rows: []row{
			{names: "agroal_active_count", to: poolInUse},
			{names: "agroal_available_count", to: poolIdle},
			{names: "agroal_awaiting_count", to: poolWaiting},
			{names: "agroal_acquire_count", to: poolAcquires},
			{names: "agroal_blocking_time_total_milliseconds", to: poolWaitSeconds, per: 1e3},
		}},
		{section: pools, kind: "r2dbc", by: "name", rows: []row{
			{names: "r2dbc_pool_acquired_connections", to: poolInUse},
			{names: "r2dbc_pool_idle_connections", to: poolIdle},
			{names: "r2dbc_pool_max_allocated_connections", to: poolMax},
			{names: "r2dbc_pool_pending_connections", to: poolWaiting},
		}},
	}
}

func jvmThreads() []library {
	return []library{
		{section: pools, kind: "tomcat", by: "name", rows: []row{
			{names: "tomcat_threads_busy_threads", to: poolInUse},
			{names: "tomcat_threads_current_threads", to: poolOpen},
			{names: "tomcat_threads_config_max_threads", to: poolMax},
		}},
		{section: pools, kind: "jetty", by: "name", rows: []row{
			{names: "jetty_threads_busy", to: poolInUse},
			{names: "jetty_threads_idle", to: poolIdle},
			{names: "jetty_threads_config_max", to: poolMax},
			{names: "jetty_threads_jobs", to: poolWaiting},
		}},
		{section: pools, kind: "executor", by: "name", rows: []row{
			{names: "executor_active_threads", to: poolInUse},
			{names: "executor_pool_size_threads", to: poolOpen},
			{names: "executor_pool_max_threads", to: poolMax},
			{names: "executor_queued_tasks", to: poolWaiting},
		}},
		{section: pools, kind: "worker", by: "pool_name", rows: []row{ // Quarkus, Vert.x
			{names: "worker_pool_active", to: poolInUse},
			{names: "worker_pool_idle", to: poolIdle},
			{names: "worker_pool_queue_size", to: poolWaiting},
			{names: "worker_pool_queue_delay_seconds_count", to: poolAcquires},
			{names: "worker_pool_queue_delay_seconds_sum", to: poolWaitSeconds},
			{names: "worker_pool_rejected", to: poolTimeouts},
		}},
	}
}

// otelPools are OpenTelemetry's conventions of now and before 1.26, which Npgsql,
// SQLAlchemy and HikariCP are written down by.
func otelPools() []library {
	return []library{
		{section: pools, kind: "db client", by: "db_client_connection_pool_name|pool_name", rows: []row{
			{names: "db_client_connection_count", to: poolInUse, when: "db_client_connection_state=used"},
			{names: "db_client_connection_count", to: poolIdle, when: "db_client_connection_state=idle"},
			{names: "db_client_connection_max", to: poolMax},
			{names: "db_client_connection_pending_requests", to: poolWaiting},
			{names: "db_client_connection_timeouts", to: poolTimeouts},
			{names: "db_client_connection_wait_time_seconds_count", to: poolAcquires},
			{names: "db_client_connection_wait_time_seconds_sum", to: poolWaitSeconds},
			{names: "db_client_connections_usage", to: poolInUse, when: "state=used"},
			{names: "db_client_connections_usage", to: poolIdle, when: "state=idle"},
			{names: "db_client_connections_max", to: poolMax},
			{names: "db_client_connections_pending_requests", to: poolWaiting},
			{names: "db_client_connections_timeouts", to: poolTimeouts},
			{names: "db_client_connections_wait_time_milliseconds_count db_client_connections_wait_time_count", to: poolAcquires},
			{names: "db_client_connections_wait_time_milliseconds_sum db_client_connections_wait_time_sum", to: poolWaitSeconds, per: 1e3},
		}},
	}
}

func otherPools() []library {
	return []library{
		{section: pools, kind: "sqlalchemy", by: "pool|pool_name|engine|database|db", rows: []row{
			{names: "*sqlalchemy_checked_out_connections *sqlalchemy_pool_checked_out *sqlalchemy_pool_checkedout", to: poolInUse},
			{names: "*sqlalchemy_checked_in_connections *sqlalchemy_pool_checked_in *sqlalchemy_pool_checkedin", to: poolIdle},
			{names: "*sqlalchemy_pool_size", to: poolMax},
		}},
		{section: pools, kind: "pgbouncer", by: "database", except: match{"database", "pgbouncer"}, rows: []row{
			{names: "pgbouncer_pools_server_active_connections", to: poolInUse},
			{names: "pgbouncer_pools_server_idle_connections pgbouncer_pools_server_used_connections", to: poolIdle},
			{names: "pgbouncer_databases_pool_size", to: poolMax, by: "name"},
			{names: "pgbouncer_pools_client_waiting_connections", to: poolWaiting},
			{names: "pgbouncer_stats_sql_transactions_pooled", to: poolAcquires},
			{names: "pgbouncer_stats_client_wait_seconds", to: poolWaitSeconds},
		}},
		{section: pools, kind: "active record", by: "pool_name|config", rows: []row{
			{names: "*active_record_connection_pool_busy *activerecord_connection_pool_busy", to: poolInUse},
			{names: "*active_record_connection_pool_idle *activerecord_connection_pool_idle", to: poolIdle},
			{names: "*active_record_connection_pool_size *activerecord_connection_pool_size", to: poolMax},
			{names: "*active_record_connection_pool_waiting *activerecord_connection_pool_waiting", to: poolWaiting},
		}},
		{section: pools, kind: "puma", by: "", rows: []row{
			{names: "ruby_puma_busy_threads puma_busy_threads", to: poolInUse},
			{names: "ruby_puma_running_threads puma_running", to: poolOpen},
			{names: "ruby_puma_max_threads puma_max_threads", to: poolMax},
			{names: "ruby_puma_request_backlog puma_backlog", to: poolWaiting},
		}},
		{section: pools, kind: "ecto", by: "repo", rows: []row{
			{names: "*ecto_repo_init_pool_size", to: poolMax},
			{names: "*ecto_repo_query_queue_time_milliseconds_count", to: poolAcquires},
			{names: "*ecto_repo_query_queue_time_milliseconds_sum", to: poolWaitSeconds, per: 1e3},
		}},
		{section: pools, kind: "prisma", by: "pool|name", rows: []row{
			{names: "prisma_pool_connections_busy", to: poolInUse},
			{names: "prisma_pool_connections_idle", to: poolIdle},
			{names: "prisma_client_queries_wait", to: poolWaiting},
			{names: "prisma_client_queries_wait_histogram_ms_count", to: poolAcquires},
			{names: "prisma_client_queries_wait_histogram_ms_sum", to: poolWaitSeconds, per: 1e3},
		}},
	}
}
