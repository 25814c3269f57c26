SELECT pg_stat_activity.pid, application_name, backend_start, extract(epoch
FROM pg_catalog.clock_timestamp() - state_change)::float8
FROM pg_catalog.pg_stat_activity
JOIN pg_catalog.pg_locks USING (pid)
JOIN "airbyte_internal"."_airbyte_streams" AS entry ON entry.xmax = pg_locks.transactionid AND mode = 'ExclusiveLock' OR locktype = 'relation' AND mode = 'RowShareLock' AND pg_locks.relation = entry.tableoid AND pg_locks.database = (
SELECT oid
FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database()) AND application_name = ('dataflow ' || entry.owner)::name::text AND application_name <> pg_catalog.current_setting('application_name')
WHERE granted AND final_namespace = %(namespace)s AND final_name = %(name)s ORDER BY locktype = 'relation';
