"""A table that changes its columns: upstream's evolution suite, and what DuckDB makes of one transaction."""

import json
from collections.abc import Mapping
from contextlib import suppress

import duckdb
import pytest

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.columns import typed
from connectors.duckdb.connector import DuckDbConnector
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, TableSchema, diff
from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    META,
    METADATA_COLUMNS,
    NUMBER,
    REQUIRED_COLUMNS,
    STRING,
    TIME_WITH_TIMEZONE,
    TIME_WITHOUT_TIMEZONE,
    TIMESTAMP_WITH_TIMEZONE,
    TIMESTAMP_WITHOUT_TIMEZONE,
    AirbyteType,
    Array,
    Column,
    Object,
    Unknown,
)
from tests.connectors.duckdb.stage import (
    FINAL,
    ID_TEST,
    TEMP,
    batch,
    contents,
    fill,
    numbers,
    query,
    recipe,
    row,
)

INT = (Column("test", "test", INTEGER),)
UNKNOWN = Unknown('{"type": "potato"}')
ALL_TYPES = tuple(
    Column(name, name, kind)
    for name, kind in {
        "string": STRING,
        "boolean": BOOLEAN,
        "integer": INTEGER,
        "number": NUMBER,
        "date": DATE,
        "timestamp_tz": TIMESTAMP_WITH_TIMEZONE,
        "timestamp_ntz": TIMESTAMP_WITHOUT_TIMEZONE,
        "time_tz": TIME_WITH_TIMEZONE,
        "time_ntz": TIME_WITHOUT_TIMEZONE,
        "array": Array(STRING),
        "object": Object(()),
        "unknown": UNKNOWN,
    }.items()
)


def discovered(client: DuckDbClient) -> TableSchema:
    with client.transaction():
        return client.discover_schema(FINAL)


def evolve(client: DuckDbClient, columns: tuple[Column, ...]) -> ColumnChangeset:
    changeset = diff(discovered(client), TableSchema(typed(columns)))
    with client.transaction():
        client.apply_changeset(FINAL, changeset)
    return changeset


def test_all_types_are_recognised(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ALL_TYPES, [])

    assert discovered(client) == TableSchema(typed(ALL_TYPES))


def test_columns_are_discovered_in_their_order(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ALL_TYPES, [])

    assert list(discovered(client).columns) == [column.name for column in ALL_TYPES]


def test_a_table_as_expected_needs_no_change(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, INT, [])

    assert diff(discovered(client), TableSchema(typed(INT))).is_noop


@pytest.mark.parametrize(
    ("before", "after"), [(INT, ID_TEST), (ID_TEST, INT), (INT, (Column("test", "test", STRING),))]
)
def test_after_a_changeset_nothing_is_left_to_change(
    to: DuckDbConnector, client: DuckDbClient, before: tuple[Column, ...], after: tuple[Column, ...]
) -> None:
    fill(to, client, FINAL, before, [row(1, test=42)])

    changeset = evolve(client, after)

    assert not changeset.is_noop
    assert diff(discovered(client), TableSchema(typed(after))).is_noop


