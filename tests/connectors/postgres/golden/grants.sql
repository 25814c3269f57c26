SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' to ' || CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(grantee)) END
FROM pg_catalog.pg_class, pg_catalog.aclexplode(relacl)
WHERE pg_class.oid = (
SELECT pg_class.oid
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(namespace)s AND relname = %(name)s AND relkind IN ('r', 'p')) AND grantee <> relowner GROUP BY grantee ORDER BY 1;
