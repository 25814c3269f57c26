"""What the tests of the Postgres connector have in common: columns, batches, golden files."""

import os
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from psycopg import Cursor
from psycopg.abc import Params
from psycopg.errors import InFailedSqlTransaction
from psycopg.sql import Composed

from connectors.contract import Recipe
from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import POSTGRES
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.sessions import Row
from connectors.sql.text import Sql
from dataflow.catalog import Strategy
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    RAW_ID,
    Column,
    Kind,
    Scalar,
    TableName,
)

GOLDEN = Path(__file__).parent / "golden"
# GOLDEN=update in the environment writes the files again; anything else compares.
UPDATE = os.environ.get("GOLDEN") == "update"

FINAL = TableName("public", "users")
TEMP = TableName("public", "users_airbyte_tmp_c0ffee")
T0, T1, T2 = (datetime(2025, 1, day, tzinfo=UTC) for day in (21, 22, 23))

ARROW: Mapping[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.decimal128(38, 9),
    Kind.DATE: pa.date32(),
    Kind.TIME_WITH_TIMEZONE: pa.string(),
    Kind.TIME_WITHOUT_TIMEZONE: pa.time64("us"),
    Kind.TIMESTAMP_WITH_TIMEZONE: pa.timestamp("us", tz="UTC"),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: pa.timestamp("us"),
    Kind.JSON: pa.string(),
}
METADATA_ARROW: Mapping[str, pa.DataType] = {
    RAW_ID: pa.binary(16),
    EXTRACTED_AT: pa.timestamp("us", tz="UTC"),
    META: pa.string(),
    GENERATION_ID: pa.int64(),
}


def column(name: str, kind: Kind) -> Column:
    """A column that is called like its field."""
    return Column(name, name, Scalar(kind))


def recipe(
    columns: Sequence[Column], primary_key: Sequence[str], cursor: str | None = None, generation_id: int = 1
) -> Recipe:
    """A dedupe's recipe."""
    return Recipe(
        strategy=Strategy.DEDUP,
        generation_id=generation_id,
        primary_key=tuple(primary_key),
        cursor=cursor,
        columns=tuple(columns),
    )


def raw_id(number: int) -> uuid.UUID:
    """Raw ids that grow with the number."""
    return uuid.UUID(int=number)


def batch(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], numbers: pa.DataType = ARROW[Kind.NUMBER]
) -> pa.RecordBatch:
    """Rows as the framework gives them; what a row does not say of the metadata is made up."""
    types = {**METADATA_ARROW, **{each.name: ARROW[each.kind] for each in columns}}
    types |= {each.name: numbers for each in columns if each.kind is Kind.NUMBER}
    made_up = [
        {RAW_ID: raw_id(number).bytes, EXTRACTED_AT: T2, META: "{}", GENERATION_ID: 1, **row}
        for number, row in enumerate(rows, start=1)
    ]
    return pa.RecordBatch.from_pylist(made_up, schema=pa.schema(list(types.items())))


def fill(
    connector: PostgresConnector,
    client: PostgresClient,
    table: TableName,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Create the table if need be, and insert the rows."""
    with client.transaction():
        if not client.table_exists(table):
            client.create_table(table, columns, ())
        connector.insert_buffer(client).insert(table, columns, [batch(columns, rows)])


def as_a_person(
    client: PostgresClient, statement: str | bytes | Composed, parameters: Params | None = None
) -> Cursor[Row]:
    """Run what somebody else might, on the client's own connection: with the schema public on the path."""
    client.connection.open.execute("SET search_path = public")
    try:
        return client.connection.open.execute(statement, parameters)
    finally:
        # A transaction that has failed takes the setting back by itself.
        with suppress(InFailedSqlTransaction):
            client.connection.open.execute("SET search_path = ''")


def texts(client: PostgresClient, table: TableName, name: str) -> list[str | None]:
    """A column's values as Postgres writes them, in the order of the raw ids."""
    query = f'SELECT "{name}"::text FROM "{table.namespace}"."{table.name}" ORDER BY {RAW_ID}'
    return [row[0] for row in client.connection.open.execute(query.encode())]


def index_names(client: PostgresClient, table: TableName) -> list[str]:
    """The names of a table's indexes."""
    query = "SELECT indexname FROM pg_indexes WHERE schemaname = %s AND tablename = %s ORDER BY 1"
    return [row[0] for row in client.connection.open.execute(query, [table.namespace, table.name])]


def golden(name: str, *statements: Sql) -> tuple[str, str]:
    """What the golden file holds, and these statements laid out like it."""
    text = "".join(f"{_laid_out(POSTGRES.render(each))};\n" for each in statements)
    path = GOLDEN / f"{name}.sql"
    if UPDATE:
        path.write_text(text)
    return path.read_text(), text


# Each begins a line of its own, so that a difference can be read.
CLAUSES = "SELECT|(?<!DELETE )(?<!DISTINCT )FROM|JOIN|WHERE|INSERT INTO|USING CASE|AND NOT EXISTS"
ITEMS = "ADD COLUMN|DROP COLUMN|ALTER COLUMN"


def _laid_out(statement: str) -> str:
    return re.sub(rf"(?<=[ (])({CLAUSES}) |(?<=, )({ITEMS}) ", r"\n\g<0>", statement).replace(" \n", "\n")
