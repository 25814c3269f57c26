"""Which row wins: the upsert fixture of the upstream component suite row by row, and the rules around it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from connectors.duckdb.connector import DuckDbConnector
from dataflow.types import INTEGER, STRING, Array, Column
from tests.connectors.duckdb.stage import (
    FINAL,
    ID_TEST,
    TEMP,
    connector,
    contents,
    fill,
    numbers,
    recipe,
    row,
)

CDC = (
    *ID_TEST,
    Column("_ab_cdc_deleted_at", "_ab_cdc_deleted_at", INTEGER),
    Column("description", "description", STRING),
)
BY_CURSOR = recipe(CDC, ("id",), "test")

T1 = datetime.fromisoformat("2025-01-22T00:00:00Z")
T0, T2 = T1 - timedelta(days=1), T1 + timedelta(days=1)
LATER = T2 + timedelta(hours=1)


@frozen
class Case:
    """A key of the fixture: (cursor, extracted_at[, deleted]) in the target and incoming, and who is left."""

    key: str
    existing: Sequence[tuple[Any, ...]] = ()
    incoming: Sequence[tuple[Any, ...]] = ()
    hard: str | None = field(default=None, kw_only=True)
    soft: str | None = field(default=None, kw_only=True)


# What is left is named "existing 0", "incoming 1" and so on; None: the key is gone.
CASES = (
    Case("0", incoming=[(1000, T2)], hard="incoming 0", soft="incoming 0"),
    Case("1", existing=[(1, T1)], hard="existing 0", soft="existing 0"),
    Case("3", [(3, T1)], [(1002, T2, 1234)], hard=None, soft="incoming 0"),
    Case("5", incoming=[(5, T2), (5, LATER, 1234)], hard=None, soft="incoming 1"),
    Case("6", incoming=[(6, T2), (6, LATER)], hard="incoming 1", soft="incoming 1"),
    Case("7", incoming=[(7, T2, 1234), (7, LATER)], hard="incoming 1", soft="incoming 1"),
    Case("8", [(1008, T1)], [(8, T2)], hard="existing 0", soft="existing 0"),
    Case("9", [(9, T1)], [(9, T2)], hard="incoming 0", soft="incoming 0"),
    Case("10", [(10, T1)], [(1010, T2)], hard="incoming 0", soft="incoming 0"),
    Case("11", [(1011, T1)], [(11, T1)], hard="existing 0", soft="existing 0"),
    Case("12", [(12, T1)], [(1012, T1)], hard="incoming 0", soft="incoming 0"),
    Case("13", [(1013, T1)], [(13, T0)], hard="existing 0", soft="existing 0"),
    Case("14", [(14, T1)], [(14, T0)], hard="existing 0", soft="existing 0"),
    Case("15", [(15, T1)], [(1015, T0)], hard="incoming 0", soft="incoming 0"),
    # Not upstream's, but of the same matter.
    Case("late delete", [(1016, T2)], [(16, T1, 1234)], hard="existing 0", soft="existing 0"),
    Case("delete of an unknown key", incoming=[(17, T2, 1234)], hard=None, soft="incoming 0"),
    Case("null cursor is oldest", [(1, T1)], [(None, T2)], hard="existing 0", soft="existing 0"),
    Case("any cursor beats null", [(None, T2)], [(1, T0)], hard="incoming 0", soft="incoming 0"),
    Case("null cursors tie", [(None, T1)], [(None, T2)], hard="incoming 0", soft="incoming 0"),
    Case("then the raw id", [(1, T1)], [(1, T1), (1, T1)], hard="incoming 1", soft="incoming 1"),
    Case("duplicates outdone", [(1, T1), (2, T1)], [(3, T1)], hard="incoming 0", soft="incoming 0"),
    *(
        Case(name, existing, [(3, T1)], hard="existing 0, existing 1", soft="existing 0, existing 1")
        for name, existing in (
            ("duplicates that win", [(8, T1), (9, T1)]),
            ("duplicates around it", [(1, T1), (9, T1)]),
        )
    ),
    Case(
        "untouched duplicates",
        [(1, T1), (9, T1)],
        hard="existing 0, existing 1",
        soft="existing 0, existing 1",
    ),
)


@pytest.fixture
def hard(tmp_path: Path) -> Iterator[DuckDbConnector]:
    made = connector(tmp_path)
    yield made
    made.close()


@pytest.fixture
def soft(tmp_path: Path) -> Iterator[DuckDbConnector]:
    made = connector(tmp_path, cdc_deletion_mode="Soft delete")
    yield made
    made.close()


def fixture_rows(side: str) -> list[Mapping[str, Any]]:
    # Arrival is in the order of the raw ids, and what is incoming came later.
    start = {"existing": 0, "incoming": 1000}[side]
    return [
        row(
            start + 10 * place + number,
            extracted,
            id=case.key,
            test=cursor,
            _ab_cdc_deleted_at=deleted[0] if deleted else None,
            description=f"{side} {number}",
        )
        for place, case in enumerate(CASES)
        for number, (cursor, extracted, *deleted) in enumerate(getattr(case, side))
    ]


def merged(to: DuckDbConnector, times: int = 1) -> dict[str, str]:
    client = to.client()
    fill(to, client, FINAL, CDC, fixture_rows("existing"))
    fill(to, client, TEMP, CDC, fixture_rows("incoming"))
    for _ in range(times):
        with client.transaction():
            client.merge_table(TEMP, FINAL, BY_CURSOR)
    left: dict[str, str] = {}
    for key, description in contents(client, FINAL, "id", "description", order="description"):
        left[key] = f"{left[key]}, {description}" if key in left else description
    client.close()
    return left


def test_the_upsert_fixture_ends_as_upstream_says_with_hard_deletes(hard: DuckDbConnector) -> None:
    assert merged(hard) == {case.key: case.hard for case in CASES if case.hard}


def test_the_upsert_fixture_keeps_tombstones_with_soft_deletes(soft: DuckDbConnector) -> None:
    assert merged(soft) == {case.key: case.soft for case in CASES if case.soft}


@pytest.mark.parametrize("deletions", ["hard", "soft"])
def test_a_repeated_merge_changes_nothing(deletions: str, request: pytest.FixtureRequest) -> None:
    to: DuckDbConnector = request.getfixturevalue(deletions)

    assert merged(to, times=3) == {case.key: left for case in CASES if (left := getattr(case, deletions))}


def test_a_merge_leaves_the_source_as_it_was(hard: DuckDbConnector) -> None:
    client = hard.client()
    fill(hard, client, FINAL, CDC, fixture_rows("existing"))
    fill(hard, client, TEMP, CDC, fixture_rows("incoming"))
    before = contents(client, TEMP)

    with client.transaction():
        client.merge_table(TEMP, FINAL, BY_CURSOR)

    assert contents(client, TEMP) == before


def test_a_merge_brings_the_whole_row(hard: DuckDbConnector) -> None:
    client = hard.client()
    fill(hard, client, FINAL, CDC, [row(1, id="a", test=1, description="old")])
    fill(hard, client, TEMP, CDC, [row(2, T2, id="a", test=2, description="new")])
    incoming = contents(client, TEMP)

    with client.transaction():
        client.merge_table(TEMP, FINAL, BY_CURSOR)

    assert contents(client, FINAL) == incoming


def test_deduping_leaves_what_merging_into_an_empty_table_would(hard: DuckDbConnector) -> None:
    client = hard.client()
    everything = [*fixture_rows("existing"), *fixture_rows("incoming")]
    fill(hard, client, TEMP, CDC, everything)
    fill(hard, client, FINAL, CDC, [])
    with client.transaction():
        client.merge_table(TEMP, FINAL, BY_CURSOR)

    with client.transaction():
        client.dedupe_table(TEMP, BY_CURSOR)

    assert numbers(client, TEMP) == numbers(client, FINAL)


def test_deduping_keeps_tombstones_with_soft_deletes(soft: DuckDbConnector) -> None:
    client = soft.client()
    fill(soft, client, TEMP, CDC, fixture_rows("incoming"))

    with client.transaction():
        client.dedupe_table(TEMP, BY_CURSOR)

    deleted = [key for key, at in contents(client, TEMP, "id", "_ab_cdc_deleted_at") if at is not None]
    assert sorted(deleted) == ["3", "5", "delete of an unknown key", "late delete"]


def test_null_keys_are_equal(hard: DuckDbConnector) -> None:
    client = hard.client()
    columns = (Column("a", "a", STRING), Column("b", "b", INTEGER))
    fill(hard, client, FINAL, columns, [row(1), row(2, a="x"), row(3, b=1), row(4, a="x", b=1)])
    fill(hard, client, TEMP, columns, [row(11), row(12, a="x"), row(13, b=1), row(14, a="y")])

    with client.transaction():
        client.merge_table(TEMP, FINAL, recipe(columns, ("a", "b")))

    assert numbers(client, FINAL) == [4, 11, 12, 13, 14]


def test_an_array_may_be_a_key(hard: DuckDbConnector) -> None:
    client = hard.client()
    columns = (Column("tags", "tags", Array()),)
    fill(hard, client, FINAL, columns, [row(1, tags='["a"]'), row(2, tags='["b"]')])
    fill(hard, client, TEMP, columns, [row(11, tags='["a"]')])

    with client.transaction():
        client.merge_table(TEMP, FINAL, recipe(columns, ("tags",)))

    assert numbers(client, FINAL) == [2, 11]


def test_the_position_in_the_log_decides_between_equal_cursors(hard: DuckDbConnector) -> None:
    client = hard.client()
    columns = (*ID_TEST, Column("position", "_ab_cdc_lsn", INTEGER))
    fill(hard, client, FINAL, columns, [row(1, T1, id="a", test=1, position=20), row(2, T1, id="b", test=1)])
    fill(
        hard,
        client,
        TEMP,
        columns,
        [row(11, T2, id="a", test=1, position=10), row(12, T2, id="b", test=1, position=1)],
    )

    with client.transaction():
        client.merge_table(TEMP, FINAL, recipe(columns, cursor="test"))

    assert numbers(client, FINAL) == [1, 12]


def test_columns_called_like_our_own_aliases_are_no_trouble(hard: DuckDbConnector) -> None:
    client = hard.client()
    names = ("s", "t", "r", "k0", "o0", "ranked", "row_number", "id")
    columns = tuple(Column(name, name, STRING) for name in names)
    values = dict.fromkeys(names, "same")
    fill(hard, client, FINAL, columns, [row(1, **values)])
    fill(hard, client, TEMP, columns, [row(11, **values), row(12, **values)])

    with client.transaction():
        client.merge_table(TEMP, FINAL, recipe(columns, ("s", "t", "r", "k0"), "o0"))
        client.dedupe_table(TEMP, recipe(columns, ("s", "t", "r", "k0"), "o0"))

    assert numbers(client, FINAL) == numbers(client, TEMP) == [12]


def test_the_delete_mark_is_found_by_its_field(hard: DuckDbConnector) -> None:
    client = hard.client()
    columns = (*ID_TEST, Column("gone", "_ab_cdc_deleted_at", STRING))
    fill(hard, client, FINAL, columns, [row(1, T1, id="a"), row(2, T1, id="b")])
    fill(hard, client, TEMP, columns, [row(11, T2, id="a", gone="2025-01-01")])

    with client.transaction():
        client.merge_table(TEMP, FINAL, recipe(columns))

    assert numbers(client, FINAL) == [2]
