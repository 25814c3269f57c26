SELECT 1
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s AND pg_class.relkind IN ('r', 'p');
