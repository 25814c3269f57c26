"""A client and an insert buffer, method by method, with what must hold before and after. Holds no code that runs.

A client is one connection, with the operations on tables; an insert buffer moves rows through it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa
from attrs import frozen

from connectors.contract.journal import JournalTable
from connectors.contract.ledger import Ledger
from dataflow.evolution import ColumnChangeset, TableSchema
from dataflow.types import Column, TableName
from machines.operations import Recipe


@frozen(kw_only=True)
class Statement:
    """What a rehearsal did not send. `lock` is the strongest that it would take on a table that is there.

    `drops` is the view that somebody made and that it would drop, if it would.
    """

    text: str
    lock: str = ""
    drops: TableName | None = None


@frozen(kw_only=True)
class Statistics:
    """What the database knows of a table without reading it; None where it does not know.

    `rows` is an estimate, `size` in bytes on disk. `dependents` hang on the table and not on its name, such as
    "view public.adults"; `grants` are what others may do, such as "SELECT to reporting".
    """

    rows: int | None = None
    size: int | None = None
    dependents: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()


@frozen(kw_only=True)
class Writer:
    """The run that keeps others from a final table: since when, in words, and for how many seconds it was silent.

    `gone`: the next claim takes it for dead, and ends what is left of it.
    """

    run: str
    since: str = ""
    silent: float | None = None
    gone: bool = False


class TableOperationsClient(Protocol):
    """One connection, and the operations on tables. Used by one thread at a time.

    Every method but `lock`, `recover`, `take_warnings` and `close` is called inside `transaction()`, which may hold
    several.
    Methods raise the driver's own errors; the framework asks `Connector.explain` what they mean.

    The client calls `Runtime.requests` before it sends a request, and when the request was answered: for each
    statement, for the rows of an insert buffer, and for COMMIT. `dataflow.runtime.requests.request` does both. BEGIN,
    ROLLBACK, the settings of a new connection and what `lock` sends are left out: none of them outlives the connection.
    """

    @property
    def ledger(self) -> Ledger:
        """The ledger, on this client's connection and in its transactions."""
        ...

    @property
    def journal(self) -> JournalTable:
        """The journal, likewise. The framework writes it with a client that does nothing else."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit on leaving, roll back on an exception. It holds no more than `Connector.atomic` keeps together.

        If that is EVERYTHING, all that happened inside is durable, or none of it, also of tables that were
        made, changed or dropped: `check` refuses a connector that keeps one.
        """
        ...

    def lock(self, table: TableName, owner: str) -> None:
        """Keep other runs from writing to this final table until `close`, on a connection of its own.

        It keeps live runs out. What a dead run still has at work is kept out by `Ledger.hold`.

        Held already by this client: nothing happens. Held by a live run: ConfigError naming it, after a short wait.
        """
        ...

    def writer(self, table: TableName) -> Writer | None:
        """The run that keeps others from writing to this final table now, as far as this database knows."""
        ...

    def recover(self) -> None:
        """After a TransientError: give up the connection; the next call makes a new one."""
        ...

    def close(self) -> None:
        """Release the connection and the locks. May be called twice."""
        ...

    def create_namespace(self, namespace: str) -> None:
        """Afterwards the namespace exists. Demands no right to create one that is there."""
        ...

    def table_exists(self, table: TableName) -> bool:
        """Whether there is such a table. Any other trouble is an error, never an answer.

        ConfigError where something that is no table, such as a view, has the name: no table could be made there.
        """
        ...

    def table_is_empty(self, table: TableName) -> bool:
        """Whether an existing table holds no row, in constant time."""
        ...

    def count_rows(self, table: TableName) -> int:
        """How many rows an existing table holds."""
        ...

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        """Whether a row of an existing table has null in this column and notes that it was changed.

        `_airbyte_meta.changes` names the column's field, or the column itself.
        """
        ...

    def statistics(self, table: TableName) -> Statistics:
        """What is known of an existing table, in constant time."""
        ...

    def tables_named(self, mark: str) -> Sequence[TableName]:
        """Every readable table whose name contains `mark`, whatever its owner."""
        ...

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """Create the table: the four metadata columns, then `columns` in their order.

        It must not exist. `primary_key` may be empty; it is what merges look rows up by, not a constraint.
        """
        ...

    def expect_meta(self, table: TableName, meta: str) -> None:
        """Most rows of this sync will have this `_airbyte_meta`: a client may prepare not to send it with each.

        What a row holds in the end must not depend on it; `dataflow.batch.same_meta` says which batches have it.
        """
        ...

    def take_warnings(self) -> Sequence[str]:
        """What was left undone since this was last asked, in sentences: what only saves time ends no sync."""
        ...

    def drop_table(self, table: TableName) -> None:
        """Afterwards there is no such table, whether there was one or not."""
        ...

    def trim_table(self, table: TableName, after: str | None) -> int:
        """Delete the rows whose raw id is above `after` (a UUID's text), all of them for None; how many."""
        ...

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        """Append the source's rows to the target. Both have `columns`; how many rows."""
        ...

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        """Bring the source's latest row of each primary key into the target.

        Latest: by cursor (null is oldest), then the CDC positions, then extracted_at, then raw id. A null key
        equals a null key. The target's rows of that key are replaced unless one of them is later. With hard
        deletes a latest row whose `_ab_cdc_deleted_at` is set removes the key instead.
        """
        ...

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        """Keep the latest row of each primary key, as `merge_table` understands it."""
        ...

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """Put the source in the target's place, which may be missing. Afterwards there is no source.

        Another session sees the old table or the new one, never none. The answer is a note for the journal: in which
        of several ways it was done, and why; empty where there is only one.
        """
        ...


