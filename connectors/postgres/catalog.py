"""What the server is asked of its catalog, beyond what every SQL database is asked. Every name is a parameter here; no
statement reads a user's table.

`namespace` and `name` are a table's; statements that ask for more say so.
"""

from connectors.sql.text import Param, Sql, sql
from dataflow.types import TableName

THE_TABLE = sql(
    "pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace "
    "WHERE pg_namespace.nspname = {} AND pg_class.relname = {}",
    Param("namespace"),
    Param("name"),
)


def named(table: TableName) -> dict[str, str]:
    """The parameters `namespace` and `name` of a table."""
    return {"namespace": table.namespace, "name": table.name}


def triggers_before_insert() -> Sql:
    """The names of the triggers that see each row before it is inserted, and can keep it from the table."""
    return sql(
        "SELECT tgname::text FROM pg_catalog.pg_trigger WHERE tgrelid = (SELECT pg_class.oid FROM {}) "
        "AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 7 = 7 ORDER BY 1",
        THE_TABLE,
    )


def columns_ever() -> Sql:
    """How many columns the table has and had; none for one that is not there."""
    return sql("SELECT coalesce((SELECT pg_class.relnatts FROM {}), 0)", THE_TABLE)


def is_partitioned() -> Sql:
    """Whether the table of the parameters `namespace` and `name` is partitioned."""
    return sql("SELECT EXISTS (SELECT FROM {} AND pg_class.relkind = 'p')", THE_TABLE)


def has_default() -> Sql:
    """Whether the jsonb column `column` of `namespace`.`name` has the default `value`, parameters all."""
    return sql(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute "
        "JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum "
        "WHERE attrelid = (SELECT pg_class.oid FROM {}) AND attname = {} "
        "AND pg_catalog.pg_get_expr(adbin, adrelid) = pg_catalog.quote_literal({}::jsonb::text) || '::jsonb')",
        THE_TABLE,
        Param("column"),
        Param("value"),
    )


def never_analyzed() -> Sql:
    """Whether the planner knows nothing of the values in the table of the parameters `namespace` and `name`."""
    return sql(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stats WHERE schemaname = {} AND tablename = {})",
        Param("namespace"),
        Param("name"),
    )


def worth_looking_up() -> Sql:
    """Whether to look rows of the table up by an index, one by one, for each row of `from_namespace`.`from_name`.

    The planner takes every page that an index leads to for one that is read from disk, and so reads a table ten times
    the delta's size from end to end. If all of it is cached, as `effective_cache_size` says, looking up is no dearer
    from twice the size on, and follows the delta.
    """
    return sql(
        "SELECT target.reltuples >= 2 * source.reltuples AND source.reltuples >= 0 AND "
        "pg_catalog.pg_table_size(target.oid) <= "
        "pg_catalog.pg_size_bytes(pg_catalog.current_setting('effective_cache_size')) "
        "FROM (SELECT pg_class.* FROM {}) AS target, (SELECT pg_class.* FROM pg_catalog.pg_class "
        "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace "
        "WHERE pg_namespace.nspname = {} AND pg_class.relname = {}) AS source",
        THE_TABLE,
        Param("from_namespace"),
        Param("from_name"),
    )


def key_indexes() -> Sql:
    """The indexes of the table of the parameters `namespace` and `name`: name, method, and columns in order.

    Only those that a look-up by equality can use: valid, of the whole table, of plain columns.
    """
    return sql(
        "SELECT index_class.relname, pg_am.amname, array("
        "SELECT attname::text FROM pg_catalog.unnest(pg_index.indkey) WITH ORDINALITY AS key (attnum, position) "
        "JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = key.attnum "
        "WHERE key.position <= pg_index.indnkeyatts ORDER BY key.position) "
        "FROM pg_catalog.pg_index "
        "JOIN pg_catalog.pg_class AS index_class ON index_class.oid = pg_index.indexrelid "
        "JOIN pg_catalog.pg_am ON pg_am.oid = index_class.relam "
        "WHERE pg_index.indrelid = (SELECT pg_class.oid FROM {}) AND pg_am.amname IN ('btree', 'hash') "
        "AND pg_index.indisvalid AND pg_index.indpred IS NULL AND pg_index.indexprs IS NULL",
        THE_TABLE,
    )


# -- what people built on a table

_IT = sql("WITH it AS (SELECT pg_class.* FROM {})", THE_TABLE)


