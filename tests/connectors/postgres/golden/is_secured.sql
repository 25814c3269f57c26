WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT EXISTS (
SELECT
FROM it
WHERE relrowsecurity OR relforcerowsecurity OR EXISTS (
SELECT
FROM pg_catalog.pg_depend
WHERE classid = 'pg_policy'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = it.oid));
