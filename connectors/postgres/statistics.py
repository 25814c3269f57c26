"""What the server's catalog says of tables, for dry runs. Composes questions; changes nothing.

`namespace` and `name` are parameters. It is read by the sync's own role: what that role may not see is missing.
"""

from connectors.sql.text import Param, Sql, sql

_THE_TABLE = sql(
    "(SELECT pg_class.oid FROM pg_catalog.pg_class "
    "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE nspname = {} AND relname = {} AND relkind IN ('r', 'p'))",
    Param("namespace"),
    Param("name"),
)


def size_and_rows() -> Sql:
    """A table's bytes on disk, with its indexes, and about how many rows; null for one that was never analysed."""
    return sql(
        "SELECT pg_catalog.pg_total_relation_size(pg_class.oid), "
        "CASE WHEN reltuples >= 0 THEN reltuples::bigint END "
        "FROM pg_catalog.pg_class WHERE pg_class.oid = {}",
        _THE_TABLE,
    )


def default_grants() -> Sql:
    """What others may do with a table that we make in the schema `namespace`: as `catalog.grants` lists it."""
    return sql(
        "SELECT privilege_type, NULL::text, "
        "CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee)::text END, is_grantable "
        "FROM pg_catalog.pg_default_acl CROSS JOIN LATERAL pg_catalog.aclexplode(defaclacl) "
        "WHERE defaclobjtype = 'r' AND pg_catalog.pg_get_userbyid(defaclrole) = current_user "
        "AND grantee <> defaclrole AND (defaclnamespace = 0 "
        "OR defaclnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {}))",
        Param("namespace"),
    )


def tables_named() -> Sql:
    """Schema and name of every table that we may read and whose name holds the parameter `mark`."""
    return sql(
        "SELECT nspname, relname FROM pg_catalog.pg_class "
        "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relkind IN ('r', 'p') AND position({} IN relname) > 0 "
        "AND pg_catalog.has_schema_privilege(relnamespace, 'USAGE') "
        "AND pg_catalog.has_table_privilege(pg_class.oid, 'SELECT') ORDER BY 1, 2",
        Param("mark"),
    )
