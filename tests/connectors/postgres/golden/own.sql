INSERT INTO "airbyte_internal"."_airbyte_streams" AS entry (final_namespace, final_name, epoch, owner, last_flush) VALUES (%(namespace)s, %(name)s, 0, %(owner)s, 0) ON CONFLICT (final_namespace, final_name) DO UPDATE SET owner = excluded.owner
WHERE entry.owner = excluded.owner OR NOT EXISTS (
SELECT
FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = pg_catalog.hashtextextended(entry.owner::text COLLATE "C", 0) AND pg_locks.database = (
SELECT oid
FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database())) RETURNING entry.epoch;
