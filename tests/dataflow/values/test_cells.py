"""One token becomes one cell: the exact road, which refuses nothing and never fails."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP_WITH_TIMEZONE,
    AirbyteType,
    Array,
    Limits,
    Object,
    Unknown,
)
from dataflow.values.cells import (
    BEYOND,
    CUT,
    UNREADABLE,
    Outcome,
    decodable,
    fixed_number,
    holds_only_numeric,
    loosen,
    number,
    plain_number,
    without_nul,
)

LIMITS = Limits()


def loosened(type_: AirbyteType, token: str) -> tuple[object, Outcome | None]:
    return loosen(type_, token.encode(), LIMITS)


@pytest.mark.parametrize("type_", [STRING, BOOLEAN, INTEGER, DATE, TIMESTAMP_WITH_TIMEZONE])
@pytest.mark.parametrize("token", ["null", " null ", ""])
def test_null_and_absence_stay_null_without_a_change(type_: AirbyteType, token: str) -> None:
    assert loosened(type_, token) == (None, None)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ('"a\\nb"', "a\nb"),
        ('""', ""),
        ("42", "42"),
        ("1.10", "1.10"),
        ("1E+5", "1E+5"),
        ("true", "true"),
        ('{"a": [1, 2]}', '{"a": [1, 2]}'),
        (" [1] ", "[1]"),
        ('"\\u00e9\\ud83e\\udd9c"', "é🦜"),
    ],
)
def test_a_string_takes_anything_by_its_text_as_it_stands(token: str, expected: str) -> None:
    assert loosened(STRING, token) == (expected, None)


@pytest.mark.parametrize(
    ("token", "expected"), [("true", (True, None)), ("false", (False, None)), ('"true"', (None, UNREADABLE))]
)
def test_a_boolean_takes_json_booleans_only(token: str, expected: tuple[object, Outcome | None]) -> None:
    assert loosened(BOOLEAN, token) == expected
    assert loosened(BOOLEAN, "1") == (None, UNREADABLE)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("42", 42),
        ("42.0", 42),
        ("4.2e1", 42),
        ("-0.0", 0),
        ('"42"', 42),
        ('"-42"', -42),
        ('"+042"', 42),
        ("0e999999999999999999999999", 0),
        (str(2**64), 2**64),
    ],
)
def test_an_integer_takes_what_is_exactly_integral(token: str, expected: int) -> None:
    assert loosened(INTEGER, token) == (expected, None)


@pytest.mark.parametrize(
    "token", ["42.5", '"42.0"', '" 42"', '"4_2"', '"٤٢"', '""', '"x"', "true", "[1]", "{}", "1e-999999999"]
)
def test_an_integer_refuses_what_is_not(token: str) -> None:
    assert loosened(INTEGER, token) == (None, UNREADABLE)


@pytest.mark.parametrize(
    "token", ["9" * 5000, f'"{"9" * 5000}"', "1e999999999", "1e99999999999999999999999", "1e30"]
)
def test_an_integer_too_long_to_be_worth_making_is_beyond(token: str) -> None:
    assert loosened(INTEGER, token) == (None, BEYOND)


def test_a_temporal_cell_takes_strings_only() -> None:
    assert loosened(DATE, '"2021-01-01"') == ("2021-01-01", None)
    assert loosened(DATE, "20210101") == (None, UNREADABLE)
    assert loosened(TIMESTAMP_WITH_TIMEZONE, "[]") == (None, UNREADABLE)


@pytest.mark.parametrize("type_", [NUMBER, Array(), Object(), Unknown("potato")])
@pytest.mark.parametrize("token", ["null", "", "12.50", "[1, 2]", '"text"'])
def test_numbers_and_json_stay_the_bytes_that_they_are(type_: AirbyteType, token: str) -> None:
    value, outcome = loosened(type_, token)

    assert isinstance(value, msgspec.Raw)
    assert bytes(value).decode() == token
    assert outcome is None


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        (b'"plain"', b'"plain"'),
        (b'"\xff"', '"\ufffd"'.encode()),
        (b'"\xed\xa0\x80"', '"\ufffd\ufffd\ufffd"'.encode()),
        (rb'"\ud83e\udd9c"', rb'"\ud83e\udd9c"'),
        (rb'"\ud83e"', rb'"\ufffd"'),
        (rb'"\udd9c\ud83e\udd9c"', rb'"\ufffd\ud83e\udd9c"'),
        (rb'"\ud83e\ud83e\udd9c"', rb'"\ufffd\ud83e\udd9c"'),
        (rb'"\\ud83e"', rb'"\\ud83e"'),
        (rb'"\\\ud83e"', rb'"\\\ufffd"'),
    ],
)
def test_what_no_decoder_takes_is_repaired(broken: bytes, repaired: bytes) -> None:
    assert decodable(broken) == repaired
    msgspec.json.decode(repaired)


def test_a_string_that_cannot_be_held_is_repaired_and_not_lost() -> None:
    assert loosen(STRING, b'"a\xff\\ud800b"', LIMITS) == ("a\ufffd\ufffdb", None)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("12.50", Decimal("12.50")),
        ("-1e3", Decimal(-1000)),
        ('"12.50"', Decimal("12.50")),
        ('"+7."', Decimal(7)),
        ('".5e1"', Decimal(5)),
        ('"\\u0031"', Decimal(1)),
        ('"NaN"', None),
        ('"Infinity"', None),
        ('" 1"', None),
        ('"1_0"', None),
        ('"١"', None),
        ('""', None),
        ('"."', None),
        ('"1e"', None),
        ('"1e+"', None),
        ("1e000", Decimal(1)),
        ("true", None),
        ("{}", None),
        ("[1]", None),
        ('"1e00000000000000000001"', Decimal(10)),
    ],
)
def test_a_number_is_any_json_number_or_a_string_that_holds_one(token: str, value: Decimal | None) -> None:
    assert number(token) == value


@pytest.mark.parametrize(
    ("token", "value", "outcome"),
    [
        ("0.005", "0.01", CUT),
        ("-0.005", "-0.01", CUT),
        ("0.0049", "0", CUT),
        ("1.230", "1.23", None),
        ("999.994", "999.99", CUT),
        ("999.995", None, BEYOND),
        ("1000", None, BEYOND),
        ("1e-999999999999999999999", "0", CUT),
        ("-1e999999999999999999999", None, BEYOND),
        ("0e999999999999999999999", "0", None),
        ('"potato"', None, UNREADABLE),
    ],
)
def test_a_fixed_number_is_rounded_half_up_or_beyond(
    token: str, value: str | None, outcome: Outcome | None
) -> None:
    assert fixed_number(token, 5, 2) == (None if value is None else Decimal(value), outcome)


@pytest.mark.parametrize(
    ("token", "text", "outcome"),
    [
        ("1e3", "1000", None),
        ("1.5e-3", "0.0015", None),
        ("-0.0", "0", None),
        ("0e99999", "0", None),
        ("1e131071", "1" + "0" * 131071, None),
        ("1e131072", None, BEYOND),
        ("1e-16383", "0." + "0" * 16382 + "1", None),
        ("1e-16384", None, BEYOND),
        ("9" * 131072, "9" * 131072, None),
        ("9" * 131073, None, BEYOND),
        ("9" * 3_000_000, None, BEYOND),
        ("1e999999999999999999999", None, BEYOND),
        ("true", None, UNREADABLE),
    ],
)
def test_a_plain_number_is_written_out_within_the_digits_of_numeric(
    token: str, text: str | None, outcome: Outcome | None
) -> None:
    assert plain_number(token) == (text, outcome)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("[1, -2.5e10, 1e131071, 1e-16383]", True),
        ('{"1e999999": "1e999999", "a\\"1e999999": 0}', True),
        ("[1e131072]", False),
        ('{"a": {"b": -1e-16384}}', False),
        ("1E+99999999999999999999", False),
    ],
)
def test_numbers_inside_json_are_checked_and_strings_are_not(text: str, held: bool) -> None:
    assert holds_only_numeric(text) is held


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (r'"a\u0000b"', '"ab"'),
        (r'"\u0000\u0000"', '""'),
        (r'"\\u0000"', r'"\\u0000"'),
        (r'"\\\u0000"', r'"\\"'),
        (r'{"\u0000k\n": "\\\\u0000"}', r'{"k\n": "\\\\u0000"}'),
    ],
)
def test_the_escape_of_nul_is_removed_but_not_an_escaped_backslash(text: str, cleaned: str) -> None:
    assert without_nul(text) == cleaned


@given(
    st.binary(max_size=40) | st.text(max_size=40).map(str.encode),
    st.sampled_from([STRING, BOOLEAN, INTEGER, DATE, NUMBER]),
)
def test_no_bytes_at_all_make_the_exact_road_fail(token: bytes, type_: AirbyteType) -> None:
    value, outcome = loosen(type_, token, LIMITS)

    assert outcome in (None, UNREADABLE, BEYOND)
    assert value is None or outcome is None


@given(st.text(alphabet='\\u0d8c"xDbf\n', max_size=30))
def test_any_json_string_is_repaired_into_one_that_decodes(text: str) -> None:
    token = b'"' + text.replace('"', "").replace("\n", "").encode() + b'"'
    valid_before = decodes(token)

    assert decodes(decodable(token)) or not escapes_are_sound(token)
    if valid_before:
        assert decodable(token) == token


def decodes(token: bytes) -> bool:
    try:
        msgspec.json.decode(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def escapes_are_sound(token: bytes) -> bool:
    """Whether the standard library, which takes half pairs, decodes the token."""
    try:
        json.loads(token)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("token", ["9" * 1_000_000, "1" + "0" * 1_000_000])
def test_a_number_of_a_million_digits_is_beyond_every_column(token: str) -> None:
    assert fixed_number(token, 38, 9) == (None, BEYOND)
    assert plain_number(token) == (None, BEYOND)
    assert loosened(INTEGER, token) == (None, BEYOND)


def test_a_million_digits_may_still_be_a_small_number() -> None:
    assert fixed_number("0." + "1" * 1_000_000, 38, 9) == (Decimal("0.111111111"), CUT)
    assert fixed_number("1" + "0" * 1_000_000 + "e-1000000", 38, 9) == (Decimal(1), None)
