SELECT DISTINCT CASE WHEN pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass THEN pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, ev_class, 0) ELSE pg_catalog.pg_describe_object(pg_depend.classid, pg_depend.objid, 0) END
FROM pg_catalog.pg_depend LEFT
JOIN pg_catalog.pg_rewrite ON pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass AND pg_rewrite.oid = pg_depend.objid LEFT
JOIN pg_catalog.pg_constraint ON pg_depend.classid = 'pg_catalog.pg_constraint'::regclass AND pg_constraint.oid = pg_depend.objid
WHERE refclassid = 'pg_catalog.pg_class'::regclass AND refobjid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND relkind IN ('r', 'p')) AND deptype = 'n' AND (ev_class <> (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND relkind IN ('r', 'p')) OR contype = 'f' AND conrelid <> (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND relkind IN ('r', 'p'))) ORDER BY 1;
