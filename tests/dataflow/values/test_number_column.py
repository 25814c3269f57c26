"""Numbers are exact to the last digit, whichever way Arrow or we read them."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.types import Limits
from dataflow.values import arrow_columns, number_column
from dataflow.values.arrow_columns import Coerced
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome, fixed_number, number, plain_number

NULL = None
MOST = "9" * 29 + "." + "9" * 9
FLOAT32_MAX = "340282346638528860000000000000000000000"
FLOAT64_MAX = "1.7976931348623157e308"
JSON_NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
TOKENS = (
    JSON_NUMBERS
    | st.decimals(allow_nan=False, allow_infinity=False).map(str).map(str.lower)
    | st.integers().map(str)
    | st.integers(-(10**45), 10**45).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | (
        JSON_NUMBERS | st.from_regex(r"[+-]?[0-9]{0,3}\.?[0-9]{0,12}", fullmatch=True) | st.text(max_size=3)
    ).map(lambda text: '"' + text.replace('"', "").replace("\\", "").replace("\0", "") + '"')
    | st.sampled_from(
        ["true", "{}", "[1]", '"NaN"', '"-Infinity"', '"sNaN"', "1e999999999999", "-0.0", '"1e5"']
    )
)


# The number of cells up to which each is read by itself.
FEW = st.sampled_from([0, arrow_columns.FEW])


def column(*tokens: str | None, limits: tuple[int, int] | None = (38, 9)) -> Coerced:
    return number_column.number_column(pa.array(tokens, pa.string()), Limits(number=limits))


@pytest.mark.parametrize(
    ("token", "value", "outcome"),
    [
        *((str(each), str(each), None) for each in (0, 1, -1, 42, -42)),
        *((str(each), str(each), None) for each in (2**31 - 1, -(2**31), 2**31, -(2**31) - 1)),
        *((str(each), str(each), None) for each in (2**63 - 1, -(2**63), 2**63, -(2**63) - 1)),
        ("123.4", "123.4", None),
        ("-123.4", "-123.4", None),
        ("50000.0000000000000001", "50000", CUT),
        ("1234567890.1234567890123456789", "1234567890.123456789", CUT),
        ("-1234567890.1234567890123456789", "-1234567890.123456789", CUT),
        ("12345678912345678912345678912.3456789123", "12345678912345678912345678912.345678912", CUT),
        ("-12345678912345678912345678912.3456789123", "-12345678912345678912345678912.345678912", CUT),
        ("5e-10", "0.000000001", CUT),
        ("-5e-10", "-0.000000001", CUT),
        ("0.0000000005", "0.000000001", CUT),
        ("0.00000000049999999999", "0", CUT),
        ("1.4e-45", "0", CUT),
        ("-4.9e-324", "0", CUT),
        (MOST, MOST, None),
        (f"-{MOST}", f"-{MOST}", None),
        (f"{MOST}4", MOST, CUT),
        (f"{MOST}5", NULL, BEYOND),
        ("1e29", NULL, BEYOND),
        ("-100000000000000000000000000000", NULL, BEYOND),
        ("1e39", NULL, BEYOND),
        ("-2e39", NULL, BEYOND),
        (FLOAT32_MAX, NULL, BEYOND),
        (FLOAT64_MAX, NULL, BEYOND),
        (f"-{FLOAT64_MAX}", NULL, BEYOND),
        ("1e309", NULL, BEYOND),
        ('"12.5"', "12.5", None),
        ('"+7"', "7", None),
        ('"1e2"', "100", None),
        ('"foo"', NULL, UNREADABLE),
        ('"NaN"', NULL, UNREADABLE),
        ('"Infinity"', NULL, UNREADABLE),
        ("true", NULL, UNREADABLE),
        ("{}", NULL, UNREADABLE),
    ],
)
@pytest.mark.parametrize("company", [(), ("1.5",), ('"bad"', "0.1234567890123")])
def test_a_decimal_of_38_9_holds_what_fits_whatever_stands_beside_it(
    token: str, value: str | None, outcome: Outcome | None, company: tuple[str, ...]
) -> None:
    made = column(*company, token, None)

    assert made.array.type == pa.decimal128(38, 9)
    assert made.array[len(company)].as_py() == (None if value is None else Decimal(value))
    assert made.array[-1].as_py() is None
    assert [tuple(outcome) for row, *outcome in made.changes if row == len(company)] == (
        [outcome] if outcome else []
    )


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("token", "fits"), [(str(2**63), True), (str(10**38 - 1), True), (str(10**38), False), ("42.0", True)]
)
def test_a_decimal_of_38_0_holds_38_digits(sign: str, token: str, fits: bool) -> None:
    made = column("0.1", f"{sign}{token}", limits=(38, 0))

    assert made.array[1].as_py() == (Decimal(f"{sign}{token}") if fits else None)
    assert made.changes == ((0, *CUT), *([] if fits else [(1, *BEYOND)]))


@pytest.mark.parametrize("limits", [(76, 38), (40, 2), (38, 38), (5, 5), (2, 1), (3, 0)])
def test_other_precisions_are_held_as_well(limits: tuple[int, int]) -> None:
    made = column("0.04", "0.4", "9.96", '"x"', "1e80", limits=limits)

    expected = [fixed_number(token, *limits) for token in ("0.04", "0.4", "9.96", '"x"', "1e80")]
    assert made.array.to_pylist() == [value for value, _ in expected]
    assert made.changes == tuple((row, *outcome) for row, (_, outcome) in enumerate(expected) if outcome)


def test_unlimited_numbers_are_the_usual_decimals_as_long_as_all_fit() -> None:
    made = column("1.5", None, "1e3", limits=None)

    assert made.array == pa.array([Decimal("1.5"), None, Decimal(1000)], pa.decimal128(38, 9))


def test_unlimited_numbers_are_plain_text_when_one_needs_it() -> None:
    made = column("1.50", None, "1e39", '"12.5"', "0.12345678901", '"NaN"', "1e131072", limits=None)

    expected = ["1.50", None, "1" + "0" * 39, "12.5", "0.12345678901", None, None]
    assert made.array == pa.array(expected, pa.string())
    assert made.changes == ((5, *UNREADABLE), (6, *BEYOND))


@pytest.mark.parametrize(("digits", "fits"), [(131072, True), (131073, False)])
def test_unlimited_text_is_within_the_digits_of_numeric(digits: int, fits: bool) -> None:
    made = column("9" * digits, limits=None)

    assert (made.array[0].as_py() == "9" * digits) is fits
    assert bool(made.changes) is not fits


def test_unlimited_numbers_that_fit_are_decimals_in_any_notation() -> None:
    made = column("1e-9", "12345678901234567890123456789.123456789", '"7"', '"seven"', limits=None)

    assert made.array.type == pa.decimal128(38, 9)
    assert made.changes == ((3, *UNREADABLE),)


def test_a_column_without_values_has_its_type() -> None:
    assert column(limits=None).array == pa.array([], pa.decimal128(38, 9))
    assert column(None).array == pa.array([None], pa.decimal128(38, 9))


@given(st.lists(TOKENS | st.none(), max_size=6), st.sampled_from([(38, 9), (38, 0), (10, 2), (50, 20)]), FEW)
@example(["0.00000000000000000000000000000000000000000000000001"], (38, 9), 0)
@example(["1E-9", "1e28", "10e-10"], (38, 9), 0)
@example(["716484784357299580225678683570"], (38, 9), 0)
@example(["-9999999999999999999999999999.9999999999", "99999999999999999.99999999999999999999"], (38, 9), 0)
@example(["999999999999.999999999999999999999999999"], (50, 20), 0)
@example(["9e-1653346444", "0e-1000000000"], (38, 9), 0)
@example(["0.00000000000000000000000000000000000000002"], (10, 2), 0)
@example(["381090126609809156076102901404156044685"], (38, 0), 0)
def test_every_way_of_reading_gives_what_the_exact_one_gives(
    tokens: list[str | None], limits: tuple[int, int], few: int
) -> None:
    expected = [(None, None) if token is None else fixed_number(token, *limits) for token in tokens]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_column, "FEW", few)
        made = column(*tokens, limits=limits)

    assert made.array.to_pylist() == [value for value, _ in expected]
    assert made.changes == tuple((row, *outcome) for row, (_, outcome) in enumerate(expected) if outcome)


@given(st.lists(TOKENS | st.none(), max_size=6))
def test_unlimited_numbers_keep_every_digit(tokens: list[str | None]) -> None:
    made = column(*tokens, limits=None)

    for token, held in zip(tokens, made.array.to_pylist(), strict=True):
        text, outcome = (None, None) if token is None else plain_number(token)
        assert (held is None) is (text is None or outcome is not None)
        assert held is None or token is None or Decimal(held) == number(token)
