SELECT pg_catalog.pg_total_relation_size(pg_class.oid), CASE WHEN reltuples >= 0 THEN reltuples::bigint END
FROM pg_catalog.pg_class
WHERE pg_class.oid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND relkind IN ('r', 'p'));