def holders() -> Sql:
    """What would not survive if the table were dropped, each as the server calls it, in order.

    The parameter `index` is the name of our index on its key, and `meta` that of the column whose default is ours.
    A view is known by its rule. What is internal to the table goes and comes with it.
    """
    return sql(
        "{it} SELECT holder FROM ("
        "SELECT DISTINCT found.type || ' ' || found.identity AS holder FROM it "
        "JOIN pg_catalog.pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = it.oid "
        "OR refclassid = 'pg_type'::regclass AND refobjid IN (it.reltype, "
        "(SELECT typarray FROM pg_catalog.pg_type WHERE pg_type.oid = it.reltype)) "
        "LEFT JOIN pg_catalog.pg_rewrite ON classid = 'pg_rewrite'::regclass "
        "AND pg_rewrite.oid = objid AND ev_class <> it.oid "
        "CROSS JOIN LATERAL pg_catalog.pg_identify_object("
        "CASE WHEN ev_class IS NULL THEN classid ELSE 'pg_class'::regclass END, coalesce(ev_class, objid), "
        "CASE WHEN ev_class IS NULL THEN objsubid ELSE 0 END) AS found "
        "WHERE deptype <> 'i' AND NOT (classid = 'pg_class'::regclass AND objid = it.oid) "
        "AND classid <> 'pg_publication_rel'::regclass "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS ours WHERE classid = 'pg_class'::regclass "
        "AND ours.oid = objid AND ours.relkind = 'i' AND ours.relname = {index}) "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef JOIN pg_catalog.pg_attribute "
        "ON attrelid = adrelid AND attnum = adnum WHERE classid = 'pg_attrdef'::regclass "
        "AND pg_attrdef.oid = objid AND attname = {meta}) "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE classid = 'pg_constraint'::regclass "
        "AND pg_constraint.oid = objid AND contype = 'n' AND conrelid = it.oid) "
        "UNION ALL SELECT 'publication ' || pg_catalog.quote_ident(pubname) FROM pg_catalog.pg_publication_tables "
        "WHERE schemaname = {namespace} AND tablename = {name} "
        "UNION ALL SELECT 'its place in ' || inhparent::regclass FROM it "
        "JOIN pg_catalog.pg_inherits ON inhrelid = it.oid "
        "UNION ALL SELECT 'its partitions' FROM it WHERE relkind = 'p' "
        "UNION ALL SELECT 'its row security' FROM it WHERE relrowsecurity OR relforcerowsecurity "
        "UNION ALL SELECT 'its tablespace' FROM it WHERE reltablespace <> 0 "
        "UNION ALL SELECT DISTINCT 'its security labels' FROM it JOIN pg_catalog.pg_seclabel "
        "ON objoid = it.oid AND classoid = 'pg_class'::regclass "
        "UNION ALL SELECT DISTINCT 'grants by ' || pg_catalog.pg_get_userbyid(grantor) FROM it "
        "CROSS JOIN LATERAL (SELECT relacl UNION ALL SELECT attacl FROM pg_catalog.pg_attribute "
        "WHERE attrelid = it.oid AND NOT attisdropped) AS given (acl) "
        "CROSS JOIN LATERAL pg_catalog.aclexplode(acl) WHERE grantor <> relowner "
        "UNION ALL SELECT 'its owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner)) FROM it "
        "WHERE pg_catalog.pg_get_userbyid(relowner) <> current_user "
        "AND NOT (pg_catalog.pg_has_role(relowner, 'MEMBER') AND pg_catalog.pg_has_role(relowner, 'USAGE') "
        "AND pg_catalog.has_schema_privilege(relowner, relnamespace, 'CREATE'))"
        ") AS held ORDER BY holder",
        it=_IT,
        index=Param("index"),
        meta=Param("meta"),
        namespace=Param("namespace"),
        name=Param("name"),
    )


def references() -> Sql:
    """The foreign keys that lead to the table: in words, to which columns, and whether they act when a row goes."""
    return sql(
        "{} SELECT conrelid::regclass || ': ' || pg_catalog.pg_get_constraintdef(pg_constraint.oid), "
        "array(SELECT attname::text FROM pg_catalog.unnest(confkey) WITH ORDINALITY AS key (attnum, position) "
        "JOIN pg_catalog.pg_attribute ON attrelid = confrelid AND pg_attribute.attnum = key.attnum "
        "ORDER BY key.position), confdeltype IN ('c', 'n', 'd') "
        "FROM it JOIN pg_catalog.pg_constraint ON confrelid = it.oid "
        "WHERE contype = 'f' ORDER BY conname",
        _IT,
    )


def belongings() -> Sql:
    """What is written on the table itself: owner, replica identity, and its options as `name=value`."""
    return sql(
        "{} SELECT pg_catalog.pg_get_userbyid(it.relowner)::text, "
        "CASE it.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'DEFAULT' END, "
        "pg_catalog.array_cat(coalesce(it.reloptions, '{{}}'), array("
        "SELECT 'toast.' || toasted FROM pg_catalog.unnest(toast.reloptions) AS toasted)) "
        "FROM it LEFT JOIN pg_catalog.pg_class AS toast ON toast.oid = it.reltoastrelid",
        _IT,
    )


