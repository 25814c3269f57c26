WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT conrelid::regclass || ': ' || pg_catalog.pg_get_constraintdef(pg_constraint.oid), array(
SELECT attname::text
FROM pg_catalog.unnest(confkey) WITH ORDINALITY AS key (attnum, position)
JOIN pg_catalog.pg_attribute ON attrelid = confrelid AND pg_attribute.attnum = key.attnum ORDER BY key.position), confdeltype IN ('c', 'n', 'd')
FROM it
JOIN pg_catalog.pg_constraint ON confrelid = it.oid
WHERE contype = 'f' ORDER BY conname;
