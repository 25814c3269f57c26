"""Cells become columns exactly, and what does not fit is named."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Union,
    Unknown,
)
from dataflow.values.arrow_columns import outcomes_of
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome, loosen, number
from dataflow.values.coercion import Coerced, column

LIMITS = Limits()
UNION = Union(frozenset({STRING, INTEGER}))
JSON_TYPES: list[AirbyteType] = [Array(), Object(), UNION, Unknown("potato")]
TYPES: list[AirbyteType] = [*(Scalar(kind) for kind in Kind if kind is not Kind.JSON), *JSON_TYPES]

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "\0a\0",
        "\\u0000",
        "",
        "null",
        "42",
        "12.50",
        "1e5",
        "NaN",
        "infinity",
        "true",
        "2021-02-03",
        "2021-02-30",
        "0000-01-01",
        "2021-02-03T04:05:06Z",
        "2021-02-03 04:05:06.1234567+01",
        "10000-01-01T00:00",
        "12:34:56",
        "12:34:56.5-01:00",
        "24:00",
    ]
)
NUMBERS = (
    st.integers()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**38])
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def as_token(value: object, ascii_only: bool) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")


ANY_TOKEN = st.builds(as_token, VALUES, st.booleans()) | st.sampled_from(
    [
        b"1.10",
        b"1E+2",
        b"-0.0",
        b"42.0",
        b"1e999999999",
        b"1e-1653346444",
        b"[1e99999]",
        b"9" * 5000,
        b'"\\\\u0000"',
        b'["\xff"]',
    ]
)


def exact(type_: AirbyteType, tokens: list[bytes], limits: Limits = LIMITS) -> Coerced:
    """The exact road for all tokens: what `loosen` nulled, and what `column` changed."""
    cells = [loosen(type_, token, limits) for token in tokens]
    made = column(type_, [value for value, _ in cells], limits)
    changes = {row: outcome for row, (_, outcome) in enumerate(cells) if outcome}
    changes |= {row: (change, reason) for row, change, reason in made.changes}
    return Coerced(made.array, tuple((row, *changes[row]) for row in sorted(changes)))


def cell(type_: AirbyteType, token: str, limits: Limits = LIMITS) -> tuple[Any, Outcome | None]:
    """One token's value, as Python has it, and its outcome."""
    made = exact(type_, [token.encode()], limits)
    return made.array[0].as_py(), outcomes_of(made).get(0)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.kind}-{type(type_).__name__}")
@given(tokens=st.lists(ANY_TOKEN, min_size=1, max_size=6))
def test_a_batch_is_what_its_cells_are_one_by_one(type_: AirbyteType, tokens: list[bytes]) -> None:
    alone = [exact(type_, [token]) for token in tokens]

    made = exact(type_, tokens)

    assert made.array == pa.concat_arrays([each.array for each in alone])
    assert made.changes == tuple((row, *done) for row, each in enumerate(alone) for _, *done in each.changes)


@pytest.mark.parametrize(
    ("type_", "arrow"),
    [
        (STRING, pa.string()),
        (BOOLEAN, pa.bool_()),
        (INTEGER, pa.int64()),
        (NUMBER, pa.decimal128(38, 9)),
        (DATE, pa.date32()),
        (TIME_WITH_TIMEZONE, pa.string()),
        (TIME_WITHOUT_TIMEZONE, pa.time64("us")),
        (TIMESTAMP_WITH_TIMEZONE, pa.timestamp("us", tz="UTC")),
        (TIMESTAMP_WITHOUT_TIMEZONE, pa.timestamp("us")),
        *((type_, pa.string()) for type_ in JSON_TYPES),
    ],
)
def test_every_type_has_its_arrow_type_with_and_without_values(
    type_: AirbyteType, arrow: pa.DataType
) -> None:
    assert column(type_, [], LIMITS).array.type == arrow
    assert exact(type_, [b"null", b""]) == Coerced(pa.array([None, None], arrow))


