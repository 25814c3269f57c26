"""What a connector author writes, with what must hold before and after each method. Holds no code that runs.

A connector is its options, a ColumnUtils, a Client, an InsertBuffer, and a Connector in which they meet; the client and
the buffer are in `connectors.contract.client`. Its package has the `DEFINITION`, which answers `spec` without importing
any of them but the options. `dataflow new-connector` writes one over `connectors/sql` that works, to be changed part by
part. `connectors/memory` is the smallest without SQL. `connectors/testkit` holds the tests that hold you to this
contract.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from connectors.contract.client import Client, InsertBuffer, Statement
from dataflow.errors import DataflowError
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.runtime import Runtime
from dataflow.types import Kind, Limits
from machines.parts import Atomic


class ColumnUtils(Protocol):
    """How Airbyte's columns look in this database."""

    @property
    def naming(self) -> NamingRules:
        """What the database allows in names."""
        ...

    @property
    def limits(self) -> Limits:
        """What its columns can hold."""
        ...

    def column_type(self, kind: Kind) -> ColumnType:
        """The type of a user's column, spelled exactly as `discover_schema` will find it again."""
        ...


class Connector(Protocol):
    """A destination with its configuration: what the framework needs to run a sync against it."""

    @property
    def runtime(self) -> Runtime:
        """The runtime that it was made with: a sync against it uses the same.

        Its clients say of every request that they send it, to `Runtime.requests`.
        """
        ...

    @property
    def columns(self) -> ColumnUtils:
        """How columns look in this database."""
        ...

    @property
    def default_namespace(self) -> str:
        """The namespace of the tables of streams that name none."""
        ...

    @property
    def internal_namespace(self) -> str:
        """The namespace of the ledger and the journal."""
        ...

    @property
    def rows_together(self) -> int | None:
        """How many rows of a table the database stores together, where it is faster for whole ones; else None."""
        ...

    @property
    def atomic(self) -> Atomic:
        """What of an operation the database makes durable in one piece.

        A claim of less than it keeps is safe and costs more. Its clients then have the methods of `ClientOfParts` too,
        and those of `ClientOfStatements` for STATEMENT.
        """
        ...

    @property
    def streams_at_once(self) -> int:
        """How many streams are worth working on at the same time, each on connections of its own; 1 at least.

        If it is more, `lock` of one client is called from several threads, also while that client is at work.
        """
        ...

    def client(self) -> Client:
        """A client on a connection of its own. Connects when it is first used."""
        ...

    def insert_buffer(self, client: Any) -> InsertBuffer:
        """A buffer that inserts within the transactions of a client made by `client()`."""
        ...

    def rehearse(self, note: Callable[[Statement], None]) -> "Connector":
        """A read-only twin of this connector, for dry runs. It needs no write privileges.

        Its clients answer as this database would after all that was rehearsed on any of them, by their own code,
        and hand `note` each statement that would have changed something. They lock nothing; `lock` refuses as
        it would. Nothing is promised about rows that a rehearsal inserts. Its ledger need not keep what is saved.
        """
        ...

    def explain(self, error: Exception) -> DataflowError:
        """What a driver's error means: a person's doing, a passing trouble, or a defect. Never a secret."""
        ...

    def close(self) -> None:
        """Release what the clients share. May be called twice."""
        ...


class Definition(Protocol):
    """A destination before it is configured: its name, its options, and how a connector is made of them.

    `contract` is the number of the contract that the destination was written for. Write the number itself, not
    `CONTRACT`, which is the engine's: the engine compares the two.
    """

    name: ClassVar[str]
    contract: ClassVar[int]

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        ...

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> Connector:
        """A connector for these options; `run` names this process to others. ConfigError when they cannot be used.

        The connector, and all that works on it, takes the time, randomness and threads from `runtime` alone.
        """
        ...
