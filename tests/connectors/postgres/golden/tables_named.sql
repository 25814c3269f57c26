SELECT nspname, relname
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND position(%(mark)s IN relname) > 0 AND pg_catalog.has_schema_privilege(relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(pg_class.oid, 'SELECT') ORDER BY 1, 2;
