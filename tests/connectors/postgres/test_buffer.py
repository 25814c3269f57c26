"""Arrow batches into a real server by binary COPY: every kind comes back as it went in, to the last digit."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.encoding import PART_BYTES, numeric_bytes, timetz
from dataflow.errors import InternalError
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Kind
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import FINAL, as_a_person, batch, column, fill, raw_id, texts

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
BOUND = Decimal("99999999999999999999999999999.999999999")

# What is given, and how Postgres writes what it got.
EXTREMES: dict[Kind, Sequence[tuple[Any, str]]] = {
    Kind.STRING: [
        ("", ""),
        (" ", " "),
        ("\\N", "\\N"),
        ("a\tb\nc\r\"'\\", "a\tb\nc\r\"'\\"),
        ("é🦆\u200b", "é🦆\u200b"),
        ("x" * 3_000_000, "x" * 3_000_000),
    ],
    Kind.BOOLEAN: [(True, "true"), (False, "false")],
    Kind.INTEGER: [(0, "0"), (2**63 - 1, "9223372036854775807"), (-(2**63), "-9223372036854775808")],
    Kind.NUMBER: [
        (Decimal(0), "0.000000000"),
        (Decimal("-0.000000001"), "-0.000000001"),
        (BOUND, str(BOUND)),
        (BOUND.copy_negate(), f"-{BOUND}"),
        (Decimal("10000.0001"), "10000.000100000"),
    ],
    Kind.DATE: [
        (date(1, 1, 1), "0001-01-01"),
        (date(9999, 12, 31), "9999-12-31"),
        (date(2000, 2, 29), "2000-02-29"),
    ],
    Kind.TIME_WITH_TIMEZONE: [
        ("00:00:00+00:00", "00:00:00+00"),
        ("23:59:59.999999-15:59", "23:59:59.999999-15:59"),
        ("12:34:56.5+15:59", "12:34:56.5+15:59"),
        ("01:02:03.000004-00:30", "01:02:03.000004-00:30"),
    ],
    Kind.TIME_WITHOUT_TIMEZONE: [(time(0), "00:00:00"), (time(23, 59, 59, 999999), "23:59:59.999999")],
    Kind.TIMESTAMP_WITH_TIMEZONE: [
        (FIRST, "0001-01-01 00:00:00+00"),
        (LAST, "9999-12-31 23:59:59.999999+00"),
        (datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "1999-12-31 23:59:59.999999+00"),
    ],
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: [
        (FIRST.replace(tzinfo=None), "0001-01-01 00:00:00"),
        (LAST.replace(tzinfo=None), "9999-12-31 23:59:59.999999"),
    ],
    Kind.JSON: [
        ('"foo"', '"foo"'),
        ("null", "null"),
        ('{"a": [1, 1.10, "é"], "b": {}}', '{"a": [1, 1.10, "é"], "b": {}}'),
        ("12345678901234567890123456789.0123456789", "12345678901234567890123456789.0123456789"),
    ],
}


@pytest.mark.parametrize("kind", Kind)
def test_extreme_values_of_every_kind_and_null_come_back_exactly(
    kind: Kind, connector: PostgresConnector, client: PostgresClient
) -> None:
    pairs = [*EXTREMES[kind], (None, None), EXTREMES[kind][0]]
    columns = [column("before", Kind.INTEGER), column("value", kind), column("after", Kind.STRING)]

    fill(connector, client, FINAL, columns, [{"before": 1, "value": each, "after": "z"} for each, _ in pairs])

    assert texts(client, FINAL, "value") == [text for _, text in pairs]
    assert set(texts(client, FINAL, "after")) == {"z"}


def test_the_metadata_columns_come_back_exactly(connector: PostgresConnector, client: PostgresClient) -> None:
    meta = '{"changes": [], "sync_id": 7}'
    given_ = {RAW_ID: raw_id(2**127).bytes, EXTRACTED_AT: LAST, META: meta, GENERATION_ID: 2**62}

    fill(connector, client, FINAL, [], [given_])

    found = as_a_person(client, f"SELECT *, {META}::text FROM users".encode()).fetchone()
    assert found == (raw_id(2**127), LAST, {"changes": [], "sync_id": 7}, 2**62, meta)


def test_batches_of_many_parts_keep_every_row_in_order(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = [column("id", Kind.INTEGER), column("text", Kind.STRING), column("at", Kind.TIME_WITH_TIMEZONE)]
    rows = 20_000
    whole = batch(
        columns, [{"id": n, "text": "é" * 40, "at": "10:00:00+01:00" if n % 3 else None} for n in range(rows)]
    )
    batches = [whole.slice(0, 7), whole.slice(7, 0), whole.slice(7, 15_001), whole.slice(15_008)]

    with client.transaction():
        client.create_table(FINAL, columns, ())
        taken = connector.insert_buffer(client).insert(FINAL, columns, batches)

    found = as_a_person(client, f'SELECT id, "at" IS NULL FROM users ORDER BY {RAW_ID}'.encode()).fetchall()
    assert whole.nbytes > 2 * PART_BYTES
    assert taken == rows
    assert found == [(n, n % 3 == 0) for n in range(rows)]


def test_nothing_to_insert_is_no_statement(connector: PostgresConnector, client: PostgresClient) -> None:
    with client.transaction():
        taken = connector.insert_buffer(client).insert(FINAL, [], [])

    assert taken == 0
    with client.transaction():
        assert not client.table_exists(FINAL)


def test_what_was_inserted_goes_with_its_transaction(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = [column("id", Kind.INTEGER)]
    fill(connector, client, FINAL, columns, [{"id": 1}])

    with suppress(KeyError), client.transaction():
        connector.insert_buffer(client).insert(FINAL, columns, [batch(columns, [{"id": 2}])])
        raise KeyError

    assert texts(client, FINAL, "id") == ["1"]


def test_a_batch_the_table_does_not_take_is_an_error_and_the_connection_goes_on(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, [column("id", Kind.DATE)], [])
    columns = [column("id", Kind.INTEGER)]

    with pytest.raises(psycopg.Error), client.transaction():
        connector.insert_buffer(client).insert(FINAL, columns, [batch(columns, [{"id": 2}])])

    with client.transaction():
        assert client.count_rows(FINAL) == 0


NUMBERS = [
    "0",
    "-0",
    "0.00",
    "1",
    "-1",
    "9999",
    "10000",
    "10001",
    "1.5",
    "0.0001",
    "0.00010",
    "100000000",
    "-123456789012345678901234567890123456789012345678901234567890.000000000000000000000000000001",
    "1E+30",
    "1.5e-7",
    "-12E3",
    "1e-16383",
    "9" * 131072,
]


def test_unconstrained_numbers_keep_every_digit(connect: Connect) -> None:
    connector = connect(unconstrained_number=True)
    client = connector.client()
    columns = [column("value", Kind.NUMBER)]
    rows = batch(columns, [{"value": each} for each in [*NUMBERS, None]], numbers=pa.string())

    with client.transaction():
        client.create_table(FINAL, columns, ())
        connector.insert_buffer(client).insert(FINAL, columns, [rows])

    expected = [format(abs(Decimal(each)) if not Decimal(each) else Decimal(each), "f") for each in NUMBERS]
    assert texts(client, FINAL, "value") == [*expected, None]
    client.close()


def test_unconstrained_numbers_may_be_decimals_in_one_batch_and_text_in_the_next(connect: Connect) -> None:
    connector = connect(unconstrained_number=True)
    client = connector.client()
    columns = [column("value", Kind.NUMBER)]
    long = "1" * 50
    rows = [
        batch(columns, [{"value": Decimal(1)}]),
        batch(columns, [{RAW_ID: raw_id(2).bytes, "value": long}], numbers=pa.string()),
        batch(columns, [{RAW_ID: raw_id(3).bytes, "value": Decimal(2)}]),
    ]

    with client.transaction():
        client.create_table(FINAL, columns, ())
        taken = connector.insert_buffer(client).insert(FINAL, columns, rows)

    assert taken == 3
    assert texts(client, FINAL, "value") == ["1.000000000", long, "2.000000000"]
    client.close()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7) | st.integers().map(Decimal))
def test_a_number_in_the_servers_form_is_groups_of_four_digits(number: Decimal) -> None:
    data = numeric_bytes(format(number, "f"))

    count, weight, sign, scale = (
        int.from_bytes(data[start : start + 2], "big", signed=start == 2) for start in range(0, 8, 2)
    )
    groups = [int.from_bytes(data[at : at + 2], "big") for at in range(8, len(data), 2)]
    value = sum((each * Fraction(10000) ** (weight - at) for at, each in enumerate(groups)), Fraction(0))
    assert len(groups) == count
    assert all(0 <= each <= 9999 for each in groups)
    assert (not groups) or (groups[0] and groups[-1])
    assert (-value if sign else value) == Fraction(number)
    assert scale == max(0, -int(number.as_tuple().exponent))


def test_digits_beyond_the_smallest_that_is_held_are_rounded() -> None:
    tiny = "0." + "0" * 16382 + "15"

    assert numeric_bytes(tiny) == numeric_bytes("0." + "0" * 16382 + "2")


@pytest.mark.parametrize("number", ["1" + "0" * 131072, "1e999999999", "NaN", "Infinity"])
def test_a_number_that_no_column_holds_is_refused_before_the_server_sees_it(number: str) -> None:
    with pytest.raises(InternalError, match="does not fit"):
        numeric_bytes(number)


def test_times_with_offset_become_the_servers_form_in_a_sliced_array_too() -> None:
    given_ = pa.array(["x", "00:00:01+00:00", None, "00:00:00.000001-01:00"]).slice(1)

    binary = timetz(given_)

    east, west = (1_000_000).to_bytes(8, "big") + bytes(4), (1).to_bytes(8, "big") + (3600).to_bytes(4, "big")
    assert binary.to_pylist() == [east, None, west]


def test_a_batch_of_one_meta_is_sent_without_it_only_where_the_table_gives_it(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    """Its rows say {}: what the table holds shows whether they were asked."""
    columns = [column("id", Kind.INTEGER)]
    metas = ['{"sync_id":1,"changes":[]}', '{"sync_id":2,"changes":[]}']
    batches = [
        batch(columns, [{RAW_ID: raw_id(n).bytes, "id": n}]).replace_schema_metadata(
            {"clean_meta": meta, "all_clean": "yes"}
        )
        for n, meta in enumerate(metas)
    ]
    with client.transaction():
        client.create_table(FINAL, columns, ())
        client.expect_meta(FINAL, metas[0])

    with client.transaction():
        connector.insert_buffer(client).insert(FINAL, columns, batches)

    assert texts(client, FINAL, META) == ['{"changes": [], "sync_id": 1}', "{}"]


def test_only_the_changed_rows_of_a_mixed_batch_bring_their_meta(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = [column("id", Kind.INTEGER)]
    clean, changed = '{"sync_id":1,"changes":[]}', '{"sync_id":1,"changes":[{"field":"id"}]}'
    metas = [clean, changed, clean, "{}"]
    rows = [{RAW_ID: raw_id(n).bytes, "id": n, META: meta} for n, meta in enumerate(metas)]
    mixed = batch(columns, rows).replace_schema_metadata({"clean_meta": clean})
    with client.transaction():
        client.create_table(FINAL, columns, ())
        client.expect_meta(FINAL, clean)

    with client.transaction():
        taken = connector.insert_buffer(client).insert(FINAL, columns, [mixed, mixed.slice(0, 0)])

    written = zip(texts(client, FINAL, "id"), texts(client, FINAL, META), strict=True)
    given = '{"changes": [], "sync_id": 1}'
    assert taken == 4
    assert dict(written) == {
        "0": given,
        "1": '{"changes": [{"field": "id"}], "sync_id": 1}',
        "2": given,
        "3": "{}",
    }


def test_what_a_table_gives_by_itself_is_not_worth_a_readers_wait(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = [column("id", Kind.INTEGER)]
    fill(connector, client, FINAL, columns, [{"id": 1}])
    reader = connector.client()

    with reader.transaction():
        reader.count_rows(FINAL)
        with client.transaction():
            client.expect_meta(FINAL, "{}")

    with client.transaction():
        given_by_itself = client.server.has_default(FINAL, META, "{}")
    reader.close()
    assert not given_by_itself
