SELECT privilege_type, NULL::text, CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee)::text END, is_grantable
FROM pg_catalog.pg_default_acl CROSS
JOIN LATERAL pg_catalog.aclexplode(defaclacl)
WHERE defaclobjtype = 'r' AND pg_catalog.pg_get_userbyid(defaclrole) = current_user AND grantee <> defaclrole AND (defaclnamespace = 0 OR defaclnamespace = (
SELECT oid
FROM pg_catalog.pg_namespace
WHERE nspname = %(namespace)s));
