"""The condition that a row's mark says that the row is gone, as SQL. `connectors.contract.deletion` has the rule."""

from psycopg.sql import SQL, Composable, Composed, Literal

from connectors.contract.deletion import EMPTY
from dataflow.types import Kind


def says_deleted(mark: Composable, kind: Kind) -> Composed:
    """The condition that it says so, which is never null."""
    if kind not in EMPTY:
        return SQL("{} IS NOT NULL").format(mark)
    return SQL("coalesce({}, {empty}) <> {empty}").format(mark, empty=Literal(EMPTY[kind]))


def says_alive(mark: Composable, kind: Kind) -> Composed:
    """The condition that it does not, which is never null."""
    if kind not in EMPTY:
        return SQL("{} IS NULL").format(mark)
    return SQL("coalesce({}, {empty}) = {empty}").format(mark, empty=Literal(EMPTY[kind]))
