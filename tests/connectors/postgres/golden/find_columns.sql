SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod), NOT attnotnull OR EXISTS (
SELECT
FROM pg_catalog.pg_index
WHERE indrelid = attrelid AND attnum = ANY (indkey) AND (indisprimary OR indisreplident))
FROM pg_catalog.pg_attribute
WHERE attrelid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
