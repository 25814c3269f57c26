WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s), policies AS (
SELECT pg_policy.*
FROM it
JOIN pg_catalog.pg_policy ON polrelid = it.oid
WHERE EXISTS (
SELECT
FROM pg_catalog.unnest(polroles) AS role
WHERE role = 0 OR pg_catalog.pg_has_role(role, 'USAGE')))
SELECT pg_catalog.row_security_active(it.oid) AND NOT (EXISTS (
SELECT
FROM policies
WHERE polpermissive AND polcmd = '*' AND pg_catalog.pg_get_expr(polqual, polrelid) = 'true' AND coalesce(pg_catalog.pg_get_expr(polwithcheck, polrelid), 'true') = 'true')
AND NOT EXISTS (
SELECT
FROM policies
WHERE NOT polpermissive))
FROM it;
