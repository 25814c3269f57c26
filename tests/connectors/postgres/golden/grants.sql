WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT privilege_type, attname::text, CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee)::text END, is_grantable
FROM it CROSS
JOIN LATERAL (
SELECT NULL::name, relacl UNION ALL
SELECT pg_attribute.attname, attacl
FROM pg_catalog.pg_attribute
WHERE attrelid = it.oid AND NOT attisdropped) AS given (attname, acl) CROSS
JOIN LATERAL pg_catalog.aclexplode(acl)
WHERE grantee <> relowner;
