SELECT pg_stat_activity.pid, application_name, backend_start, extract(epoch
FROM pg_catalog.clock_timestamp() - state_change)::float8
FROM pg_catalog.pg_stat_activity
JOIN pg_catalog.pg_locks USING (pid) CROSS
JOIN "airbyte_internal"."_airbyte_streams" AS entry
WHERE final_namespace = %(namespace)s AND final_name = %(name)s AND locktype = 'advisory' AND granted AND objsubid = 1 AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = pg_catalog.hashtextextended(entry.owner::text COLLATE "C", 0) AND pg_locks.database = (
SELECT oid
FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database());
