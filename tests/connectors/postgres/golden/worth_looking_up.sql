SELECT target.reltuples >= 2 * source.reltuples AND source.reltuples >= 0 AND pg_catalog.pg_table_size(target.oid) <= pg_catalog.pg_size_bytes(pg_catalog.current_setting('effective_cache_size'))
FROM (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s) AS target, (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(from_namespace)s AND pg_class.relname = %(from_name)s) AS source;
