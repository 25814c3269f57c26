"""What the DuckDB tests share: a connector on a file of the test's own, and rows as the data path would bring them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.contract import Recipe
from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.config import Config, configure
from connectors.duckdb.connector import DuckDbConnector
from connectors.duckdb.database import INSTANCE
from connectors.duckdb.sql import use
from dataflow.catalog import Strategy
from dataflow.runtime import SYSTEM
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    INTEGER,
    META,
    RAW_ID,
    STRING,
    Column,
    Kind,
    Scalar,
    TableName,
)

FINAL = TableName("main", "users")
TEMP = TableName("main", "users_airbyte_tmp")
ID_TEST = (Column("id", "id", STRING), Column("test", "test", INTEGER))
JANUARY = datetime(2025, 1, 23, tzinfo=UTC)

_ARROW: Mapping[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.decimal128(38, 9),
    Kind.DATE: pa.date32(),
    Kind.TIME_WITH_TIMEZONE: pa.string(),
    Kind.TIME_WITHOUT_TIMEZONE: pa.time64("us"),
    Kind.TIMESTAMP_WITH_TIMEZONE: pa.timestamp("us", "UTC"),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: pa.timestamp("us"),
    Kind.JSON: pa.string(),
}


def connector(folder: Path, **options: Any) -> DuckDbConnector:
    """A connector on a file in the folder."""
    return DuckDbConnector(config(folder, **options), SYSTEM)


def config(folder: Path, **options: Any) -> Config:
    """The options of a file in the folder."""
    return configure({"destination_path": str(folder / "lake.duckdb")} | options)


def raw_id(number: int) -> str:
    """The number-th raw id, in order."""
    return str(uuid.UUID(int=number))


def row(number: int, extracted_at: datetime = JANUARY, /, **values: Any) -> dict[str, Any]:
    """A row with its metadata; `number` orders it by raw id."""
    return {
        RAW_ID: uuid.UUID(int=number).bytes,
        EXTRACTED_AT: extracted_at,
        META: "{}",
        GENERATION_ID: 1,
        **values,
    }


def batch(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """The rows as the data path types them; a value that a row leaves out is null."""
    types = {
        RAW_ID: pa.binary(16),
        EXTRACTED_AT: pa.timestamp("us", "UTC"),
        META: pa.string(),
        GENERATION_ID: pa.int64(),
        **{column.name: _ARROW[column.kind] for column in columns},
    }
    return pa.RecordBatch.from_arrays(
        [pa.array([each.get(name) for each in rows], kind) for name, kind in types.items()], names=list(types)
    )


def fill(
    to: DuckDbConnector,
    client: DuckDbClient,
    table: TableName,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Create the table with the rows in it."""
    with client.transaction():
        client.create_table(table, columns, ())
        to.insert_buffer(client).insert(table, columns, [batch(columns, rows)])


def contents(
    client: DuckDbClient, table: TableName, *names: str, order: str = RAW_ID
) -> list[tuple[Any, ...]]:
    """The columns of all rows, in the order of one of them."""
    relation = DUCKDB.render(client.statements.table(table))
    listed = ", ".join(f'"{name}"' for name in names) or "*"
    return query(client, f'SELECT {listed} FROM {relation} ORDER BY "{order}"')


def query(client: DuckDbClient, statement: str) -> list[tuple[Any, ...]]:
    """What a person's statement returns, who means the file. By Arrow: DuckDB's own rows want pytz for a timestamp."""
    client.connection.cursor.execute(DUCKDB.render(use(client.connection.statements.catalog)))
    try:
        found: Any = client.connection.cursor.sql(statement)
        columns = found.to_arrow_table().columns if found is not None else []
        return list(zip(*(column.to_pylist() for column in columns), strict=True))
    finally:
        client.connection.cursor.execute(DUCKDB.render(use(INSTANCE)))


def numbers(client: DuckDbClient, table: TableName) -> list[int]:
    """The numbers of the rows' raw ids, in order."""
    return [uuid.UUID(text).int for (text,) in contents(client, table, RAW_ID)]


def recipe(
    columns: Sequence[Column],
    primary_key: Sequence[str] = ("id",),
    cursor: str | None = None,
    strategy: Strategy = Strategy.DEDUP,
) -> Recipe:
    """A recipe as a catalog would give it."""
    return Recipe(
        strategy=strategy,
        generation_id=1,
        primary_key=tuple(primary_key),
        cursor=cursor,
        columns=tuple(Column(c.name, c.field, Scalar(c.kind)) for c in columns),
    )
