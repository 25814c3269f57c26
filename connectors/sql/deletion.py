"""The condition that a row's mark says that the row is gone, as SQL. `connectors.contract.deletion` has the rule."""

from connectors.contract.deletion import EMPTY
from connectors.sql.text import Part, Sql, Value, sql
from dataflow.types import Kind


def says_deleted(mark: Part, kind: Kind) -> Sql:
    """The condition that it says so, which is never null."""
    if kind not in EMPTY:
        return sql("{} IS NOT NULL", mark)
    return sql("coalesce({}, {empty}) <> {empty}", mark, empty=Value(EMPTY[kind]))


def says_alive(mark: Part, kind: Kind) -> Sql:
    """The condition that it does not, which is never null."""
    if kind not in EMPTY:
        return sql("{} IS NULL", mark)
    return sql("coalesce({}, {empty}) = {empty}", mark, empty=Value(EMPTY[kind]))
