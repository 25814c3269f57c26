SELECT index_class.relname, pg_am.amname, array(
SELECT attname::text
FROM pg_catalog.unnest(pg_index.indkey) WITH ORDINALITY AS key (attnum, position)
JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = key.attnum
WHERE key.position <= pg_index.indnkeyatts ORDER BY key.position)
FROM pg_catalog.pg_index
JOIN pg_catalog.pg_class AS index_class ON index_class.oid = pg_index.indexrelid
JOIN pg_catalog.pg_am ON pg_am.oid = index_class.relam
WHERE pg_index.indrelid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s) AND pg_am.amname IN ('btree', 'hash') AND pg_index.indisvalid AND pg_index.indpred IS NULL AND pg_index.indexprs IS NULL;