def comments() -> Sql:
    """The comments on the table, by column; its own without one."""
    return sql(
        "{} SELECT attname::text, description FROM it JOIN pg_catalog.pg_description "
        "ON objoid = it.oid AND classoid = 'pg_class'::regclass "
        "LEFT JOIN pg_catalog.pg_attribute ON attrelid = it.oid AND attnum = objsubid AND objsubid > 0",
        _IT,
    )


def statistics_targets() -> Sql:
    """How closely the planner looks at columns, where that is not its default."""
    return sql(
        "{} SELECT attname::text, attstattarget::integer FROM it JOIN pg_catalog.pg_attribute "
        "ON attrelid = it.oid AND attnum > 0 AND NOT attisdropped WHERE attstattarget >= 0",
        _IT,
    )


def grants() -> Sql:
    """Grants to roles other than the owner: privilege, column, grantee (null: PUBLIC), grantable."""
    return sql(
        "{} SELECT privilege_type, attname::text, "
        "CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee)::text END, is_grantable FROM it "
        "CROSS JOIN LATERAL (SELECT NULL::name, relacl UNION ALL SELECT pg_attribute.attname, attacl "
        "FROM pg_catalog.pg_attribute WHERE attrelid = it.oid AND NOT attisdropped) AS given (attname, acl) "
        "CROSS JOIN LATERAL pg_catalog.aclexplode(acl) WHERE grantee <> relowner",
        _IT,
    )


def lacks_identity() -> Sql:
    """Whether a publication sends on the table's updates or deletes, and nothing says which row they are of."""
    return sql(
        "{} SELECT EXISTS (SELECT FROM it WHERE relreplident = 'n' OR relreplident <> 'f' AND NOT EXISTS "
        "(SELECT FROM pg_catalog.pg_index WHERE indrelid = it.oid AND indisvalid AND indimmediate "
        "AND CASE it.relreplident WHEN 'd' THEN indisprimary ELSE indisreplident END)) "
        "AND EXISTS (SELECT FROM pg_catalog.pg_publication_tables JOIN pg_catalog.pg_publication USING (pubname) "
        "WHERE schemaname = {} AND tablename = {} AND (pubupdate OR pubdelete))",
        _IT,
        Param("namespace"),
        Param("name"),
    )


def views_on_columns() -> Sql:
    """The views that show any of the columns in the parameter `columns`: kind, schema, name; in order."""
    return sql(
        "{} SELECT DISTINCT CASE view.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, "
        "(SELECT nspname::text FROM pg_catalog.pg_namespace WHERE oid = view.relnamespace), view.relname::text FROM it "
        "JOIN pg_catalog.pg_attribute ON attrelid = it.oid AND attname = ANY ({}) "
        "JOIN pg_catalog.pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = it.oid "
        "AND refobjsubid = attnum AND classid = 'pg_rewrite'::regclass "
        "JOIN pg_catalog.pg_rewrite ON pg_rewrite.oid = objid "
        "JOIN pg_catalog.pg_class AS view ON view.oid = ev_class AND view.relkind IN ('v', 'm') "
        "ORDER BY 1, 2, 3",
        _IT,
        Param("columns"),
    )


def is_secured() -> Sql:
    """Whether the visibility of rows is decided on the table, or for another table by a policy that looks into it."""
    return sql(
        "{} SELECT EXISTS (SELECT FROM it WHERE relrowsecurity OR relforcerowsecurity OR EXISTS "
        "(SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_policy'::regclass "
        "AND refclassid = 'pg_class'::regclass AND refobjid = it.oid))",
        _IT,
    )


def hides_rows() -> Sql:
    """Whether row security may keep rows of the table from us.

    It does not where a policy lets us do everything with every row, and none restricts that.
    """
    return sql(
        "{} SELECT pg_catalog.row_security_active(it.oid) AND NOT (EXISTS (SELECT FROM policies WHERE polpermissive "
        "AND polcmd = '*' AND pg_catalog.pg_get_expr(polqual, polrelid) = 'true' "
        "AND coalesce(pg_catalog.pg_get_expr(polwithcheck, polrelid), 'true') = 'true') "
        "AND NOT EXISTS (SELECT FROM policies WHERE NOT polpermissive)) FROM it",
        sql(
            "{}, policies AS (SELECT pg_policy.* FROM it JOIN pg_catalog.pg_policy ON polrelid = it.oid "
            "WHERE EXISTS (SELECT FROM pg_catalog.unnest(polroles) AS role "
            "WHERE role = 0 OR pg_catalog.pg_has_role(role, 'USAGE')))",
            _IT,
        ),
    )
