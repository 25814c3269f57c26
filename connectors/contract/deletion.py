"""When a CDC source's mark says that a row is gone: where it holds a value, and no empty text. Knows no database."""

from dataflow.types import Kind

# An empty text, as columns of these kinds hold it: of others none can.
EMPTY = {Kind.STRING: "", Kind.JSON: '""'}


def is_deleted(mark: object, kind: Kind) -> bool:
    """Whether a value of the mark's column says so."""
    return mark is not None and mark != EMPTY.get(kind)
