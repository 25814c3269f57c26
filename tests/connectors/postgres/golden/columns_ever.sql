SELECT coalesce((
SELECT pg_class.relnatts
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s), 0);
