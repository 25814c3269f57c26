"""The index by which merges look rows up: only for a dialect that asks for one, and no longer than it allows."""

import pytest
from attrs import evolve

from connectors.duckdb.sql import DuckDbStatements
from connectors.mysql.columns import MYSQL
from connectors.mysql.sql import MysqlStatements
from connectors.sql.statements import Statements
from connectors.sqlite.sql import SqliteStatements
from dataflow.types import INTEGER, STRING, Column, TableName

STATEMENTS = MysqlStatements()
TABLE = TableName("shop", "users")
COLUMNS = tuple(Column(name, name, kind) for name, kind in (("a", STRING), ("b", INTEGER), ("c", STRING)))


def index_of(statements: Statements, *key: str) -> list[str]:
    """What is sent beside the statement that makes the table."""
    _, *others = statements.create_table(TABLE, COLUMNS, key)
    return [statements.dialect.render(each) for each in others]


@pytest.mark.parametrize(
    ("key", "columns"),
    [
        (("b",), "`b`"),
        (("a",), "`a`(700)"),
        (("a", "b", "c"), "`a`(350), `b`, `c`(350)"),
    ],
)
def test_a_key_is_indexed_in_its_order_and_texts_share_what_an_index_takes(
    key: tuple[str, ...], columns: str
) -> None:
    assert index_of(STATEMENTS, *key) == [f"CREATE INDEX `_airbyte_key` ON `shop`.`users` ({columns})"]


def test_an_index_has_no_more_columns_of_a_key_than_the_database_takes() -> None:
    names = [f"k{number}" for number in range(20)]
    columns = [Column(name, name, INTEGER) for name in names]

    _, index = STATEMENTS.create_table(TABLE, columns, names)

    assert MYSQL.render(index).endswith(f"({', '.join(f'`{name}`' for name in names[:16])})")


def test_a_table_without_a_key_has_no_index() -> None:
    assert index_of(STATEMENTS) == []


@pytest.mark.parametrize(
    "statements",
    [
        SqliteStatements(),
        DuckDbStatements(catalog="it"),
        evolve(STATEMENTS, dialect=evolve(MYSQL, key_index=None)),
    ],
    ids=lambda statements: statements.dialect.name,
)
def test_a_dialect_that_asks_for_no_index_has_none(statements: Statements) -> None:
    assert index_of(statements, "a", "b") == []
