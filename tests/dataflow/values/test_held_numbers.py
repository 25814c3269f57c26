"""Numbers that Arrow holds as numbers become what their texts become, cell by cell."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.types import Limits
from dataflow.values.arrow_columns import outcomes_of
from dataflow.values.cells import CUT, UNREADABLE
from dataflow.values.held_numbers import held_numbers
from dataflow.values.number_column import number_column

LIMITS = st.sampled_from([None, (38, 9), (38, 0), (18, 2), (50, 20)])
# Such as people write, and such as calculations leave.
DOUBLES = st.one_of(
    st.decimals(min_value=-(10**10), max_value=10**10, places=2).map(float),
    st.decimals(min_value=-(10**6), max_value=10**6, places=9).map(float),
    st.floats(),
)


@given(st.lists(st.none() | DOUBLES, max_size=8), LIMITS)
@example([0.1 + 0.2], (38, 9))
@example([-0.0, 9.2e9, 1e15, 999_999.999999999], (38, 9))
@example([9_199_999_999.999999, None], None)
def test_doubles_become_what_their_shortest_texts_become(
    numbers: list[float | None], number: tuple[int, int] | None
) -> None:
    column, limits = pa.array(numbers, pa.float64()), Limits(number=number)

    held = held_numbers(column, limits)

    expected = number_column(column.cast(pa.string()), limits)
    assert held.array.equals(expected.array)
    assert held.changes == expected.changes


@given(
    st.one_of(
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=8).map(
            lambda n: pa.array(n, pa.int64())
        ),
        st.lists(st.none() | st.integers(0, 2**64 - 1), max_size=8).map(lambda n: pa.array(n, pa.uint64())),
    ),
    LIMITS,
)
def test_whole_numbers_become_what_their_texts_become(
    column: pa.Array, number: tuple[int, int] | None
) -> None:
    limits = Limits(number=number)

    held = held_numbers(column, limits)

    expected = number_column(column.cast(pa.string()), limits)
    assert held.array.equals(expected.array)
    assert held.changes == expected.changes


@pytest.mark.parametrize(
    ("number", "of"), [("1.50", (5, 2)), ("-1E+30", (38, 2)), ("0.0000000001", (20, 10)), ("7", (3, -2))]
)
def test_a_decimal_becomes_what_its_text_becomes(number: str, of: tuple[int, int]) -> None:
    column = pa.array([Decimal(number) if of[1] >= 0 else Decimal(700), None], pa.decimal128(*of))

    held = held_numbers(column, Limits())

    expected = number_column(column.cast(pa.string()), Limits())
    assert held.array.equals(expected.array)
    assert held.changes == expected.changes


def test_a_double_with_more_digits_than_the_column_holds_is_cut_and_what_is_no_number_is_nulled() -> None:
    held = held_numbers(pa.array([0.1 + 0.2, float("nan"), 1.5]), Limits())

    assert held.array.to_pylist() == [Decimal("0.3"), None, Decimal("1.5")]
    assert outcomes_of(held) == {0: CUT, 1: UNREADABLE}


def test_a_slice_of_a_column_is_read_at_its_place() -> None:
    column = pa.array([1.25, None, 2.5, 3.75]).slice(1, 2)

    held = held_numbers(column, Limits())

    assert held.array.to_pylist() == [None, Decimal("2.5")]