@pytest.mark.parametrize(
    ("type_", "token", "value"),
    [
        (STRING, '"foo\\u0000"', "foo"),
        (NUMBER, "42.1", Decimal("42.100000000")),
        (INTEGER, "42", 42),
        (BOOLEAN, "true", True),
        (TIMESTAMP_WITH_TIMEZONE, '"2023-01-23T11:34:56-01:00"', "2023-01-23 12:34:56+00:00"),
        (TIMESTAMP_WITHOUT_TIMEZONE, '"2023-01-23T12:34:56"', "2023-01-23 12:34:56"),
        (TIME_WITH_TIMEZONE, '"11:34:56-01:00"', "11:34:56-01:00"),
        (TIME_WITHOUT_TIMEZONE, '"12:34:56"', "12:34:56"),
        (DATE, '"2023-01-23"', "2023-01-23"),
        (INTEGER, "0", 0),
        (NUMBER, "0", Decimal(0)),
        (STRING, '""', ""),
        (INTEGER, "-1", -1),
        (Object(), '{"a": {"undeclared": [1, "x"]}}', '{"a": {"undeclared": [1, "x"]}}'),
        (Object(), "{}", "{}"),
        (Array(INTEGER), '[1, "mixed"]', '[1, "mixed"]'),
        (Array(), "[]", "[]"),
        (UNION, '"ex falso"', '"ex falso"'),
        (UNION, "42", "42"),
        (Unknown("potato"), '"ex falso quodlibet"', '"ex falso quodlibet"'),
    ],
)
def test_a_valid_value_is_kept(type_: AirbyteType, token: str, value: object) -> None:
    held, outcome = cell(type_, token)

    assert (
        held if isinstance(value, str | int | Decimal) and type(held) is type(value) else str(held)
    ) == value
    assert outcome is None


@pytest.mark.parametrize("type_", [each for each in TYPES if each.kind not in (Kind.STRING, Kind.JSON)])
def test_a_value_of_another_type_is_nulled_and_recorded(type_: AirbyteType) -> None:
    assert cell(type_, '"foo"') == (None, UNREADABLE)
    assert cell(type_, "{}") == (None, UNREADABLE)


@pytest.mark.parametrize(
    ("type_", "token"),
    [
        (Array(), "{}"),
        (Array(), '"[1]"'),
        (Array(), "1"),
        (Object(), "[]"),
        (Object(), '"{}"'),
        (Object(), "true"),
    ],
)
def test_json_of_another_shape_is_nulled_and_json_in_a_string_is_not_parsed(
    type_: AirbyteType, token: str
) -> None:
    assert cell(type_, token) == (None, UNREADABLE)


@pytest.mark.parametrize(
    "value",
    [0, 1, -1, 42, -42, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)],
)
def test_an_integer_of_64_bits_is_kept(value: int) -> None:
    assert cell(INTEGER, str(value)) == (value, None)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**38 - 1, 1 - 10**38, 10**38, -(10**38)])
def test_an_integer_beyond_64_bits_is_nulled_and_recorded(value: int) -> None:
    assert cell(INTEGER, str(value)) == (None, BEYOND)
    assert column(INTEGER, [1, value, None], LIMITS) == Coerced(pa.array([1, None, None]), ((1, *BEYOND),))


def test_a_decimal_never_passes_through_float() -> None:
    token = "50000.123456781"

    assert cell(NUMBER, token) == (Decimal(token), None)
    assert cell(NUMBER, "0.1000000000000000055", Limits(number=None)) == ("0.1000000000000000055", None)


def test_excess_digits_are_rounded_half_up_and_recorded() -> None:
    assert cell(NUMBER, "-5e-10") == (Decimal("-1e-9"), CUT)


def test_the_empty_string_is_not_null() -> None:
    assert column(STRING, ["", None], LIMITS).array.to_pylist() == ["", None]


@pytest.mark.parametrize(("nul", "kept"), [(False, "ab"), (True, "a\0b")])
def test_nul_is_removed_from_strings_only_where_the_limits_say_so(nul: bool, kept: str) -> None:
    made = column(STRING, ["a\0b", "\0", "x", None], Limits(nul=nul))

    assert made == Coerced(pa.array([kept, "\0" if nul else "", "x", None]))


