WITH it AS (
SELECT pg_class.*
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = %(namespace)s AND pg_class.relname = %(name)s)
SELECT holder
FROM (
SELECT DISTINCT found.type || ' ' || found.identity AS holder
FROM it
JOIN pg_catalog.pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = it.oid OR refclassid = 'pg_type'::regclass AND refobjid IN (it.reltype, (
SELECT typarray
FROM pg_catalog.pg_type
WHERE pg_type.oid = it.reltype)) LEFT
JOIN pg_catalog.pg_rewrite ON classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = objid AND ev_class <> it.oid CROSS
JOIN LATERAL pg_catalog.pg_identify_object(CASE WHEN ev_class IS NULL THEN classid ELSE 'pg_class'::regclass END, coalesce(ev_class, objid), CASE WHEN ev_class IS NULL THEN objsubid ELSE 0 END) AS found
WHERE deptype <> 'i' AND NOT (classid = 'pg_class'::regclass AND objid = it.oid) AND classid <> 'pg_publication_rel'::regclass
AND NOT EXISTS (
SELECT
FROM pg_catalog.pg_class AS ours
WHERE classid = 'pg_class'::regclass AND ours.oid = objid AND ours.relkind = 'i' AND ours.relname = %(index)s)
AND NOT EXISTS (
SELECT
FROM pg_catalog.pg_attrdef
JOIN pg_catalog.pg_attribute ON attrelid = adrelid AND attnum = adnum
WHERE classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = objid AND attname = %(meta)s)
AND NOT EXISTS (
SELECT
FROM pg_catalog.pg_constraint
WHERE classid = 'pg_constraint'::regclass AND pg_constraint.oid = objid AND contype = 'n' AND conrelid = it.oid) UNION ALL
SELECT 'publication ' || pg_catalog.quote_ident(pubname)
FROM pg_catalog.pg_publication_tables
WHERE schemaname = %(namespace)s AND tablename = %(name)s UNION ALL
SELECT 'its place in ' || inhparent::regclass
FROM it
JOIN pg_catalog.pg_inherits ON inhrelid = it.oid UNION ALL
SELECT 'its partitions'
FROM it
WHERE relkind = 'p' UNION ALL
SELECT 'its row security'
FROM it
WHERE relrowsecurity OR relforcerowsecurity UNION ALL
SELECT 'its tablespace'
FROM it
WHERE reltablespace <> 0 UNION ALL
SELECT DISTINCT 'its security labels'
FROM it
JOIN pg_catalog.pg_seclabel ON objoid = it.oid AND classoid = 'pg_class'::regclass UNION ALL
SELECT DISTINCT 'grants by ' || pg_catalog.pg_get_userbyid(grantor)
FROM it CROSS
JOIN LATERAL (
SELECT relacl UNION ALL
SELECT attacl
FROM pg_catalog.pg_attribute
WHERE attrelid = it.oid AND NOT attisdropped) AS given (acl) CROSS
JOIN LATERAL pg_catalog.aclexplode(acl)
WHERE grantor <> relowner UNION ALL
SELECT 'its owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner))
FROM it
WHERE pg_catalog.pg_get_userbyid(relowner) <> current_user AND NOT (pg_catalog.pg_has_role(relowner, 'MEMBER') AND pg_catalog.pg_has_role(relowner, 'USAGE') AND pg_catalog.has_schema_privilege(relowner, relnamespace, 'CREATE'))) AS held ORDER BY holder;
