SELECT EXISTS (
SELECT
FROM pg_catalog.pg_attrdef
JOIN pg_catalog.pg_attribute ON attrelid = adrelid AND attnum = adnum
JOIN pg_catalog.pg_class ON pg_class.oid = adrelid
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND attname = %(column)s AND pg_get_expr(adbin, adrelid) = quote_literal(%(value)s::jsonb::text) || '::jsonb');
