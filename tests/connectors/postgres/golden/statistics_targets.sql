WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT attname::text, attstattarget::integer
FROM it
JOIN pg_catalog.pg_attribute ON attrelid = it.oid AND attnum > 0 AND NOT attisdropped
WHERE attstattarget >= 0;
