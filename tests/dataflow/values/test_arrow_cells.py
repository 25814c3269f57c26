"""Columns of files that are Arrow already: as a table holds them, and what does not fit is nulled or cut and noted."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    TIME_WITHOUT_TIMEZONE,
    TIMESTAMP_WITH_TIMEZONE,
    TIMESTAMP_WITHOUT_TIMEZONE,
    AirbyteType,
    Array,
    Limits,
    Object,
)
from dataflow.values.arrow_cells import from_arrow
from dataflow.values.arrow_columns import outcomes_of
from dataflow.values.cells import BEYOND, CUT, UNREADABLE

LIMITS = Limits()
NOON = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("type_", "made", "cells"),
    [
        (INTEGER, pa.array([1, None], pa.int8()), [1, None]),
        (BOOLEAN, pa.array([True, None]), [True, None]),
        (NUMBER, pa.array([0.1, 1e-7, None]), [Decimal("0.1"), Decimal("1E-7"), None]),
        (NUMBER, pa.array([Decimal("1.10")]), [Decimal("1.1")]),
        (STRING, pa.array(["a", None], pa.large_string()), ["a", None]),
        (STRING, pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (STRING, pa.array(["a", "b"], pa.string_view()).dictionary_encode(), ["a", "b"]),
        (STRING, pa.array([b"a"], pa.binary(1)), ["a"]),
        (DATE, pa.array([NOON.date()], pa.date64()), [NOON.date()]),
        (TIMESTAMP_WITH_TIMEZONE, pa.array([NOON], pa.timestamp("s", tz="UTC")), [NOON]),
        (
            TIMESTAMP_WITHOUT_TIMEZONE,
            pa.array([NOON.replace(tzinfo=None)], pa.timestamp("ns")),
            [NOON.replace(tzinfo=None)],
        ),
        (TIME_WITHOUT_TIMEZONE, pa.array([dt.time(1, 2)], pa.time32("s")), [dt.time(1, 2)]),
        (Object(), pa.array([{"a": Decimal("1.5")}, None]), ['{"a":1.5}', None]),
        (Array(), pa.array([[1, 2], None]), ["[1,2]", None]),
        (
            Array(),
            pa.array([[1001]], pa.list_(pa.timestamp("ns", "UTC"))),
            ['["1970-01-01T00:00:00.000001Z"]'],
        ),
        (
            Object(),
            pa.array([{"t": 1001, "d": 1001}], pa.struct({"t": pa.time64("ns"), "d": pa.duration("ns")})),
            ['{"t":"00:00:00.000001","d":"PT0.000001S"}'],
        ),
        (STRING, pa.nulls(2), [None, None]),
        (Object(), pa.nulls(1), [None]),
    ],
)
def test_a_column_of_the_type_is_held_as_it_is(
    type_: AirbyteType, made: pa.Array, cells: list[object]
) -> None:
    held = from_arrow(type_, made, LIMITS)

    assert held.array.to_pylist() == cells
    assert held.changes == ()


@pytest.mark.parametrize(
    ("type_", "texts", "cells", "lost"),
    [
        (INTEGER, ["1", "x", None, "9" * 30], [1, None, None, None], {1: UNREADABLE, 3: BEYOND}),
        (NUMBER, ["1.5", "nan"], [Decimal("1.5"), None], {1: UNREADABLE}),
        (BOOLEAN, ["true", "FALSE", "maybe"], [True, False, None], {2: UNREADABLE}),
        (DATE, ["2024-02-29", "2023-02-29"], [NOON.date(), None], {1: UNREADABLE}),
        (STRING, ["a\0b"], ["ab"], {}),
        (Object(), ['{"a":1}', "plain"], ['{"a":1}', None], {1: UNREADABLE}),
    ],
)
def test_a_text_is_read_as_it_is_written_in_a_file_and_what_does_not_fit_is_nulled(
    type_: AirbyteType, texts: list[str | None], cells: list[object], lost: dict[int, object]
) -> None:
    held = from_arrow(type_, pa.array(texts), LIMITS)

    assert held.array.to_pylist() == cells
    assert outcomes_of(held) == lost


@pytest.mark.parametrize(
    ("type_", "made", "cells", "lost"),
    [
        (INTEGER, pa.array([2**64 - 1, 1], pa.uint64()), [None, 1], {0: BEYOND}),
        (NUMBER, pa.array([float("nan"), 1.0]), [None, Decimal(1)], {0: UNREADABLE}),
        (STRING, pa.array([b"\xff", b"a"], pa.binary()), [None, "a"], {0: UNREADABLE}),
        (TIMESTAMP_WITHOUT_TIMEZONE, pa.array([10**15], pa.timestamp("s")), [None], {0: BEYOND}),
        (INTEGER, pa.array([1.5]), [None], {0: UNREADABLE}),
    ],
)
def test_a_value_that_does_not_fit_is_nulled_and_the_others_stay(
    type_: AirbyteType, made: pa.Array, cells: list[object], lost: dict[int, object]
) -> None:
    held = from_arrow(type_, made, LIMITS)

    assert held.array.to_pylist() == cells
    assert outcomes_of(held) == lost


def test_nanoseconds_are_cut_towards_the_past_and_the_cut_is_noted() -> None:
    held = from_arrow(TIMESTAMP_WITHOUT_TIMEZONE, pa.array([-1, 1000, None], pa.timestamp("ns")), LIMITS)

    assert held.array.cast(pa.int64()).to_pylist() == [-1, 1, None]
    assert outcomes_of(held) == {0: CUT}