def test_rows_and_metadata_are_kept_while_columns_come_go_and_change(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    kinds = {
        "id": INTEGER,
        "updated_at": INTEGER,
        "to_retain": STRING,
        "to_change": INTEGER,
        "to_drop": STRING,
    }
    before = tuple(Column(name, name, kind) for name, kind in kinds.items())
    changed = {**{k: v for k, v in kinds.items() if k != "to_drop"}, "to_change": STRING, "to_add": STRING}
    after = tuple(Column(name, name, kind) for name, kind in changed.items())
    values = {"id": 1234, "updated_at": 5678, "to_retain": "kept", "to_change": 42, "to_drop": "dropped"}
    fill(to, client, FINAL, before, [row(7, **values)])
    metadata = contents(client, FINAL, *METADATA_COLUMNS)

    evolve(client, after)

    assert contents(client, FINAL, *changed) == [(1234, 5678, "kept", "42", None)]
    assert contents(client, FINAL, *METADATA_COLUMNS) == metadata
    assert diff(discovered(client), TableSchema(typed(after))).is_noop


def test_text_that_becomes_unknown_reads_as_the_same_text(to: DuckDbConnector, client: DuckDbClient) -> None:
    texts = ['"foo"', '{"foo": "bar"}', "true", "0", "foo"]
    fill(
        to,
        client,
        FINAL,
        (Column("test", "test", STRING),),
        [row(n, test=text) for n, text in enumerate(texts)],
    )

    evolve(client, (Column("test", "test", UNKNOWN),))

    assert query(client, "SELECT test ->> '$' FROM users ORDER BY 1") == [(text,) for text in sorted(texts)]


def test_unknown_that_becomes_text_loses_only_its_quotes(to: DuckDbConnector, client: DuckDbClient) -> None:
    texts = ['"foo"', '{"foo":"bar"}', "true", "0"]
    fill(
        to,
        client,
        FINAL,
        (Column("test", "test", UNKNOWN),),
        [row(n, test=text) for n, text in enumerate(texts)],
    )

    evolve(client, (Column("test", "test", STRING),))

    assert contents(client, FINAL, "test") == [("foo",), ('{"foo":"bar"}',), ("true",), ("0",)]


def test_a_value_that_the_new_type_cannot_hold_becomes_null(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    text = (Column("test", "test", STRING),)
    fill(to, client, FINAL, text, [row(1, test="42"), row(2, test="forty-two"), row(3, test="42.5")])

    evolve(client, INT)

    assert contents(client, FINAL, "test") == [(42,), (None,), (None,)]


def test_a_name_that_changes_its_case_keeps_its_values(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, INT, [row(1, test=42)])

    evolve(client, (Column("TEST", "TEST", STRING),))

    assert contents(client, FINAL, "TEST") == [("42",)]
    assert list(discovered(client).columns) == ["TEST"]


def test_a_column_that_a_user_made_required_is_freed(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, INT, [row(1, test=42)])
    query(client, "ALTER TABLE users ALTER COLUMN test SET NOT NULL")

    evolve(client, INT)

    assert diff(discovered(client), TableSchema(typed(INT))).is_noop


def test_funny_names_evolve(to: DuckDbConnector, client: DuckDbClient) -> None:
    funny = "-test- -`~!@#$%^&*()-=_+[]\\{}|;':\",./<>?"
    fill(to, client, FINAL, (Column(funny, funny, INTEGER),), [row(1, **{funny: 42})])

    evolve(client, (Column(funny, funny, STRING), Column(f"{funny} too", funny, NUMBER)))

    assert [found[4:] for found in contents(client, FINAL)] == [("42", None)]


@pytest.mark.parametrize("missing", REQUIRED_COLUMNS)
def test_a_table_without_our_metadata_is_not_ours(
    to: DuckDbConnector, client: DuckDbClient, missing: str
) -> None:
    fill(to, client, FINAL, INT, [])
    query(client, f"ALTER TABLE users DROP COLUMN {missing}")

    with pytest.raises(ConfigError, match="does not contain Airbyte's internal columns"):
        discovered(client)


def test_a_changeset_is_undone_with_its_transaction(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, INT, [row(1, test=42)])
    changeset = diff(discovered(client), TableSchema(typed(ID_TEST[:1])))

    with suppress(RuntimeError), client.transaction():
        client.apply_changeset(FINAL, changeset)
        raise RuntimeError

    assert contents(client, FINAL, "test") == [(42,)]


def test_one_transaction_may_fill_evolve_merge_and_swap(to: DuckDbConnector, client: DuckDbClient) -> None:
    before = (Column("id", "id", INTEGER), Column("old", "old", STRING))
    fill(to, client, FINAL, before, [row(n, id=n, old="x") for n in range(200_000)])
    fill(to, client, TEMP, ID_TEST, [row(1_000_000 + n, id=str(n), test=n) for n in range(150_000)])

    with client.transaction():
        to.insert_buffer(client).insert(TEMP, ID_TEST, [batch(ID_TEST, [row(2_000_000, id="0", test=-1)])])
        client.trim_table(TEMP, "00000000-0000-0000-0000-0000000f4240")
        to.insert_buffer(client).insert(TEMP, ID_TEST, [batch(ID_TEST, [row(3_000_000, id="0", test=-2)])])
        client.apply_changeset(FINAL, diff(client.discover_schema(FINAL), TableSchema(typed(ID_TEST))))
        client.merge_table(TEMP, FINAL, recipe(ID_TEST))
        client.dedupe_table(TEMP, recipe(ID_TEST))
        client.overwrite_table(TEMP, FINAL)
        client.apply_changeset(FINAL, diff(TableSchema(typed(ID_TEST)), TableSchema(typed(INT))))

    assert numbers(client, FINAL) == [3_000_000]
    assert contents(client, FINAL, "test", META) == [(-2, "{}")]


def wide(changed: Mapping[str, AirbyteType], others: str) -> tuple[Column, ...]:
    """These columns among 200 others, whose names begin alike."""
    named = {**changed, **{f"{others}{number}": STRING for number in range(200)}}
    return tuple(Column(name, name, kind) for name, kind in named.items())


def test_a_table_whose_columns_come_and_go_by_hundreds_keeps_its_rows_and_is_written_once(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    before = wide(
        {"id": INTEGER, "kept": STRING, "wider": INTEGER, "narrower": STRING, "Renamed": STRING}, "old"
    )
    after = wide(
        {"id": INTEGER, "kept": STRING, "wider": STRING, "narrower": INTEGER, "renamed": INTEGER}, "new"
    )
    values = {"id": 1, "kept": "yes", "wider": 7, "narrower": "seven", "Renamed": "8", "old3": "gone"}
    fill(to, client, FINAL, before, [row(7, **values)])
    metadata = [name for name in METADATA_COLUMNS if name != META]
    kept = contents(client, FINAL, *metadata)

    evolve(client, after)

    assert contents(client, FINAL, "id", "kept", "wider", "narrower", "renamed", "new0") == [
        (1, "yes", "7", None, 8, None)
    ]
    assert contents(client, FINAL, *metadata) == kept
    assert [note["field"] for note in json.loads(contents(client, FINAL, META)[0][0])["changes"]] == [
        "narrower"
    ]
    assert diff(discovered(client), TableSchema(typed(after))).is_noop
    with pytest.raises(duckdb.ConstraintException):
        query(client, "UPDATE users SET _airbyte_meta = NULL")
