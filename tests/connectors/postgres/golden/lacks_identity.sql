WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT EXISTS (
SELECT
FROM it
WHERE relreplident = 'n' OR relreplident <> 'f'
AND NOT EXISTS (
SELECT
FROM pg_catalog.pg_index
WHERE indrelid = it.oid AND indisvalid AND indimmediate AND CASE it.relreplident WHEN 'd' THEN indisprimary ELSE indisreplident END)) AND EXISTS (
SELECT
FROM pg_catalog.pg_publication_tables
JOIN pg_catalog.pg_publication USING (pubname)
WHERE schemaname = %(namespace)s AND tablename = %(name)s AND (pubupdate OR pubdelete));
