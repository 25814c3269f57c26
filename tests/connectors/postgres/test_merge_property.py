"""Merging and deduplicating any rows, against the rule written in Python (connectors.memory.sql)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.memory.sql import dedupe, merge
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.merging import Merging
from dataflow.types import CDC_DELETED_AT, EXTRACTED_AT, RAW_ID, Kind
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import FINAL, T0, T1, TEMP, as_a_person, column, fill, raw_id, recipe

COLUMNS = (
    column("a", Kind.INTEGER),
    column("b", Kind.STRING),
    column("cursor", Kind.STRING),
    column("_ab_cdc_lsn", Kind.INTEGER),
    column(CDC_DELETED_AT, Kind.INTEGER),
)
BY = recipe(COLUMNS, ["a", "b"], "cursor")

Row = Mapping[str, Any]

# Few values, so that keys and cursors meet.
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.sampled_from([None, 0, 1]),
            "b": st.sampled_from([None, "x"]),
            "cursor": st.sampled_from([None, "B", "a"]),
            "_ab_cdc_lsn": st.sampled_from([None, 0, 1]),
            CDC_DELETED_AT: st.sampled_from([None, 1]),
            EXTRACTED_AT: st.sampled_from([T0, T1]),
        }
    ),
    max_size=12,
)
# What arrived first need not be what is in the table.
NUMBERS = st.permutations(range(24))

# One database serves all examples: each begins with empty tables.
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[True, False], ids=["hard", "soft"])
def deletes(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def either(connect: Connect, deletes: bool) -> PostgresConnector:
    return connect(cdc_deletion_mode="Hard delete" if deletes else "Soft delete")


@pytest.fixture
def session(either: PostgresConnector) -> Iterator[PostgresClient]:
    client = either.client()
    yield client
    client.close()


def numbered(rows: Sequence[Row], numbers: Sequence[int]) -> tuple[Row, ...]:
    return tuple({**row, RAW_ID: raw_id(number)} for row, number in zip(rows, numbers, strict=False))


def load(to: PostgresConnector, client: PostgresClient, target: Sequence[Row], source: Sequence[Row]) -> None:
    for table, rows in ((FINAL, target), (TEMP, source)):
        with client.transaction():
            client.drop_table(table)
        fill(to, client, table, COLUMNS, [{**row, RAW_ID: row[RAW_ID].bytes} for row in rows])


def left(client: PostgresClient, table: str) -> list[Any]:
    found = as_a_person(client, f"SELECT {RAW_ID} FROM {table} ORDER BY 1".encode())
    return [number for (number,) in found]


def ids(rows: Sequence[Row]) -> list[Any]:
    return sorted(row[RAW_ID] for row in rows)


@many
@given(old=ROWS, new=ROWS, numbers=NUMBERS)
def test_a_merge_leaves_what_the_rule_says_once_and_twice(
    either: PostgresConnector,
    session: PostgresClient,
    deletes: bool,
    old: list[Row],
    new: list[Row],
    numbers: list[int],
) -> None:
    target, source = numbered(old, numbers), numbered(new, numbers[12:])
    load(either, session, target, source)
    expected = merge(source, target, BY, deletes=deletes)

    with session.transaction():
        session.merge_table(TEMP, FINAL, BY)
    once = left(session, FINAL.name)
    with session.transaction():
        session.merge_table(TEMP, FINAL, BY)

    assert once == ids(expected)
    assert left(session, FINAL.name) == ids(merge(source, expected, BY, deletes=deletes))


@many
@given(old=ROWS, new=ROWS, numbers=NUMBERS)
def test_a_merge_in_place_leaves_the_same(
    either: PostgresConnector,
    session: PostgresClient,
    deletes: bool,
    old: list[Row],
    new: list[Row],
    numbers: list[int],
) -> None:
    target, source = numbered(old, numbers), numbered(new, numbers[12:])
    load(either, session, target, source)
    merging = Merging(recipe=BY, deletes=deletes)

    with session.transaction():
        for nulls in session.server.null_keys(TEMP, merging):
            for statement in merging.merge_in_place(TEMP, FINAL, nulls):
                session.execute(statement)

    assert left(session, FINAL.name) == ids(merge(source, target, BY, deletes=deletes))


@many
@given(new=ROWS, numbers=NUMBERS)
def test_a_dedupe_leaves_what_the_rule_says(
    either: PostgresConnector, session: PostgresClient, deletes: bool, new: list[Row], numbers: list[int]
) -> None:
    source = numbered(new, numbers)
    load(either, session, (), source)

    with session.transaction():
        session.dedupe_table(TEMP, BY)

    assert left(session, TEMP.name) == ids(dedupe(source, BY, deletes=deletes))
