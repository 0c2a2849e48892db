-- The roles of the demo's database. The image runs this file once, when its data
-- volume is empty, in the database POSTGRES_DB as POSTGRES_USER, through psql:
-- the passwords come from its environment, not from here.

\set ON_ERROR_STOP on
\getenv shop_password APITOP_DB_PASSWORD
\getenv monitor_password APITOP_MONITOR_PASSWORD

-- The statistics that the monitor reads. Only a superuser may create it, and the
-- library has to be preloaded for it to count anything.
create extension if not exists pg_stat_statements;

-- The API's own role: it makes its schema in this database and owns what is in
-- it, and it is no superuser.
create role shop login password :'shop_password';
select format('grant connect, create on database %I to shop', current_database()) \gexec

-- The role for watching: all statistics, no rows of a table. Its statements are
-- bounded, so that a monitor cannot become the load, and its sessions read only.
create role apitop_monitor login password :'monitor_password';
grant pg_monitor to apitop_monitor;
alter role apitop_monitor set statement_timeout = '5s';
alter role apitop_monitor set lock_timeout = '1s';
alter role apitop_monitor set default_transaction_read_only = on;
alter role apitop_monitor connection limit 5;

-- Nobody else makes tables here.
revoke create on schema public from public;
