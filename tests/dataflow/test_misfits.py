"""Which values a key's column does not hold as they were sent: the same on both roads, and never named."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dataflow.keys import Role, Unfit
from dataflow.misfits import Misfit, misfit
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
    Kind,
    Limits,
    Object,
    Scalar,
    Unknown,
)
from dataflow.values.cells import loosen
from dataflow.values.coercion import column
from tests.dataflow.input.test_roads import (
    DIGITS,
    EXAMPLES,
    LIMITS,
    MOMENT,
    NEAR,
    USERS,
    exactly,
    packed,
    record,
)
from tests.dataflow.input.test_roads import shape as plain_shape
from tests.dataflow.values.test_coercion import ANY_TOKEN, TYPES

SMALL = Limits(string_bytes=3, json_bytes=8)
NUL_HELD = Limits(nul=True)
ANY_NUMBER = Limits(number=None)
ODD_FIELD = '"half \\ud800": 1, '


HELD = [
    (INTEGER, "5", Limits()),
    (INTEGER, "5.0", Limits()),
    (INTEGER, "5e2", Limits()),
    (INTEGER, '"5"', Limits()),
    (INTEGER, "-9223372036854775808", Limits()),
    (INTEGER, "null", Limits()),
    (NUMBER, "1.123456789", Limits()),
    (NUMBER, "1.12345678900", Limits()),
    (NUMBER, '"1.50"', Limits()),
    (NUMBER, "1e-12", ANY_NUMBER),
    (BOOLEAN, "true", Limits()),
    (STRING, '"a"', Limits()),
    (STRING, "5", Limits()),
    (STRING, '"a\\u0000"', NUL_HELD),
    (STRING, '"\\ud83d\\ude00"', Limits()),
    (DATE, '"2024-01-01"', Limits()),
    (DATE, '"2024-01-01T00:00:00Z"', Limits()),
    (TIMESTAMP_WITH_TIMEZONE, '"2024-01-01T00:00:00.123456000+02:00"', Limits()),
    (TIMESTAMP_WITHOUT_TIMEZONE, '"2024-01-01T00:00:00Z"', Limits()),
    (TIMESTAMP_WITHOUT_TIMEZONE, '"2024-01-01"', Limits()),
    (TIME_WITHOUT_TIMEZONE, '"10:00"', Limits()),
    (TIME_WITHOUT_TIMEZONE, '"10:00:00+00:00"', Limits()),
    (TIME_WITH_TIMEZONE, '"10:00:00.5+02:00"', Limits()),
    (Unknown("{}"), '"anything"', Limits()),
    (Object(), '{"a": 1}', Limits()),
]


NOT_HELD = [
    (INTEGER, "9223372036854775808", Limits(), Misfit.WIDE),
    (INTEGER, "-18446744073709551611", Limits(), Misfit.WIDE),
    (INTEGER, "1e30", Limits(), Misfit.WIDE),
    (INTEGER, '"18446744073709551611"', Limits(), Misfit.WIDE),
    (INTEGER, "1.5", Limits(), Misfit.FRACTION),
    (INTEGER, '"cf_1"', Limits(), Misfit.NO_NUMBER),
    (INTEGER, '"007"', Limits(), Misfit.NO_NUMBER),
    (INTEGER, '"+7"', Limits(), Misfit.NO_NUMBER),
    (INTEGER, "true", Limits(), Misfit.BOOLEAN),
    (INTEGER, "[1]", Limits(), Misfit.STRUCTURE),
    (NUMBER, "1e-12", Limits(), Misfit.DIGITS),
    (NUMBER, "1.1234567891", Limits(), Misfit.DIGITS),
    (NUMBER, "1e29", Limits(), Misfit.LARGE),
    (NUMBER, '"007"', Limits(), Misfit.NO_NUMBER),
    (NUMBER, '"7e0"', Limits(), Misfit.NO_NUMBER),
    (NUMBER, '"7"', Limits(), None),
    (NUMBER, "1e131072", ANY_NUMBER, Misfit.LARGE),
    (NUMBER, '"007"', ANY_NUMBER, Misfit.NO_NUMBER),
    (NUMBER, '"cf"', ANY_NUMBER, Misfit.NO_NUMBER),
    (BOOLEAN, '"true"', Limits(), Misfit.TEXT),
    (BOOLEAN, "1", Limits(), Misfit.NUMBER),
    (STRING, '"a\\u0000"', Limits(), Misfit.NUL),
    (STRING, '"a\\ud800"', Limits(), Misfit.BROKEN),
    (STRING, '"long"', SMALL, Misfit.LONG),
    (DATE, '"2024-01-01T10:00:00Z"', Limits(), Misfit.CLOCK),
    (DATE, '"2024-01-01T00:00:00+01:00"', Limits(), Misfit.CLOCK),
    (DATE, '"2024-01-01T00:00:00.0000001Z"', Limits(), Misfit.CLOCK),
    (DATE, '"10000-01-01"', Limits(), Misfit.YEAR),
    (DATE, '"yesterday"', Limits(), Misfit.NO_DATE),
    (DATE, "20240101", Limits(), Misfit.NUMBER),
    (TIMESTAMP_WITH_TIMEZONE, '"2024-01-01T00:00:00.100000001Z"', Limits(), Misfit.FINER),
    (TIMESTAMP_WITH_TIMEZONE, '"2016-12-31T23:59:60Z"', Limits(), Misfit.LEAP),
    (TIMESTAMP_WITH_TIMEZONE, '"0001-01-01T00:00:00+02:00"', Limits(), Misfit.YEAR),
    (TIMESTAMP_WITH_TIMEZONE, '"soon"', Limits(), Misfit.NO_MOMENT),
    (TIMESTAMP_WITHOUT_TIMEZONE, '"2024-01-01T00:00:00+01:00"', Limits(), Misfit.ZONE),
    (TIME_WITHOUT_TIMEZONE, '"10:00:00+01:00"', Limits(), Misfit.ZONE),
    (TIME_WITHOUT_TIMEZONE, '"10:00:00.1234567"', Limits(), Misfit.FINER),
    (TIME_WITHOUT_TIMEZONE, '"noon"', Limits(), Misfit.NO_TIME),
    (TIME_WITH_TIMEZONE, '"10:00:00+16:00"', Limits(), Misfit.OFFSET),
    (TIME_WITH_TIMEZONE, '"10:00:00.1234567Z"', Limits(), Misfit.FINER),
    (Object(), "[1]", Limits(), Misfit.STRUCTURE),
    (Array(), '"a"', Limits(), Misfit.TEXT),
    (Unknown("{}"), '"a\\u0000"', Limits(), Misfit.NUL),
    (Unknown("{}"), "1e131072", Limits(), Misfit.LARGE),
    (Unknown("{}"), '"much too long"', SMALL, Misfit.LONG),
    (Unknown("{}"), "[" * 1001 + "]" * 1001, Limits(), Misfit.DEEP),
]


def keyed(types: dict[str, AirbyteType], limits: Limits, role: Role = Role.KEY) -> Shape:
    return evolve(plain_shape(USERS, types, limits), roles=dict.fromkeys(types, role))


def found_in(shape: Shape, chunk: bytes) -> tuple[Unfit, ...]:
    """What is unfit in the rows of a chunk, which are the same on both roads."""
    made, _ = packed([shape], chunk)

    assert exactly([shape], chunk)[0] == made
    (parcel,) = made.parcels
    (rows,) = parcel.rows
    return rows.unfit


@pytest.mark.parametrize(("type_", "token", "limits"), HELD, ids=str)
def test_a_value_that_is_held_is_no_misfit(type_: AirbyteType, token: str, limits: Limits) -> None:
    shape = keyed({"id": type_}, limits)

    assert found_in(shape, record(b'{"id": %s}' % token.encode())) == ()


@pytest.mark.parametrize(("type_", "token", "limits", "why"), NOT_HELD, ids=str)
def test_a_value_that_is_not_held_is_a_misfit_however_it_came(
    type_: AirbyteType, token: str, limits: Limits, why: Misfit | None
) -> None:
    shape = keyed({"id": type_}, limits)
    # The second record's other field has a name that only the exact road reads.
    lines = [record(b'{%s"id": %s}' % (before.encode(), token.encode())) for before in ("", ODD_FIELD)]

    assert [[each.misfits for each in found_in(shape, line)] for line in lines] == [
        [(why,)] if why else []
    ] * 2


@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "wide", "narrow"])
@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.kind}-{type(type_).__name__}")
@given(tokens=st.lists(ANY_TOKEN, max_size=6))
@EXAMPLES
def test_misfits_are_the_same_on_both_roads(type_: AirbyteType, limits: Limits, tokens: list[bytes]) -> None:
    shapes = [keyed({"field": type_}, limits)]
    chunk = b"".join(record(b'{"field": ' + token + b"}") for token in tokens)

    assert packed(shapes, chunk) == exactly(shapes, chunk)


@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in (Kind.JSON, Kind.STRING, Kind.BOOLEAN)]
)
@given(data=st.data())
@EXAMPLES
def test_misfits_of_what_nearly_is_a_value_are_the_same_on_both_roads(
    kind: Kind, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(NEAR.get(kind, MOMENT) | DIGITS, min_size=1, max_size=8))
    shapes = [keyed({"field": Scalar(kind)}, data.draw(st.sampled_from(LIMITS)))]
    chunk = b"".join(record(b'{"field": "%s"}' % text.encode()) for text in texts)

    assert packed(shapes, chunk) == exactly(shapes, chunk)


@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "wide", "narrow"])
@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.kind}-{type(type_).__name__}")
@given(token=ANY_TOKEN)
@EXAMPLES
def test_what_is_nulled_or_cut_is_always_a_misfit(type_: AirbyteType, limits: Limits, token: bytes) -> None:
    cell, outcome = loosen(type_, token, limits)
    changed = outcome is not None or bool(column(type_, [cell], limits).changes)

    assert misfit(type_, token, limits) is not None or not changed


def test_no_misfit_names_a_value() -> None:
    chunk = b"".join(record(b'{"id": %s}' % json.dumps(f"secret {n}").encode()) for n in range(3))

    assert "secret" not in str(found_in(keyed({"id": INTEGER}, Limits()), chunk))
