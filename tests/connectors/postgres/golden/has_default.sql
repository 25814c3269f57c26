SELECT EXISTS (
SELECT
FROM pg_catalog.pg_attribute
JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s) AND attname = %(column)s AND pg_catalog.pg_get_expr(adbin, adrelid) = pg_catalog.quote_literal(%(value)s::jsonb::text) || '::jsonb');
