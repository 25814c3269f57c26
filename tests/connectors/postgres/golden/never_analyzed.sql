SELECT NOT EXISTS (
SELECT
FROM pg_catalog.pg_stats
WHERE schemaname = %(namespace)s AND tablename = %(name)s);
