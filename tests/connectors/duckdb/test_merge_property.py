"""Merging and deduping, for any rows, against the rule written down in a few lines of Python."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.duckdb.connector import DuckDbConnector
from dataflow.types import INTEGER, Column
from tests.connectors.duckdb.stage import FINAL, JANUARY, TEMP, connector, fill, numbers, recipe, row

COLUMNS = (
    Column("a", "a", INTEGER),
    Column("b", "b", INTEGER),
    Column("cursor", "cursor", INTEGER),
    Column("deleted", "_ab_cdc_deleted_at", INTEGER),
)
RECIPE = recipe(COLUMNS, ("a", "b"), "cursor")


@frozen
class Given:
    """A row by what merging looks at. Few values, so that keys and cursors meet."""

    a: int | None
    b: int | None
    cursor: int | None
    day: int
    deleted: int | None

    @property
    def key(self) -> tuple[int, int]:
        return (-1 if self.a is None else self.a, -1 if self.b is None else self.b)


@frozen
class Placed:
    """A row in its table, by its raw id."""

    number: int
    values: Given
    incoming: bool

    @property
    def lateness(self) -> tuple[int, int, int]:
        cursor = -1 if self.values.cursor is None else self.values.cursor
        return (cursor, self.values.day, self.number)


few = st.one_of(st.none(), st.integers(0, 1))
tables = st.lists(
    st.builds(Given, few, few, st.one_of(st.none(), st.integers(0, 2)), st.integers(0, 1), few), max_size=12
)
# The raw ids are mixed, since what arrived first need not be in the target.
mixed = st.permutations(range(24))


def placed(rows: Sequence[Given], ids: Sequence[int], *, incoming: bool) -> list[Placed]:
    return [Placed(number, values, incoming) for number, values in zip(ids, rows, strict=False)]


def expected(target: Sequence[Placed], source: Sequence[Placed], *, hard: bool) -> list[int]:
    left: list[Placed] = []
    by_key = sorted([*target, *source], key=lambda each: each.values.key)
    for _, group in groupby(by_key, key=lambda each: each.values.key):
        rows = list(group)
        latest = max(rows, key=lambda each: each.lateness)
        if not latest.incoming:
            left += [each for each in rows if not each.incoming]
        elif not (hard and latest.values.deleted is not None):
            left.append(latest)
    return sorted(each.number for each in left)


def as_rows(rows: Sequence[Placed]) -> list[dict[str, Any]]:
    return [
        row(
            each.number,
            JANUARY + timedelta(days=each.values.day),
            a=each.values.a,
            b=each.values.b,
            cursor=each.values.cursor,
            deleted=each.values.deleted,
        )
        for each in rows
    ]


@pytest.fixture(scope="module", params=["Hard delete", "Soft delete"])
def to(request: pytest.FixtureRequest) -> Iterator[DuckDbConnector]:
    made = connector(Path(), destination_path=":memory:", cdc_deletion_mode=request.param)
    yield made
    made.close()


@settings(max_examples=80, deadline=None)
@given(target=tables, source=tables, ids=mixed)
def test_a_merge_ends_as_the_rule_says_once_and_twice(
    to: DuckDbConnector, target: list[Given], source: list[Given], ids: list[int]
) -> None:
    old, new = placed(target, ids[:12], incoming=False), placed(source, ids[12:], incoming=True)
    client = to.client()
    with client.transaction():
        client.drop_table(FINAL)
        client.drop_table(TEMP)
    fill(to, client, FINAL, COLUMNS, as_rows(old))
    fill(to, client, TEMP, COLUMNS, as_rows(new))

    ends = []
    for _ in range(2):
        with client.transaction():
            client.merge_table(TEMP, FINAL, RECIPE)
        ends.append(numbers(client, FINAL))

    assert ends == [expected(old, new, hard=client.statements.hard_deletes)] * 2
    client.close()


@settings(max_examples=40, deadline=None)
@given(source=tables, ids=mixed)
def test_deduping_ends_as_merging_into_nothing_would(
    to: DuckDbConnector, source: list[Given], ids: list[int]
) -> None:
    new = placed(source, ids, incoming=True)
    client = to.client()
    with client.transaction():
        client.drop_table(TEMP)
    fill(to, client, TEMP, COLUMNS, as_rows(new))

    with client.transaction():
        client.dedupe_table(TEMP, RECIPE)

    assert numbers(client, TEMP) == expected([], new, hard=client.statements.hard_deletes)
    client.close()
