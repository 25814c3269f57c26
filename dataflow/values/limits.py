"""Which cells the compiled reader gives in their final form, and which as texts that Python still reads. Reads none."""

from dataflow.types import AirbyteType, Kind, Limits

# Precision and scale of the numbers that the compiled reader makes. It gives the tokens of all others.
READ_NUMBERS = (38, 9)


def is_final(type_: AirbyteType, limits: Limits) -> bool:
    """Whether the reader gives cells of a type as they are to be, and not texts that are yet to be read."""
    if type_.kind is Kind.NUMBER:
        return limits.number == READ_NUMBERS
    return type_.kind not in (Kind.TIME_WITH_TIMEZONE, Kind.TIME_WITHOUT_TIMEZONE)
