"""Numbers that Arrow holds as numbers, as exact decimals, without a text of each in between.

A double is the decimal that is written with the fewest digits and read back as it, as in JSON. Refuses to guess: a
column with a cell that this cannot say is for the text of its cells (`number_column`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataflow.types import Limits
from dataflow.values.arrow_columns import Coerced, without
from dataflow.values.number_column import DIGITS_128, USUAL, number_column

# Two decimals of up to 15 digits are never one double (IEEE 754). So the one that is read as a double has the fewest.
DIGITS_OF_DOUBLES = 15
# What 64 bits hold, less what a double may be off there.
MOST = 9.2e18
# Digits of the longest whole number of 64 bits.
WHOLE_DIGITS = 20


def held_numbers(numbers: pa.Array, limits: Limits) -> Coerced:
    """A column of whole numbers, doubles or decimals as `number_column` makes it of their texts."""
    precision, scale = limits.number or USUAL
    exact = _exact(numbers, precision, scale) if precision <= DIGITS_128 else None
    return Coerced(exact) if exact is not None else number_column(numbers.cast(pa.string()), limits)


def _exact(numbers: pa.Array, precision: int, scale: int) -> pa.Array | None:
    """All cells as decimals; None when one may not fit, or is more than this can say."""
    given, wanted = numbers.type, pa.decimal128(precision, scale)
    if pa.types.is_float64(given):
        return _of_doubles(numbers, wanted)
    if pa.types.is_decimal128(given):
        fits = 0 <= given.scale <= scale and given.precision - given.scale <= precision - scale
    else:
        fits = pa.types.is_integer(given) and precision - scale >= WHOLE_DIGITS
    return numbers.cast(wanted) if fits else None


def _of_doubles(numbers: pa.Array, wanted: pa.DataType) -> pa.Array | None:
    filled = pc.fill_null(numbers, 0.0) if numbers.null_count else numbers
    values = filled.to_numpy(zero_copy_only=False)
    largest = float(np.abs(values).max(initial=0.0))
    # Not a number is less than nothing.
    if not largest < MOST / 10**wanted.scale:
        return None
    places = wanted.scale
    while largest * 10**places >= 10**DIGITS_OF_DOUBLES:
        places -= 1
    if places < 0:
        return None
    # A cell has no more digits after the point than these if it is the double nearest to the decimal with them.
    digits = np.rint(values * 10.0**places)
    if not np.array_equal(digits / 10.0**places, values):
        return None
    unscaled = digits.astype(np.int64) * 10 ** (wanted.scale - places)
    # 128 bits, the lower half first; the higher one is the sign's.
    halves = np.stack((unscaled, unscaled >> 63), axis=1)
    made = pa.Array.from_buffers(wanted, len(values), [None, pa.py_buffer(halves)])
    return without(made, where=pc.is_null(numbers)) if numbers.null_count else made
