"""Merging and deduplicating against a real server: which row of a key survives (upstream's catalogue, 10.1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from dataflow.types import CDC_DELETED_AT, EXTRACTED_AT, RAW_ID, Kind
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import (
    FINAL,
    T0,
    T1,
    T2,
    TEMP,
    as_a_person,
    column,
    fill,
    index_names,
    raw_id,
    recipe,
)

COLUMNS = (
    column("id", Kind.STRING),
    column("test", Kind.INTEGER),
    column(CDC_DELETED_AT, Kind.INTEGER),
    column("description", Kind.STRING),
)
RECIPE = recipe(COLUMNS, ["id"], "test")
LATER = T2 + timedelta(hours=1)
DELETED = 1234

Version = tuple[int, datetime] | tuple[int, datetime, int]

# id: what the target has, what comes in, what is left (index into what comes in; "target"; None: nothing).
MATRIX: Mapping[str, tuple[Version | None, Sequence[Version], int | str | None]] = {
    "0 new": (None, [(1000, T2)], 0),
    "1 untouched": ((1, T1), [], "target"),
    "3 deleted": ((3, T1), [(1002, T2, DELETED)], None),
    "5 inserted and deleted in one batch": (None, [(5, T2), (5, LATER, DELETED)], None),
    "6 twice in one batch": (None, [(6, T2), (6, LATER)], 1),
    "7 deleted and inserted in one batch": (None, [(7, T2, DELETED), (7, LATER)], 1),
    "8 older cursor, later extracted": ((1008, T1), [(8, T2)], "target"),
    "9 same cursor, later extracted": ((9, T1), [(9, T2)], 0),
    "10 later cursor and extracted": ((10, T1), [(1010, T2)], 0),
    "11 older cursor, same extracted": ((1011, T1), [(11, T1)], "target"),
    "12 later cursor, same extracted": ((12, T1), [(1012, T1)], 0),
    "13 older cursor and extracted": ((1013, T1), [(13, T0)], "target"),
    "14 same cursor, earlier extracted": ((14, T1), [(14, T0)], "target"),
    "15 later cursor, earlier extracted": ((15, T1), [(1015, T0)], 0),
    "16 the delete of an unknown key": (None, [(16, T2, DELETED)], None),
    "17 a late delete": ((1017, T1), [(17, T2, DELETED)], "target"),
    "18 brought back": ((18, T1, DELETED), [(1018, T2)], 0),
}


def row(key: str | None, version: Version, description: str, number: int) -> dict[str, Any]:
    cursor, extracted, *deleted = version
    return {
        "id": key,
        "test": cursor,
        CDC_DELETED_AT: deleted[0] if deleted else None,
        "description": description,
        EXTRACTED_AT: extracted,
        RAW_ID: raw_id(number).bytes,
    }


def load_matrix(connector: PostgresConnector, client: PostgresClient) -> None:
    target = [row(key, had, "target", n) for n, (key, (had, _, _)) in enumerate(MATRIX.items()) if had]
    source = [
        row(key, version, f"source {index}", 1000 + 10 * n + index)
        for n, (key, (_, coming, _)) in enumerate(MATRIX.items())
        for index, version in enumerate(coming)
    ]
    fill(connector, client, FINAL, COLUMNS, target)
    fill(connector, client, TEMP, COLUMNS, source)


def found(client: PostgresClient, table: str = "users") -> dict[str | None, list[str]]:
    rows: dict[str | None, list[str]] = {}
    query = f'SELECT id, description FROM "{table}" ORDER BY id, description'
    for key, description in as_a_person(client, query.encode()):
        rows.setdefault(key, []).append(description)
    return rows


def left(outcome: int | str | None) -> list[str]:
    if outcome is None:
        return []
    return [outcome if isinstance(outcome, str) else f"source {outcome}"]


def merge(client: PostgresClient, by: Any = RECIPE) -> None:
    with client.transaction():
        client.merge_table(TEMP, FINAL, by)


def test_the_survivor_of_each_key_is_the_latest_version_and_a_deletion_removes_it(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)

    merge(client)

    assert found(client) == {key: left(outcome) for key, (_, _, outcome) in MATRIX.items() if left(outcome)}


def test_with_soft_deletes_a_deletion_is_a_version_like_any_other(connect: Connect) -> None:
    connector = connect(cdc_deletion_mode="Soft delete")
    client = connector.client()
    load_matrix(connector, client)
    kept = {"3 deleted": 0, "5 inserted and deleted in one batch": 1, "16 the delete of an unknown key": 0}

    merge(client)

    expected = {key: left(kept.get(key, outcome)) for key, (_, _, outcome) in MATRIX.items()}
    assert found(client) == expected
    client.close()


def test_merging_the_same_rows_again_changes_nothing(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)
    merge(client)
    once = found(client)

    merge(client)

    assert found(client) == once


def test_merging_leaves_the_source_as_it_was(connector: PostgresConnector, client: PostgresClient) -> None:
    load_matrix(connector, client)
    with client.transaction():
        before = client.count_rows(TEMP)

    merge(client)

    with client.transaction():
        assert client.count_rows(TEMP) == before


def test_deduplicating_keeps_the_latest_version_of_each_key(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)

    with client.transaction():
        client.dedupe_table(TEMP, RECIPE)

    assert found(client, TEMP.name) == {
        key: ["source 0" if outcome in ("target", 0) else "source 1"]
        for key, (_, coming, outcome) in MATRIX.items()
        if coming and len(coming[-1]) == 2
    }


PAIR = (column("id", Kind.STRING), column("part", Kind.INTEGER), column("description", Kind.STRING))


def test_a_null_in_the_key_equals_a_null(connector: PostgresConnector, client: PostgresClient) -> None:
    keys: list[tuple[str | None, int | None]] = [("a", 1), ("a", None), (None, 1), (None, None)]
    old = [
        {"id": i, "part": p, "description": "old", RAW_ID: raw_id(n).bytes} for n, (i, p) in enumerate(keys)
    ]
    new = [{**each, "description": "new", RAW_ID: raw_id(90 + n).bytes} for n, each in enumerate(old)]
    fill(connector, client, FINAL, PAIR, old)
    fill(connector, client, TEMP, PAIR, new)

    merge(client, recipe(PAIR, ["id", "part"]))

    assert found(client) == {"a": ["new", "new"], None: ["new", "new"]}


def test_a_null_in_a_single_key_is_replaced_once(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, PAIR, [{"id": None, "part": 1, "description": "old"}])
    new = [{"id": None, "part": n, "description": f"new {n}", RAW_ID: raw_id(90 + n).bytes} for n in range(3)]
    fill(connector, client, TEMP, PAIR, new)

    merge(client, recipe(PAIR, ["id"]))

    assert found(client) == {None: ["new 2"]}


def test_a_null_cursor_is_older_than_any(connector: PostgresConnector, client: PostgresClient) -> None:
    versions = {"null to null": (None, None), "null to value": (None, 1), "value to null": (1, None)}
    old = [{"id": k, "test": v[0], "description": "old", EXTRACTED_AT: T1} for k, v in versions.items()]
    new = [
        {"id": k, "test": v[1], "description": "new", RAW_ID: raw_id(90 + n).bytes}
        for n, (k, v) in enumerate(versions.items())
    ]
    fill(connector, client, FINAL, COLUMNS, old)
    fill(connector, client, TEMP, COLUMNS, new)

    merge(client)

    assert found(client) == {"null to null": ["new"], "null to value": ["new"], "value to null": ["old"]}


def test_the_position_in_the_log_decides_after_the_cursor(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = (*COLUMNS, column("_ab_cdc_log_file", Kind.STRING), column("_ab_cdc_log_pos", Kind.INTEGER))
    positions = [("bin.9", 5), ("bin.10", 9), ("bin.9", 7)]
    rows = [
        {
            "id": "a",
            "test": 1,
            "description": f"{file}:{pos}",
            "_ab_cdc_log_file": file,
            "_ab_cdc_log_pos": pos,
        }
        for file, pos in positions
    ]
    fill(connector, client, FINAL, columns, [])
    fill(connector, client, TEMP, columns, rows)

    merge(client, recipe(columns, ["id"], "test"))

    assert found(client) == {"a": ["bin.9:7"]}


def test_text_cursors_are_compared_by_code_point(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = (column("id", Kind.STRING), column("at", Kind.STRING), column("description", Kind.STRING))
    fill(connector, client, FINAL, columns, [{"id": "a", "at": "a", "description": "old"}])
    fill(connector, client, TEMP, columns, [{"id": "a", "at": "B", "description": "new"}])

    merge(client, recipe(columns, ["id"], "at"))

    assert found(client) == {"a": ["old"]}


def test_rows_of_one_key_in_the_target_stay_together(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    twice = [row(key, (test, T1), f"target {test}", test) for key in "ab" for test in (1, 9)]
    fill(connector, client, FINAL, COLUMNS, twice)
    fill(connector, client, TEMP, COLUMNS, [row("a", (5, T2), "new", 90), row("b", (10, T2), "new", 91)])

    merge(client)

    assert found(client) == {"a": ["target 1", "target 9"], "b": ["new"]}


# Every name that a statement of ours uses for something else.
OURS = ("source", "target", "latest", "newer", "ranked", "row", "rank", "count", "attname", "Weird Name")


def test_a_users_column_may_have_any_name(connector: PostgresConnector, client: PostgresClient) -> None:
    for name in OURS:
        columns = (column(name, Kind.STRING), column("description", Kind.STRING), column("at", Kind.INTEGER))
        by = recipe(columns, [name], "at")
        fill(connector, client, FINAL, columns, [{name: "a", "description": "old", "at": 1}])
        fill(
            connector,
            client,
            TEMP,
            columns,
            [{name: "a", "description": d, "at": 2} for d in ("first", "new")],
        )

        with client.transaction():
            client.merge_table(TEMP, FINAL, by)
            client.dedupe_table(TEMP, by)

        for table in (FINAL, TEMP):
            rows = as_a_person(client, f'SELECT description FROM "{table.name}"'.encode()).fetchall()
            assert rows == [("new",)]
            with client.transaction():
                client.drop_table(table)


def test_a_key_that_is_the_cursor_too_is_compared_once(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, COLUMNS, [row("a", (1, T1), "old", 1)])
    fill(connector, client, TEMP, COLUMNS, [row("a", (1, T2), "new", 2)])

    merge(client, recipe(COLUMNS, ["id", "test"], "test"))

    assert found(client) == {"a": ["new"]}


def test_the_first_merge_makes_the_index_that_the_next_ones_use(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)

    merge(client)
    first = index_names(client, FINAL)
    merge(client)

    assert len(first) == 1
    assert index_names(client, FINAL) == first


def test_an_index_of_the_users_own_on_the_key_is_enough(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)
    as_a_person(client, "CREATE UNIQUE INDEX mine ON users (id)")

    merge(client)

    assert index_names(client, FINAL) == ["mine"]


def test_another_key_gets_another_index_under_the_same_name(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    load_matrix(connector, client)
    merge(client)
    first = index_names(client, FINAL)

    merge(client, recipe(COLUMNS, ["test"], None))

    definition = as_a_person(client, "SELECT indexdef FROM pg_indexes WHERE tablename = 'users'").fetchall()
    assert index_names(client, FINAL) == first
    assert [text.partition("btree ")[2] for (text,) in definition] == ["(test)"]
