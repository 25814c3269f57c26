WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT DISTINCT CASE view.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, (
SELECT nspname::text
FROM pg_catalog.pg_namespace
WHERE oid = view.relnamespace), view.relname::text
FROM it
JOIN pg_catalog.pg_attribute ON attrelid = it.oid AND attname = ANY (%(columns)s)
JOIN pg_catalog.pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = it.oid AND refobjsubid = attnum AND classid = 'pg_rewrite'::regclass
JOIN pg_catalog.pg_rewrite ON pg_rewrite.oid = objid
JOIN pg_catalog.pg_class AS view ON view.oid = ev_class AND view.relkind IN ('v', 'm') ORDER BY 1, 2, 3;
