"""When a CDC source's mark says that a row is gone: where it holds a value, and no empty text. Knows no database."""

from psycopg.sql import SQL, Composable, Composed, Literal

from dataflow.types import Kind

# An empty text, as columns of these kinds hold it: of others none can.
_EMPTY = {Kind.STRING: "", Kind.JSON: '""'}


def is_deleted(mark: object, kind: Kind) -> bool:
    """Whether a value of the mark's column says so."""
    return mark is not None and mark != _EMPTY.get(kind)


def says_deleted(mark: Composable, kind: Kind) -> Composed:
    """The condition that it says so, which is never null."""
    if kind not in _EMPTY:
        return SQL("{} IS NOT NULL").format(mark)
    return SQL("coalesce({}, {empty}) <> {empty}").format(mark, empty=Literal(_EMPTY[kind]))


def says_alive(mark: Composable, kind: Kind) -> Composed:
    """The condition that it does not, which is never null."""
    if kind not in _EMPTY:
        return SQL("{} IS NULL").format(mark)
    return SQL("coalesce({}, {empty}) = {empty}").format(mark, empty=Literal(_EMPTY[kind]))
