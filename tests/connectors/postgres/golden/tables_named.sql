SELECT nspname, relname
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND position(%(mark)s IN relname) > 0 ORDER BY 1, 2;
