SELECT pg_stat_activity.pid, application_name, backend_start, extract(epoch
FROM pg_catalog.clock_timestamp() - state_change)::float8
FROM pg_catalog.pg_stat_activity
JOIN pg_catalog.pg_locks USING (pid)
JOIN "airbyte_internal"."_airbyte_streams" AS entry ON entry.xmax = pg_locks.transactionid
WHERE granted AND mode = 'ExclusiveLock' AND final_namespace = %(namespace)s AND final_name = %(name)s;
