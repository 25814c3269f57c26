WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT pg_catalog.pg_get_userbyid(it.relowner)::text, CASE it.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'DEFAULT' END, pg_catalog.array_cat(coalesce(it.reloptions, '{}'), array(
SELECT 'toast.' || toasted
FROM pg_catalog.unnest(toast.reloptions) AS toasted))
FROM it LEFT
JOIN pg_catalog.pg_class AS toast ON toast.oid = it.reltoastrelid;