class TableSchemaEvolutionClient(Protocol):
    """What a table looks like, and how it changes. Inside `transaction()`, like the table operations."""

    def discover_schema(self, table: TableName) -> TableSchema:
        """The user's columns of an existing table; ConfigError when it has no raw id or no extraction time."""
        ...

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        """Afterwards an existing table that has the metadata columns of the first destinations has all four.

        Its rows are kept, and get the values of `dataflow.types.ADDED_LATER`. The answer names what was added.
        """
        ...

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """Afterwards `discover_schema` finds what the changeset was computed for; the rows are kept.

        A value that the new type cannot hold becomes null, and the row notes it: its `_airbyte_meta.changes` gets
        `{"field": <column name>, "change": "NULLED", "reason": "DESTINATION_TYPECAST_ERROR"}` appended.
        """
        ...


class Client(TableOperationsClient, TableSchemaEvolutionClient, Protocol):
    """Both halves, on one connection."""


class ClientOfParts(Client, Protocol):
    """What is asked of a client besides, where `Connector.atomic` is not EVERYTHING.

    There `copy_table`, `merge_table` and `overwrite_table` may be called again with the same source, by a run that does
    not know whether the earlier call took effect, and change nothing then. `overwrite_table` may leave the old table
    under the source's name: the framework drops it.

    If it exchanges the two names, there is a table under each of them before and after. So the target must bear a mark
    of the source that it was: the opening in the source's name (`dataflow.names.opening_of`), which a renaming of the
    source keeps, for example in a comment. `CutSuite` fails for an exchange that is exchanged back.
    """

    def expect_publication(self, table: TableName, recipe: Recipe) -> None:
        """ConfigError if rows of this recipe could not be published in this existing final table, as far as it shows.

        Called at a stream's start, before any of its rows is written and so before any of its STATEs is emitted. A
        recipe that truncates ends with `overwrite_table`; another that dedupes with `prepare_merge` and `merge_table`.
        """
        ...

    def prepare_merge(self, table: TableName, primary_key: Sequence[str]) -> None:
        """Change what a merge by this key needs of the final table, such as an index. May be called again.

        Called before each merge, once the table has its columns. Its commit is an earlier one than the merge's, but for
        TABLE, which keeps both in one.
        """
        ...

    def end_others(self, table: TableName, claim: str) -> bool:
        """Afterwards nothing that another claim sent is at work on this final table, nor can begin.

        False where the database cannot know it: then the weaker laws hold that docs/guarantees.md names.
        """
        ...


class ClientOfStatements(ClientOfParts, Protocol):
    """What is asked besides, where `Connector.atomic` is STATEMENT.

    There `copy_table` leaves out the rows whose raw ids the target has, and the ledger's `hold` and `save` follow rules
    of their own (`connectors.contract.ledger`).
    """

    def rename_table(self, table: TableName, name: TableName) -> None:
        """Afterwards the table has this name. Waits for statements that keep the table open."""
        ...

    def holds_rows(self, table: TableName, first: str, last: str) -> bool:
        """Whether a row with a raw id from `first` to `last` is there: asked when an insert's answer was lost."""
        ...


class InsertBuffer(Protocol):
    """Moves typed batches into a table, as fast as the database takes them."""

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """Append all rows, within the current transaction of the client this buffer was made for.

        The answer is how many the database says it took, which the framework compares with how many there are.

        A batch holds the four metadata columns, then `columns`, by physical name, typed as
        `dataflow.values.coercion` types them: fixed_size_binary(16) raw ids, timestamps in microseconds, JSON as text.
        Batches may differ in a column's Arrow type where coercion has two for a kind (exact numbers as text).
        """
        ...
