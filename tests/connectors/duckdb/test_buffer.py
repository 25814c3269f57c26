"""Arrow into a table: every type to its edges, nothing lost, nothing left registered."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.connector import DuckDbConnector
from connectors.duckdb.sql import BATCHES
from dataflow.batch import NotedChanges, extracted_at, rows_of, with_raw_ids
from dataflow.raw_ids import RawIds
from dataflow.shape import Shape
from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    TIME_WITH_TIMEZONE,
    TIME_WITHOUT_TIMEZONE,
    TIMESTAMP_WITH_TIMEZONE,
    TIMESTAMP_WITHOUT_TIMEZONE,
    AirbyteType,
    Array,
    Change,
    ChangeKind,
    ChangeReason,
    Column,
    StreamName,
    TableName,
)
from tests.connectors.duckdb.stage import (
    FINAL,
    ID_TEST,
    JANUARY,
    batch,
    connector,
    contents,
    fill,
    numbers,
    query,
    raw_id,
    row,
)


def test_metadata_arrives_as_it_was_sent(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [row(1 << 127), row(1)])

    found = query(client, "SELECT * EXCLUDE (id, test) FROM users")
    assert found == [(raw_id(1 << 127), JANUARY, "{}", 1), (raw_id(1), JANUARY, "{}", 1)]


def test_metadata_arrives_when_rows_without_changes_are_inserted_beside_a_changed_one(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    fill(to, client, FINAL, ID_TEST, [])
    shape = Shape(
        name=StreamName(None, "users"), columns=ID_TEST, limits=to.columns.limits, generation_id=1, sync_id=7
    )
    ids = RawIds(to.runtime.clock, to.runtime.randomness)
    cells = [pa.array(["a"]), pa.array([None], pa.int64())]
    noted = NotedChanges(ours={0: [Change("test", ChangeKind.NULLED, ChangeReason.TYPECAST)]})
    clean, changed = (
        with_raw_ids(rows_of(shape, extracted_at(np.zeros(1)), cells, noted=each), shape, ids).rows
        for each in (NotedChanges(), noted)
    )

    with client.transaction():
        to.insert_buffer(client).insert(FINAL, ID_TEST, [clean, clean])
        to.insert_buffer(client).insert(FINAL, ID_TEST, [clean, changed])

    found = query(client, "SELECT _airbyte_meta, count(*) FROM users GROUP BY ALL ORDER BY count(*)")
    assert [count for _, count in found] == [1, 3]
    assert found[1][0] == '{"sync_id":7,"changes":[]}'


EDGES: tuple[tuple[AirbyteType, Any], ...] = (
    (STRING, ""),
    (STRING, "a\0b"),
    (STRING, "\U0001f600 é \\ ' \""),
    (STRING, "x" * 1_000_000),
    (BOOLEAN, True),
    (BOOLEAN, False),
    (INTEGER, 9223372036854775807),
    (INTEGER, -9223372036854775808),
    (NUMBER, Decimal("99999999999999999999999999999.999999999")),
    (NUMBER, Decimal("-99999999999999999999999999999.999999999")),
    (NUMBER, Decimal("1E-9")),
    (DATE, date(1, 1, 1)),
    (DATE, date(9999, 12, 31)),
    (TIME_WITHOUT_TIMEZONE, time(23, 59, 59, 999999)),
    (TIMESTAMP_WITH_TIMEZONE, datetime(1, 1, 1, tzinfo=UTC)),
    (TIMESTAMP_WITH_TIMEZONE, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    (TIMESTAMP_WITHOUT_TIMEZONE, datetime(1, 1, 1)),  # noqa: DTZ001 - it has no time zone, that is the matter
    (TIMESTAMP_WITHOUT_TIMEZONE, datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001 - as above
    (Array(), '{"b": 1, "a": [12345678901234567890123.10, "\\u0000", null]}'),
    (Array(), "null"),
    (Array(), '"just text"'),
)


@pytest.mark.parametrize(("kind", "value"), EDGES, ids=[f"{k.kind}-{str(v)[:30]!r}" for k, v in EDGES])
def test_a_value_at_the_edge_comes_back_as_it_went(
    to: DuckDbConnector, client: DuckDbClient, kind: AirbyteType, value: Any
) -> None:
    columns = (Column("c", "c", kind),)

    fill(to, client, FINAL, columns, [row(1, c=value), row(2)])

    assert contents(client, FINAL, "c") == [(value,), (None,)]


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("12:34:56.123456+02:00", "12:34:56.123456+02"),
        ("23:59:59.999999-15:59", "23:59:59.999999-15:59"),
        ("00:00:00+00:00", "00:00:00+00"),
    ],
)
def test_a_time_keeps_its_zone(to: DuckDbConnector, client: DuckDbClient, sent: str, found: str) -> None:
    fill(to, client, FINAL, (Column("c", "c", TIME_WITH_TIMEZONE),), [row(1, c=sent)])

    assert query(client, "SELECT CAST(c AS VARCHAR) FROM users") == [(found,)]


def test_text_with_nul_is_found_again_after_the_file_was_closed(tmp_path: Path, to: DuckDbConnector) -> None:
    client = to.client()
    texts = ["a", "a\0", "a\0b", "\0", "\0" * 20 + "z"]
    fill(to, client, FINAL, ID_TEST, [row(n, id=text) for n, text in enumerate(texts)])
    client.close()
    to.close()
    again = connector(tmp_path)
    client = again.client()

    assert contents(client, FINAL, "id", order="id") == sorted((text,) for text in texts)
    assert client.connection.cursor.execute(
        "SELECT count(*) FROM lake.users WHERE id = $1", ["a\0b"]
    ).fetchall() == [(1,)]
    client.close()
    again.close()


def test_batches_arrive_together(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [])

    with client.transaction():
        to.insert_buffer(client).insert(
            FINAL, ID_TEST, [batch(ID_TEST, [row(3), row(2)]), batch(ID_TEST, []), batch(ID_TEST, [row(1)])]
        )

    # In which order the table keeps them is DuckDB's own affair.
    assert sorted(query(client, "SELECT _airbyte_raw_id FROM users")) == [(raw_id(n),) for n in (1, 2, 3)]


def test_no_batches_are_no_rows(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [])

    with client.transaction():
        to.insert_buffer(client).insert(FINAL, ID_TEST, [])

    assert numbers(client, FINAL) == []


def test_the_order_of_the_tables_columns_does_not_matter(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, tuple(reversed(ID_TEST)), [])

    with client.transaction():
        to.insert_buffer(client).insert(FINAL, ID_TEST, [batch(ID_TEST, [row(1, id="a", test=1)])])

    assert contents(client, FINAL, "id", "test") == [("a", 1)]


def test_nothing_stays_registered(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [row(1)])

    assert query(client, f"SELECT 1 FROM duckdb_views() WHERE view_name = '{BATCHES}'") == []


def test_nothing_stays_registered_after_an_error(to: DuckDbConnector, client: DuckDbClient) -> None:
    with pytest.raises(duckdb.CatalogException), client.transaction():
        to.insert_buffer(client).insert(TableName("main", "nowhere"), ID_TEST, [batch(ID_TEST, [row(1)])])
    fill(to, client, FINAL, ID_TEST, [row(2)])

    assert numbers(client, FINAL) == [2]
    assert query(client, f"SELECT 1 FROM duckdb_views() WHERE view_name = '{BATCHES}'") == []


def test_a_users_table_of_our_views_name_is_not_touched(to: DuckDbConnector, client: DuckDbClient) -> None:
    theirs = TableName("main", BATCHES)
    fill(to, client, theirs, ID_TEST, [row(1, id="theirs")])

    fill(to, client, FINAL, ID_TEST, [row(2, id="ours")])

    assert contents(client, FINAL, "id") == [("ours",)]
    assert contents(client, theirs, "id") == [("theirs",)]
