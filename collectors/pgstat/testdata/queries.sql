-- 1.7
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), null::float8, null::float8
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, true, calls, total_time, stddev_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, null, null from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.8
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), null::float8, null::float8
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, true, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, null from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.9
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from "public".pg_stat_statements_info i
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, toplevel, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, null from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.10
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from "public".pg_stat_statements_info i
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, toplevel, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, null from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.11
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from "public".pg_stat_statements_info i
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, toplevel, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, extract(epoch from stats_since)::float8 from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.12
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from "public".pg_stat_statements_info i
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, toplevel, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, extract(epoch from stats_since)::float8 from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
-- 1.13
select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from "public".pg_stat_statements_info i
select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, toplevel, calls, total_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes, extract(epoch from stats_since)::float8 from "public".pg_stat_statements(false)
select /* apitop */ userid, dbid, queryid, query::varchar(2049) from "public".pg_stat_statements(true) where queryid = any($1)