def test_nul_is_removed_inside_json_and_an_escaped_backslash_stays() -> None:
    tokens = [rb'{"a": "x\u0000y"}', rb'["\\u0000"]', rb'["\\\u0000"]', b"null"]
    values = [msgspec.Raw(token) for token in tokens]

    removed = column(UNION, values, LIMITS)
    kept = column(UNION, values, Limits(nul=True))

    assert removed == Coerced(pa.array(['{"a": "xy"}', r'["\\u0000"]', r'["\\"]', None]))
    assert kept.array.to_pylist() == [*(token.decode() for token in tokens[:-1]), None]


def test_a_json_string_keeps_its_meaning_without_nul() -> None:
    made = column(UNION, [msgspec.Raw(rb'"\\\\u0000\\\u0000\u0000"')], LIMITS)

    assert json.loads(made.array[0].as_py()) == r"\\u0000" + "\\"


def test_an_oversized_string_is_nulled_by_its_bytes() -> None:
    limits = Limits(string_bytes=4, json_bytes=4)

    assert column(STRING, ["éé", "ééa", None], limits) == Coerced(
        pa.array(["éé", None, None]), ((1, *BEYOND),)
    )
    assert cell(Array(), "[10]", limits) == ("[10]", None)
    assert cell(Array(), "[100]", limits) == (None, BEYOND)
    assert cell(Array(), "{100}", limits) == (None, UNREADABLE)


@pytest.mark.parametrize(
    ("token", "outcome"),
    [
        ("[1e131071]", None),
        ("[1e131072]", BEYOND),
        ('["1e131072"]', None),
        (f"[{'9' * 131073}]", BEYOND),
        (f"[0.{'1' * 16384}]", BEYOND),
        (f'["{"9" * 131073}"]', None),
        (f"[{'9' * 125000}e9999]", BEYOND),
    ],
)
def test_json_with_a_number_that_no_numeric_holds_is_nulled(token: str, outcome: Outcome | None) -> None:
    assert cell(Array(), token) == (None if outcome else token, outcome)


def test_invalid_utf_8_is_replaced() -> None:
    assert column(UNION, [msgspec.Raw(b'["\xff"]')], LIMITS).array.to_pylist() == ['["\ufffd"]']
    assert exact(UNION, [b'["\xff"]']).array.to_pylist() == ['["\ufffd"]']
    assert exact(STRING, [b'"\xff"']).array.to_pylist() == ["\ufffd"]


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 30))
def test_a_number_is_rounded_to_the_nearest_value_that_fits(value: float, scale: int) -> None:
    held, outcome = cell(NUMBER, json.dumps(value), Limits(number=(38, scale)))
    meant = number(json.dumps(value))

    assert meant is not None
    if held is None:
        assert outcome == BEYOND
        assert abs(meant) >= Decimal(10) ** (38 - scale) - 1
    else:
        assert abs(held - meant) * 2 <= Decimal(10) ** -scale
        assert (outcome == CUT) is (held != meant)


@pytest.mark.parametrize("type_", JSON_TYPES)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"[": ', "}")])
def test_json_is_kept_up_to_the_levels_that_the_destination_follows(
    type_: AirbyteType, opening: str, closing: str
) -> None:
    wide = f"[{', '.join(['[{}]'] * 500)}]"
    texts = [opening * levels + "1" + closing * levels for levels in (100, 150, 151)]
    texts = [f"[{text}]" if isinstance(type_, Array) else f'{{"a": {text}}}' for text in texts]

    made = column(type_, [msgspec.Raw(text.encode()) for text in [*texts, wide]], Limits(json_levels=151))

    assert made.array.to_pylist()[:3] == [*texts[:2], None]
    assert outcomes_of(made)[2] == BEYOND
    assert isinstance(type_, Object) or made.array[3].as_py() == wide


def test_a_text_is_kept_however_deeply_it_is_nested() -> None:
    text = "[" * 5000 + "]" * 5000

    assert column(STRING, [text], LIMITS).array.to_pylist() == [text]


def test_a_destination_follows_at_least_what_the_reader_does() -> None:
    with pytest.raises(ValueError, match="json_levels"):
        Limits(json_levels=99)
