"""What the server's catalog says of tables, for who asks what a sync would do. Composes questions; changes nothing.

`namespace` and `name` are parameters. Read as whoever asks may: what a role is not shown is not there.
"""

from psycopg.sql import SQL, Composed, Identifier, Placeholder

from dataflow.types import RAW_ID, TableName

_THE_TABLE = SQL(
    "(SELECT pg_class.oid FROM pg_catalog.pg_class "
    "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE nspname = {} AND relname = {} AND relkind IN ('r', 'p'))"
).format(Placeholder("namespace"), Placeholder("name"))


def size_and_rows() -> Composed:
    """A table's bytes on disk, with its indexes, and about how many rows; null for one that was never analysed."""
    return SQL(
        "SELECT pg_catalog.pg_total_relation_size(pg_class.oid), "
        "CASE WHEN reltuples >= 0 THEN reltuples::bigint END "
        "FROM pg_catalog.pg_class WHERE pg_class.oid = {}"
    ).format(_THE_TABLE)


def dependents() -> Composed:
    """The views that read a table and the foreign keys that point at it, described as the server describes them."""
    return SQL(
        "SELECT DISTINCT CASE WHEN pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass "
        "THEN pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, ev_class, 0) "
        "ELSE pg_catalog.pg_describe_object(pg_depend.classid, pg_depend.objid, 0) END "
        "FROM pg_catalog.pg_depend LEFT JOIN pg_catalog.pg_rewrite "
        "ON pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass AND pg_rewrite.oid = pg_depend.objid "
        "LEFT JOIN pg_catalog.pg_constraint "
        "ON pg_depend.classid = 'pg_catalog.pg_constraint'::regclass AND pg_constraint.oid = pg_depend.objid "
        "WHERE refclassid = 'pg_catalog.pg_class'::regclass AND refobjid = {table} AND deptype = 'n' "
        "AND (ev_class <> {table} OR contype = 'f' AND conrelid <> {table}) ORDER BY 1"
    ).format(table=_THE_TABLE)


def grants() -> Composed:
    """What others than its owner may do with a table."""
    return SQL(
        "SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' to ' || "
        "CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(grantee)) END "
        "FROM pg_catalog.pg_class, pg_catalog.aclexplode(relacl) "
        "WHERE pg_class.oid = {} AND grantee <> relowner GROUP BY grantee ORDER BY 1"
    ).format(_THE_TABLE)


def tables_named() -> Composed:
    """Schema and name of every table whose name holds the parameter `mark`."""
    return SQL(
        "SELECT nspname, relname FROM pg_catalog.pg_class "
        "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relkind IN ('r', 'p') AND position({} IN relname) > 0 ORDER BY 1, 2"
    ).format(Placeholder("mark"))


def any_up_to(table: TableName) -> Composed:
    """Whether a table holds a row whose raw id is not above the parameter `last`."""
    return SQL("SELECT EXISTS (SELECT FROM {} WHERE {} <= {}::uuid)").format(
        Identifier(table.namespace, table.name), Identifier(RAW_ID), Placeholder("last")
    )
