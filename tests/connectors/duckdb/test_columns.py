"""Types and conversions, each tried on DuckDB itself: what is created is what is found, and no value is bent."""

from typing import Any

import duckdb
import pytest

from connectors.duckdb.columns import DUCKDB, DuckDbColumns, conversion
from connectors.sql.text import Name, Param, sql
from dataflow.types import Kind

TEXT, JSON, WHOLE, NUMBER, TRUTH = "VARCHAR", "JSON", "BIGINT", "DECIMAL(38,9)", "BOOLEAN"
DAY, MOMENT, LOCAL = "DATE", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP"


def converted(value: str | None, original: str, new: str) -> Any:
    """The text of a value of one type as another; None for null."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t (c {original})")
        connection.execute("INSERT INTO t VALUES ($value)", {"value": value})
        expression = DUCKDB.render(conversion(Name("c"), original, new))
        connection.execute(f"ALTER TABLE t ALTER COLUMN c SET DATA TYPE {new} USING {expression}")
        found = connection.execute("SELECT CAST(c AS VARCHAR) FROM t").fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_type_is_discovered_as_it_is_spelled(kind: Kind) -> None:
    spelled = DuckDbColumns().column_type(kind)

    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t (c {spelled})")
        found = connection.execute(
            "SELECT data_type, is_nullable FROM duckdb_columns() WHERE table_name = 't'"
        )

        assert found.fetchall() == [(spelled.type, True)]


@pytest.mark.parametrize("spelled", DUCKDB.metadata_types.values(), ids=list(DUCKDB.metadata_types))
def test_a_metadata_type_is_discovered_as_it_is_spelled(spelled: Any) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t (c {spelled})")
        found = connection.execute(
            "SELECT data_type, is_nullable FROM duckdb_columns() WHERE table_name = 't'"
        )

        assert found.fetchall() == [(spelled.type, False)]


@pytest.mark.parametrize("original", [DuckDbColumns().column_type(kind).type for kind in Kind])
@pytest.mark.parametrize("new", [DuckDbColumns().column_type(kind).type for kind in Kind])
def test_null_stays_null_between_any_two_types(original: str, new: str) -> None:
    assert converted(None, original, new) is None


@pytest.mark.parametrize("text", ['"foo"', '{"foo": "bar"}', "true", "0", "foo", "", "null", "a\0b", "é"])
def test_text_survives_the_way_to_json_and_back(text: str) -> None:
    with duckdb.connect() as connection:
        there = conversion(Param("text"), TEXT, JSON)
        back = DUCKDB.render(conversion(sql("({})", there), JSON, TEXT))

        assert connection.execute(f"SELECT {back}", {"text": text}).fetchall() == [(text,)]


@pytest.mark.parametrize(
    ("value", "new", "expected"),
    [
        ("42", WHOLE, "42"),
        ("42.0", WHOLE, "42"),
        ("42.5", WHOLE, None),
        ("9223372036854775807", WHOLE, "9223372036854775807"),
        ("9223372036854775808", WHOLE, None),
        ("forty-two", WHOLE, None),
        ("", WHOLE, None),
        ("1e3", NUMBER, "1000.000000000"),
        ("NaN", NUMBER, None),
        ("123456789012345678901234567890", NUMBER, None),
        ("true", TRUTH, "true"),
        ("maybe", TRUTH, None),
        ("2024-01-02", DAY, "2024-01-02"),
        ("2024-01-02T03:04:05+02:00", MOMENT, "2024-01-02 01:04:05+00"),
        ("2024-01-02T03:04:05+02:00", LOCAL, "2024-01-02 03:04:05"),
        ("infinity", DAY, None),
        ("-infinity", MOMENT, None),
        ("10000-01-01", DAY, None),
        ("0044-03-15 (BC)", DAY, None),
        ("soon", MOMENT, None),
    ],
)
def test_text_becomes_what_it_says_or_null(value: str, new: str, expected: str | None) -> None:
    assert converted(value, TEXT, new) == expected


@pytest.mark.parametrize(
    ("value", "new", "expected"),
    [
        ('"foo"', TEXT, "foo"),
        ('{"foo": "bar"}', TEXT, '{"foo": "bar"}'),
        ("true", TEXT, "true"),
        ("0", TEXT, "0"),
        ("null", TEXT, None),
        ("12345678901234567890.123456789", TEXT, "12345678901234567890.123456789"),
        ("12345678901234567890.123456789", NUMBER, "12345678901234567890.123456789"),
        ('"42"', WHOLE, "42"),
        ("42.5", WHOLE, None),
        ("true", TRUTH, "true"),
        ("[1]", WHOLE, None),
        ('"2024-01-02"', DAY, "2024-01-02"),
    ],
)
def test_json_becomes_what_its_root_says_or_null(value: str, new: str, expected: str | None) -> None:
    assert converted(value, JSON, new) == expected


@pytest.mark.parametrize(
    ("value", "original", "new", "expected"),
    [
        ("42", WHOLE, TEXT, "42"),
        ("42", WHOLE, JSON, "42"),
        ("42", WHOLE, NUMBER, "42.000000000"),
        ("1", WHOLE, TRUTH, "true"),
        ("42", WHOLE, TRUTH, None),
        ("42.500000000", NUMBER, TEXT, "42.5"),
        ("100", NUMBER, TEXT, "100"),
        ("-0.000000001", NUMBER, TEXT, "-0.000000001"),
        ("100", "DECIMAL(10,0)", TEXT, "100"),
        ("12345678901234567890.123456789", NUMBER, JSON, "12345678901234567890.123456789"),
        ("42.5", NUMBER, WHOLE, None),
        ("42", NUMBER, WHOLE, "42"),
        ("true", TRUTH, JSON, "true"),
        ("true", TRUTH, DAY, None),
        ("2024-01-02 23:00:00-02", MOMENT, DAY, "2024-01-03"),
        ("2024-01-02 23:00:00", LOCAL, DAY, "2024-01-02"),
        ("2024-01-02", DAY, MOMENT, "2024-01-02 00:00:00+00"),
        ("2024-01-02 23:00:00", LOCAL, JSON, '"2024-01-02 23:00:00"'),
    ],
)
def test_a_value_is_kept_or_null_but_not_changed(
    value: str, original: str, new: str, expected: str | None
) -> None:
    assert converted(value, original, new) == expected


@pytest.mark.parametrize("name", ["rowid", "RowId", "information_schema", "pg_catalog"])
def test_names_that_duckdb_keeps_for_itself_are_not_given(name: str) -> None:
    assert DuckDbColumns.naming.reserves(name)
