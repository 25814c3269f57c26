"""What the shared statements need of a connection: it executes them, and words what each database words differently."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from connectors.sql.text import Name, Sql
from dataflow.types import TableName


class Session(Protocol):
    """Executes statements in the current transaction. Values are None, text, numbers, and moments with a zone."""

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """The rows the statement returns, none for one that returns nothing."""
        ...

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        """How many rows an INSERT, UPDATE or DELETE finds, also those that already are as it would make them."""
        ...

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement once for each of these parameters, by the driver's quickest way."""
        ...

    def table(self, table: TableName) -> Name:
        """How a table is named in a statement."""
        ...

    def new_name(self, table: TableName) -> Name:
        """How a table is named where a statement gives it this name."""
        ...

    def column_names(self, table: TableName) -> Collection[str]:
        """The columns of a table, whatever its owner; none when there is no such table."""
        ...
