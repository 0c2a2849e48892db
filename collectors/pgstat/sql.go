package pgstat

// This is all the SQL that apitop ever sends to a watched server, apart from
// the statement that reads the counters, which is put together in columns.go.
// The marker is inside each statement: comments do not change its identity in
// pg_stat_statements, and a leading one is cut off by version 18.

const marker = "/* apitop */"

const (
	// helloSQL is sent once per connection: who are we, is this a pooler, did
	// our settings arrive?
	helloSQL = `select /* apitop */ pg_backend_pid()::int8, current_user::text, (select oid from pg_roles where rolname = current_user)::int8,
 current_setting('is_superuser'), current_setting('default_transaction_read_only'), current_setting('statement_timeout'),
 current_database()::text, current_setting('pg_stat_statements.max', true)`

	// beginSQL opens a read-only transaction with our limits where a pooler
	// would not take them when connecting. One message of the simple protocol.
	beginSQL = `begin /* apitop */ read only; set /* apitop */ local statement_timeout = '3s'; set /* apitop */ local lock_timeout = '200ms'; set /* apitop */ local idle_in_transaction_session_timeout = '10s'; set /* apitop */ local search_path = pg_catalog`

	// commitSQL ends it; after a failure it rolls back.
	commitSQL = `commit /* apitop */`

	// probeSQL finds pg_stat_statements in this database: its schema, version
	// and columns. No row: it was not created here.
	probeSQL = `select /* apitop */ n.nspname::text, e.extversion, a.default_version, has_schema_privilege(n.oid, 'usage'),
 (select string_agg(t.attname, ',') from pg_attribute t join pg_class c on c.oid = t.attrelid
  where c.relnamespace = n.oid and c.relname = 'pg_stat_statements' and t.attnum > 0 and not t.attisdropped),
 exists(select 1 from pg_class c where c.relnamespace = n.oid and c.relname = 'pg_stat_statements_info'),
 current_setting('pg_stat_statements.max', true)
 from pg_extension e join pg_namespace n on n.oid = e.extnamespace
 left join pg_available_extensions a on a.name = e.extname where e.extname = 'pg_stat_statements'`

	// headSQL and headInfoSQL are read before the counters; the second where
	// the view pg_stat_statements_info exists (%s is its schema).
	headSQL = `select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), null::float8, null::float8`
	headInfoSQL = `select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('track_io_timing'), extract(epoch from i.stats_reset)::float8, i.dealloc::float8 from %s.pg_stat_statements_info i`

	// rowsSQL reads the counters of all statements, without their texts. The
	// clock is read in the same statement, once, after the counters were copied.
	rowsSQL = `select /* apitop */ (select extract(epoch from clock_timestamp())::float8), userid, dbid, queryid, %s from %s.pg_stat_statements(false)`

	// textsSQL reads the texts of the given statements. A cast to varchar cuts
	// a text at a fraction of left()'s cost; one more than maxText characters
	// tells that it was cut.
	textsSQL = `select /* apitop */ userid, dbid, queryid, query::varchar(2049) from %s.pg_stat_statements(true) where queryid = any($1)`

	// activitySQL is one row about all sessions but those of apitop, and the
	// totals of all databases. "hidden" counts sessions of which this role may
	// see nothing but that they exist.
	activitySQL = `select /* apitop */ extract(epoch from clock_timestamp())::float8, extract(epoch from pg_postmaster_start_time())::float8,
 current_setting('max_connections')::float8 - current_setting('superuser_reserved_connections')::float8
  - coalesce(current_setting('reserved_connections', true)::float8, 0),
 a.*, d.* from (select
  count(*) filter (where client)::float8, count(*) filter (where hidden)::float8,
  count(*) filter (where client and state = 'active')::float8,
  count(*) filter (where client and state = 'idle')::float8,
  count(*) filter (where client and state like 'idle in transaction%')::float8,
  count(*) filter (where client and wait_event_type = 'Lock')::float8,
  coalesce(max(extract(epoch from now() - xact_start)) filter (where client), 0)::float8,
  coalesce(max(extract(epoch from now() - xact_start)) filter (where client and state like 'idle in transaction%'), 0)::float8
  from (select *, backend_type is null as hidden, backend_type is null or backend_type = 'client backend' as client
   from pg_stat_activity where usesysid is not null and datid is not null
   and pid <> pg_backend_pid() and application_name is distinct from 'apitop') s) a,
 (select sum(xact_commit)::float8, sum(xact_rollback)::float8, sum(blks_hit)::float8, sum(blks_read)::float8,
  sum(deadlocks)::float8, sum(temp_bytes)::float8 from pg_stat_database) d`
)
