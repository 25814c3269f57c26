"""How a table comes to be what a changeset asks for, if a column changes its type by a new column that takes its name.

A database that changes types in another way does not use this module. Pure: returns statements, and sends none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from connectors.sql.statements import CHANGING, Statements
from connectors.sql.text import Name, Sql, sql
from dataflow.evolution import ColumnChangeset, ColumnTypeChange
from dataflow.types import META, TableName


class Conversion(Protocol):
    """What becomes of a value whose column changes its type.

    What is given here may have the parameters `original` and `new`, which are the types, and `column`, which is the
    column's name. The table is called `t`.
    """

    def converted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The value of the column `name` in its new type, null if that type cannot hold it."""
        ...

    def noted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The `_airbyte_meta` of the row, with a note if the new type cannot hold the value."""
        ...


def alterations(
    statements: Statements, conversion: Conversion, table: TableName, changeset: ColumnChangeset
) -> Iterator[tuple[Sql, Mapping[str, Any] | None]]:
    """The statements of the whole changeset, each with the parameters that it is executed with."""
    # First the drops: a new name may differ from a dropped one by the case of its letters alone.
    for name in changeset.drop:
        yield statements.drop_column(table, name), None
    for name, kind in changeset.add.items():
        yield statements.add_column(table, name, kind), None
    for name, change in changeset.change.items():
        given = {"original": change.original.type, "new": change.new.type, "column": name}
        for statement in change_column(statements, conversion, table, name, change):
            yield statement, given if statement.has_parameters else None


def change_column(
    statements: Statements, conversion: Conversion, table: TableName, name: str, change: ColumnTypeChange
) -> Sequence[Sql]:
    """Give a column another type: a new column gets the values, and takes the name of the old one."""
    return (
        statements.add_column(table, CHANGING, change.new),
        sql(
            "UPDATE {} AS t SET {} = {}, {} = {}",
            statements.table(table),
            Name(CHANGING),
            conversion.converted(name, change),
            Name(META),
            conversion.noted(name, change),
        ),
        *statements.take_name(table, CHANGING, name, change.new),
    )
