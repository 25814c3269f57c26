"""A column of numbers, from their JSON tokens to exact decimals. Never through a float.

Arrow reads all cells at once when all are short and fit; else regular expressions sort them into those that
fit, those that have too many digits after the point, and the rest, which alone is read cell by cell.
"""

import pyarrow as pa
import pyarrow.compute as pc

from dataflow.types import Limits
from dataflow.values.arrow_columns import (
    FEW,
    Coerced,
    cast_all,
    coerced,
    exceeds,
    holds,
    matches,
    others,
    outcomes_of,
    read_each,
    read_rest,
    rows,
    without,
)
from dataflow.values.cells import CUT, UNREADABLE, fixed_number, plain_number

# What unlimited numbers are held in as long as they fit: exact, and cheaper than text for everyone after us.
USUAL = (38, 9)
DIGITS_128 = 38
# What doubles need when they are written out. Arrow 26 rounds decimal256 wrongly, decimal128 rightly; and there
# is room for the digit by which rounding may make the number longer.
LONG_WHOLE, LONG_SCALE = 17, 20
# Shorter numbers than these are within every limit of PostgreSQL's numeric.
SURELY_NUMERIC = 16000


def number_column(tokens: pa.Array, limits: Limits) -> Coerced:
    """Decimals of the limits' precision and scale; without limits decimal(38, 9), or plain text if a cell needs it."""
    if limits.number is not None:
        return _held(tokens, *limits.number)
    made = _held(tokens, *USUAL)
    fits = all(outcome == UNREADABLE for outcome in outcomes_of(made).values())
    return made if fits else _plain(_unquoted(tokens))


def _held(tokens: pa.Array, precision: int, scale: int) -> Coerced:
    # Arrow 26 reads decimals wrongly, without an error, when their digits overflow (30 digits as decimal128(38, 9))
    # and crashes on exponents such as 1e-1000000000. It is asked only about texts too short for the one, and
    # without the other.
    if not (holds(tokens, b"e") or holds(tokens, b"E") or exceeds(tokens, precision - scale)):
        array = cast_all(tokens, _decimal(precision, scale))
        if array is not None:
            return Coerced(array)
    return _fixed(_unquoted(tokens), precision, scale)


def _decimal(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale) if precision <= DIGITS_128 else pa.decimal256(precision, scale)


def _unquoted(tokens: pa.Array) -> pa.Array:
    """Tokens where the plain numbers in JSON strings stand without quotes."""
    if not holds(tokens, b'"'):
        return tokens
    quoted = matches(tokens, r'^"[+-]?[0-9]+(?:\.[0-9]+)?"$')
    return pc.if_else(quoted, pc.utf8_slice_codeunits(tokens, 1, -1), tokens)


def _fixed(texts: pa.Array, precision: int, scale: int) -> Coerced:
    whole = precision - scale
    fraction = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
    # Without two digits before the point the pattern would say too much: then each cell is read by itself.
    fits = matches(texts, f"^[+-]?[0-9]{{1,{whole - 1}}}{fraction}$") if whole > 1 else pc.is_null(texts)
    array = without(texts, where=pc.invert(fits)).cast(_decimal(precision, scale))
    return read_rest(Coerced(array), texts, others(texts, fits), lambda rest: _long(rest, precision, scale))


def _long(texts: pa.Array, precision: int, scale: int) -> Coerced:
    """Texts of which many may have too many digits after the point: rounded half up, away from zero."""
    type_ = _decimal(precision, scale)

    def one_by_one(rest: pa.Array) -> Coerced:
        return read_each(rest, type_, lambda text: fixed_number(text, precision, scale))

    # One digit short of the limit a whole part cannot be rounded up beyond it.
    whole = min(LONG_WHOLE, precision - scale - 1)
    if whole < 1 or scale >= LONG_SCALE or len(texts) <= FEW:
        return one_by_one(texts)
    long = matches(texts, rf"^[+-]?[0-9]{{1,{whole}}}\.[0-9]{{{scale + 1},{LONG_SCALE}}}$")
    exact = without(texts, where=pc.invert(long)).cast(pa.decimal128(DIGITS_128, LONG_SCALE))
    rounded = pc.round(exact, ndigits=scale, round_mode="half_towards_infinity")
    outcomes = dict.fromkeys(rows(pc.not_equal(rounded, exact)), CUT)
    return read_rest(coerced(rounded.cast(type_), outcomes), texts, others(texts, long), one_by_one)


def _plain(texts: pa.Array) -> Coerced:
    fits = matches(texts, r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$")
    if exceeds(texts, SURELY_NUMERIC):
        fits = pc.and_(fits, pc.fill_null(pc.less(pc.binary_length(texts), SURELY_NUMERIC), fill_value=False))
    return read_rest(
        Coerced(texts), texts, others(texts, fits), lambda rest: read_each(rest, pa.string(), plain_number)
    )
