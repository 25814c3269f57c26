SELECT CASE pg_class.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'index' END
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s AND pg_class.relkind NOT IN ('r', 'p') UNION ALL
SELECT 'type'
FROM pg_catalog.pg_type
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = typnamespace
WHERE nspname = %(namespace)s AND typname = %(name)s AND typrelid = 0 AND typcategory <> 'A';
