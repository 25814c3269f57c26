"""The shared merge and dedupe, for any rows and in every engine at hand, against the memory connector's rule."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Recipe
from connectors.duckdb.columns import DUCKDB
from connectors.memory.sql import dedupe as rule_of_dedupe
from connectors.memory.sql import merge as rule_of_merge
from connectors.postgres.columns import POSTGRES
from connectors.sql.merging import dedupe, merge
from connectors.sql.statements import Statements
from connectors.sql.text import Name, Sql, names, sql
from connectors.sqlite.columns import SQLITE
from dataflow.catalog import Strategy
from dataflow.types import EXTRACTED_AT, GENERATION_ID, INTEGER, META, RAW_ID, Column, TableName
from tests.servers.address import Address
from tests.servers.databases import fresh_database

COLUMNS = (
    Column("a", "a", INTEGER),
    # The aliases of the statements.
    Column("r", "r", INTEGER),
    Column("place", "place", INTEGER),
    Column("deleted", "_ab_cdc_deleted_at", INTEGER),
)
RECIPE = Recipe(
    strategy=Strategy.DEDUP, generation_id=1, primary_key=("a", "r"), cursor="place", columns=COLUMNS
)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FINAL, TEMP = TableName("", "final table"), TableName("", "temp table")

Row = Mapping[str, Any]


class OnlyRows(Statements):
    """The shared statements in a database's dialect, as far as they are about rows. Tables have no namespace."""

    def table(self, table: TableName) -> Name:
        return Name(table.name)

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        raise NotImplementedError


@frozen
class Engine:
    """A database: its statements, and what executes one."""

    statements: OnlyRows
    execute: Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]

    def run(self, *statements: Sql, values: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        rows: Sequence[tuple[Any, ...]] = ()
        for each in statements:
            rows = self.execute(self.statements.dialect.render(each), values)
        return rows

    def fill(self, table: TableName, rows: Sequence[Row]) -> None:
        self.run(self.statements.drop_table(table), *self.statements.create_table(table, COLUMNS, ("a", "r")))
        for row in rows:
            self.run(self.statements.insert_row(table, COLUMNS), values=list(row.values()))

    def numbers(self, table: TableName) -> list[int]:
        rows = self.run(sql("SELECT {} FROM {}", names([RAW_ID]), self.statements.table(table)))
        return sorted(UUID(str(raw_id)).int for (raw_id,) in rows)


@pytest.fixture(scope="module", params=[True, False], ids=["hard deletes", "soft deletes"])
def hard_deletes(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module", params=["duckdb", "postgres", "sqlite"])
def engine(request: pytest.FixtureRequest, *, hard_deletes: bool) -> Iterator[Engine]:
    if request.param == "sqlite":
        with closing(sqlite3.connect(":memory:")) as file:
            yield Engine(
                OnlyRows(dialect=SQLITE, hard_deletes=hard_deletes),
                lambda text, values: file.execute(text, values).fetchall(),
            )
    elif request.param == "duckdb":
        with duckdb.connect(":memory:") as memory:
            yield Engine(
                OnlyRows(dialect=DUCKDB, hard_deletes=hard_deletes),
                lambda text, values: memory.execute(text, values).fetchall(),
            )
    else:
        address: Address = request.getfixturevalue("postgres_server").address
        with fresh_database(address) as database, psycopg.connect(database.dsn) as session:

            def execute(text: str, values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
                cursor = session.execute(text.encode(), values or None)
                return cursor.fetchall() if cursor.description else ()

            yield Engine(OnlyRows(dialect=POSTGRES, hard_deletes=hard_deletes), execute)


few = st.one_of(st.none(), st.integers(0, 1))
cells = st.tuples(few, few, st.one_of(st.none(), st.integers(0, 2)), few, st.integers(0, 1))
tables = st.lists(cells, max_size=12)
# Raw ids are mixed, since what arrived first need not be in the target.
mixed = st.permutations(range(24))


def rows_of(given: Sequence[tuple[Any, ...]], ids: Sequence[int]) -> tuple[Row, ...]:
    return tuple(
        {
            RAW_ID: str(UUID(int=number)),
            EXTRACTED_AT: (JANUARY + timedelta(days=day)).isoformat(),
            META: "{}",
            GENERATION_ID: 1,
            "a": a,
            "r": r,
            "place": place,
            "deleted": deleted,
        }
        for number, (a, r, place, deleted, day) in zip(ids, given, strict=False)
    )


def numbers_of(rows: Sequence[Row]) -> list[int]:
    return sorted(UUID(row[RAW_ID]).int for row in rows)


@settings(max_examples=60, deadline=None)
@given(target=tables, source=tables, ids=mixed)
def test_a_merge_leaves_what_the_rule_leaves_once_and_twice(
    engine: Engine, target: list[tuple[Any, ...]], source: list[tuple[Any, ...]], ids: list[int]
) -> None:
    old, new = rows_of(target, ids[:12]), rows_of(source, ids[12:])
    engine.fill(FINAL, old)
    engine.fill(TEMP, new)

    ends = []
    for _ in range(2):
        engine.run(*merge(engine.statements, TEMP, FINAL, RECIPE))
        ends.append(engine.numbers(FINAL))

    expected = rule_of_merge(new, old, RECIPE, deletes=engine.statements.hard_deletes)
    assert ends == [numbers_of(expected)] * 2


@settings(max_examples=30, deadline=None)
@given(source=tables, ids=mixed)
def test_deduping_leaves_what_the_rule_leaves(
    engine: Engine, source: list[tuple[Any, ...]], ids: list[int]
) -> None:
    new = rows_of(source, ids)
    engine.fill(TEMP, new)

    engine.run(dedupe(engine.statements, TEMP, RECIPE))

    assert engine.numbers(TEMP) == numbers_of(
        rule_of_dedupe(new, RECIPE, deletes=engine.statements.hard_deletes)
    )
