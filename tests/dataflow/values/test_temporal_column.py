"""Columns of dates and times hold what each text means, whichever way the column was read."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.types import Limits
from dataflow.values import arrow_columns, temporal, temporal_column
from dataflow.values.arrow_columns import Coerced
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome
from dataflow.values.temporal_column import (
    date_column,
    time_column,
    time_with_timezone_column,
    timestamp_column,
)

LIMITS = Limits()
ZONED = pa.timestamp("us", tz="UTC")
LOCAL = pa.timestamp("us")
DATES = st.from_regex(
    r"(000[01]|1900|2020|2021|9999|20)[-/]?(0?[1-9]|1[0-3]|Feb)[-/]?(0[1-9]|2[89]|3[0-2])", fullmatch=True
)
TIMES = st.from_regex(r"(0[0-9]|2[0-5])(:[0-6][0-9](:([0-5][0-9]|60)(\.[0-9]{0,10})?)?)?", fullmatch=True)
ZONES = st.from_regex(r"(|Z| ?[+-](0[0-9]|1[0-9]|2[0-4])(:?[0-6][0-9])?| UTC|GMT[+]8| BC)", fullmatch=True)
MOMENTS = st.builds("{}{}{}{}".format, DATES, st.sampled_from(["T", " ", ""]), TIMES, ZONES) | DATES
CLEAN = st.datetimes().map(datetime.isoformat) | st.datetimes().map(lambda value: f"{value.isoformat()}Z")
OTHER = st.text(max_size=5) | st.sampled_from(["infinity", "", "2021-01-01T00", "now"])

# The number of cells up to which each is read by itself.
FEW = st.sampled_from([0, arrow_columns.FEW])


def oracle(
    texts: list[str | None], read: Callable[[str], Any], *, cuts: bool = True
) -> tuple[list[Any], list[Any]]:
    """What reading text by text gives: values, and changes by row."""
    values: list[Any] = []
    changes: list[Any] = []
    for row, text in enumerate(texts):
        value, outcome = None, None
        try:
            value = None if text is None else read(text)
            outcome = CUT if cuts and text and temporal.loses_digits(text) else None
        except temporal.Unreadable:
            outcome = UNREADABLE
        except temporal.OutOfRange:
            outcome = BEYOND
        values.append(value)
        changes += [(row, *outcome)] if outcome else []
    return values, changes


@given(st.lists(CLEAN | MOMENTS | OTHER | st.none(), max_size=6), st.booleans(), FEW)
@example(["2021-01-02T03:04:05", "2021-01-02"], True, 0)
@example(["2021-01-02T03:04:05.1234567", "2021-01-02T03:04:05Z"], False, 0)
@example(["0000-01-01T00:00:00Z"], True, 0)
def test_timestamps_are_read_as_text_by_text(texts: list[str | None], zoned: bool, few: int) -> None:
    values, changes = oracle(texts, lambda text: temporal.timestamp_micros(text, zoned=zoned))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporal_column, "FEW", few)
        made = timestamp_column(pa.array(texts, pa.string()), LIMITS, zoned=zoned)

    assert made.array.type == (ZONED if zoned else LOCAL)
    assert made.array.cast(pa.int64()).to_pylist() == values
    assert list(made.changes) == changes


@given(st.lists(st.dates().map(str) | DATES | MOMENTS | OTHER | st.none(), max_size=6))
@example(["0000-01-01", "0000-02-29", "2020-02-29", "2021-02-29"])
def test_dates_are_read_as_text_by_text(texts: list[str | None]) -> None:
    values, changes = oracle(texts, temporal.date_days, cuts=False)

    made = date_column(pa.array(texts, pa.string()), LIMITS)

    assert made.array.cast(pa.int32()).to_pylist() == values
    assert list(made.changes) == changes


@given(
    st.lists(
        st.builds("{}{}".format, TIMES | st.times().map(time.isoformat), ZONES) | OTHER | st.none(),
        max_size=6,
    )
)
@example(
    ["12:34:56-00:00", "12:34:56.000000", "12:34", "12:34:56.5+15:59", "12:34+16:00", "12:34+0100", "12:34.5"]
)
def test_times_are_read_as_text_by_text(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.string())

    for made, read in (
        (time_column(array), temporal.time_micros),
        (time_with_timezone_column(array), temporal.time_with_timezone),
    ):
        values, changes = oracle(texts, read)
        held = made.array.cast(pa.int64()) if made.array.type == pa.time64("us") else made.array
        assert held.to_pylist() == values
        assert list(made.changes) == changes


@pytest.mark.parametrize("company", [(), ("2021-01-01T00:00:00",), ("no date",)])
@pytest.mark.parametrize(
    ("text", "value", "outcome"),
    [
        ("2025-01-23T12:34:56.789", "2025-01-23 12:34:56.789000", None),
        ("1970-01-01T00:00:00", "1970-01-01 00:00:00", None),
        ("0001-01-01T00:00:00", "0001-01-01 00:00:00", None),
        ("9999-12-31T23:59:59.999999999", "9999-12-31 23:59:59.999999", CUT),
        ("2025-01-23T01:01:00.123456789", "2025-01-23 01:01:00.123456", CUT),
        ("2025-01-23T01:01:00.123456000", "2025-01-23 01:01:00.123456", None),
        ("10000-01-01T00:00", None, BEYOND),
        ("0000-12-31T00:00", None, BEYOND),
        ("0044-03-15 00:00:00 BC", None, BEYOND),
        ("infinity", None, UNREADABLE),
        ("2025-01-23T24:00:00", None, UNREADABLE),
    ],
)
@pytest.mark.parametrize("zoned", [True, False])
def test_timestamps_are_kept_to_the_microsecond(
    text: str, value: str | None, outcome: Outcome | None, company: tuple[str, ...], zoned: bool
) -> None:
    made = timestamp_column(pa.array([*company, text]), LIMITS, zoned=zoned)

    held = made.array.cast(pa.int64()).cast(LOCAL)[len(company)].as_py()
    assert (held and str(held)) == value
    assert [tuple(done) for row, *done in made.changes if row == len(company)] == (
        [outcome] if outcome else []
    )


@pytest.mark.parametrize(
    ("text", "micros"), [("00:00", 0), ("12:00", 43_200_000_000), ("23:59:59.999999", 86_399_999_999)]
)
def test_times_of_day_are_kept(text: str, micros: int) -> None:
    made = time_column(pa.array([text]))

    assert made == Coerced(pa.array([micros], pa.time64("us")))


@pytest.mark.parametrize("dirty", [[], ["x"]])
def test_the_years_of_the_limits_are_the_first_and_the_last_that_fit(dirty: list[str]) -> None:
    limits = Limits(years=(1900, 2299))
    texts = [*dirty, "1899-12-31", "1900-01-01", "2299-12-31", "2300-01-01"]

    days = date_column(pa.array(texts), limits)
    micros = timestamp_column(pa.array([f"{text}T00:00:00Z" for text in texts]), limits, zoned=True)

    outside = {len(dirty), len(dirty) + 3}
    assert [value for value in days.array.to_pylist() if value] == [date(1900, 1, 1), date(2299, 12, 31)]
    assert {row for row, *done in days.changes if tuple(done) == BEYOND} == outside
    assert {row for row, *done in micros.changes if tuple(done) == BEYOND} == outside


def test_a_cut_timestamp_out_of_range_is_nulled_and_named_once() -> None:
    made = timestamp_column(
        pa.array(["2300-01-01T00:00:00.1234567Z"]), Limits(years=(1900, 2299)), zoned=True
    )

    assert made == Coerced(pa.array([None], ZONED), ((0, *BEYOND),))


@pytest.mark.parametrize(
    "make", [date_column, lambda texts, limits: timestamp_column(texts, limits, zoned=True)]
)
def test_a_column_of_nulls_is_all_null(make: Callable[[pa.Array, Limits], Coerced]) -> None:
    made = make(pa.array([None, None], pa.string()), LIMITS)

    assert made.array.null_count == 2
    assert made.changes == ()
