"""Nothing that somebody else created is taken for the server's own, on a real server with a hostile search_path."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from dataflow.evolution import TableSchema, diff
from dataflow.types import Column, Kind, TableName
from tests.connectors.postgres.support import FINAL, GOLDEN, TEMP, column, fill, raw_id, recipe, texts
from tests.servers.address import Address

Connection = psycopg.Connection[tuple[Any, ...]]

# Each writes its name into a table when it runs; most fit our arguments better than the server's own do.
FUNCTIONS = (
    ("set_config", "text, text, boolean", "text"),
    ("array_cat", "text[], text[]", "text[]"),
    ("to_jsonb", "varchar", "jsonb"),
    ("jsonb_typeof", "jsonb", "text"),
    ("length", "varchar", "integer"),
    ("unnest", "int2vector", "smallint"),
    ("quote_ident", "name", "text"),
    ("pg_get_userbyid", "oid", "name"),
    ("pg_get_expr", "pg_node_tree, oid", "text"),
    ("pg_try_advisory_lock", "bigint", "boolean"),
    ("current_database", "", "name"),
    ("extract", "text, interval", "numeric"),
)
OPERATORS = (
    ("=", "varchar", "boolean"),
    ("=", "uuid", "boolean"),
    (">", "uuid", "boolean"),
    (">", "timestamptz", "boolean"),
    ("||", "jsonb", "jsonb"),
)
TYPES = ("uuid", "jsonb", "text", "regclass", "date")

BEFORE = (column("id", Kind.STRING), column("code", Kind.STRING))
AFTER = (column("id", Kind.INTEGER), column("code", Kind.JSON), column("day", Kind.DATE))

# What looks like a call and is the grammar's own, which the server finds in no schema of anybody's.
GRAMMAR = {"array", "coalesce", "extract", "numeric", "position", "substring"}


@pytest.fixture
def person(postgres_database: Address) -> Iterator[Connection]:
    """A role that may create things in the schema public, which comes first on everybody's path."""
    with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.ran (what pg_catalog.text)")
        for name, arguments, result in FUNCTIONS:
            _create(connection, name, arguments, result)
        for number, (sign, kind, result) in enumerate(OPERATORS):
            _create(connection, f"operator_{number}", f"{kind}, {kind}", result)
            connection.execute(
                f"CREATE OPERATOR public.{sign} (LEFTARG = {kind}, RIGHTARG = {kind}, "
                f"FUNCTION = public.operator_{number})".encode()
            )
        _create(connection, "mark", "pg_catalog.text", "boolean")
        for each in TYPES:
            connection.execute(
                f"CREATE DOMAIN public.{each} AS pg_catalog.{each} CHECK (public.mark('type'))".encode()
            )
        connection.execute(
            "DO $do$ BEGIN EXECUTE pg_catalog.format('ALTER DATABASE %I SET search_path = public, pg_catalog', "
            "pg_catalog.current_database()); END $do$"
        )
        yield connection


def _create(connection: Connection, name: str, arguments: str, result: str) -> None:
    connection.execute(
        f"CREATE FUNCTION public.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS $body$ "
        f"BEGIN INSERT INTO public.ran VALUES ('{name}({arguments})'); RETURN NULL; END $body$".encode()
    )


def change(
    connector: PostgresConnector, client: PostgresClient, table: TableName, of: tuple[Column, ...]
) -> None:
    wanted = TableSchema({each.name: connector.columns.column_type(each.kind) for each in of})
    client.apply_changeset(table, diff(client.discover_schema(table), wanted))


def everything(connector: PostgresConnector) -> list[str | None]:
    """What a sync does to tables, by the connector's own statements."""
    with closing(connector.client()) as client:
        client.lock(FINAL, "test")
        with client.transaction():
            client.create_namespace("public")
            client.create_namespace("airbyte_internal")
            client.ledger.prepare()
            client.journal.prepare()
        fill(connector, client, FINAL, BEFORE, [{"id": "1", "code": "a"}, {"id": "x", "code": None}])
        client.connection.open.execute(b'ALTER TABLE "public"."users" SET (fillfactor = 90)')
        with client.transaction():
            client.expect_meta(FINAL, '{"changes": []}')
            change(connector, client, FINAL, AFTER)
        fill(connector, client, TEMP, AFTER, [{"id": 1, "code": '{"b": 1}'}, {"id": 2, "code": '"c"'}])
        by = recipe(AFTER, ["id"], "day")
        with client.transaction():
            client.trim_table(TEMP, str(raw_id(9)))
            client.merge_table(TEMP, FINAL, by)
            client.dedupe_table(TEMP, by)
            client.statistics(FINAL)
            client.writer(FINAL)
            client.overwrite_table(TEMP, FINAL)
        return texts(client, FINAL, "code")


def test_what_another_user_created_never_runs(person: Connection, connector: PostgresConnector) -> None:
    codes = everything(connector)

    assert codes == ['{"b": 1}', '"c"']
    assert person.execute("SELECT DISTINCT what FROM public.ran").fetchall() == []


def test_every_function_is_named_with_its_schema() -> None:
    """A pooler may lose what a session was set to; what we call stays the server's own even then."""
    called = {
        f"{path.name}: {name}"
        for path in GOLDEN.glob("*.sql")
        for name in re.findall(r"(?<![.\w\"'])([a-z_]+)\(", _without_texts(path.read_text()))
        if name not in GRAMMAR
    }

    assert called == set()


def _without_texts(statement: str) -> str:
    """The same without its literals and names in quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "''", statement)
