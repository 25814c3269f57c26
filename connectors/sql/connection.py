"""What a database gives to the shared layer: one connection, and the locks that keep other runs out. Holds no code that
runs.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from connectors.sql.dialect import Dialect
from connectors.sql.statements import Statements
from connectors.sql.text import Sql
from dataflow.types import TableName


class Connection(Protocol):
    """One connection, made when it is first used. Used by one thread at a time. Raises the driver's errors."""

    @property
    def dialect(self) -> Dialect:
        """How statements are rendered. Connects to nothing."""
        ...

    @property
    def statements(self) -> Statements:
        """The statements of this database. May connect, if they depend on what is found there."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """As the contract has it: all that happens inside is durable, or none of it."""
        ...

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """The rows that the statement returns, none if it returns nothing."""
        ...

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        """The number of rows that an INSERT, UPDATE or DELETE finds."""
        ...

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement once for each of these parameters."""
        ...

    def recover(self) -> None:
        """Give up the connection with what it left undone; the next call makes another. May be called twice."""
        ...


class Locks(Protocol):
    """The locks of one client on final tables. They end with the process, whatever ends it."""

    def take(self, table: TableName, owner: str) -> str | None:
        """Take the table's lock, or have it already. The answer is the run that has it after a short wait, if any."""
        ...

    def taken(self, table: TableName) -> str | None:
        """The run that has the table's lock, if it is not this client's."""
        ...

    def give_back(self) -> None:
        """Free all of them. May be called twice."""
        ...
