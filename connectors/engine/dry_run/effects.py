"""Watches a rehearsal: what would be sent, and what that means for the tables. Answers nothing; the connector does.

A connector's `rehearse` changes nothing. Around it, its clients are watched by the contract's own words: so every
destination's changes are described alike, whether it has statements or none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, cast

from attrs import define, field, frozen

from connectors.contract import Client, Connector, InsertBuffer, Recipe, Statement
from connectors.engine.dry_run.former_keys import Keys
from connectors.engine.dry_run.watched_ledger import Saved, WatchedLedger
from connectors.engine.sync.temp_tables import is_opening
from dataflow.evolution import ColumnChangeset
from dataflow.names import opening_of
from dataflow.types import Column, TableName


class Deed(StrEnum):
    """What is done to a table."""

    CREATE = "create"
    ADD_COLUMN = "add column"
    DROP_COLUMN = "drop column"
    CHANGE_COLUMN = "change column"
    FILL = "fill"
    TRIM = "trim"
    APPEND = "append"
    MERGE = "merge"
    MERGE_BY_ANOTHER_KEY = "merge by another key"
    DEDUPE = "dedupe"
    BECOME = "become"
    REPLACE = "replace"
    DROP = "drop"
    DISCARD = "discard"
    DROP_VIEW = "drop view"

    @property
    def destructive(self) -> bool:
        """Whether something is gone that a person had: a column, values of one, a table's content, rows, a view."""
        return self in _DESTRUCTIVE

    @property
    def rewrites(self) -> bool:
        """Whether all of the table may be rewritten."""
        return self in (Deed.CHANGE_COLUMN, Deed.DEDUPE)


_DESTRUCTIVE = (
    Deed.DROP_COLUMN,
    Deed.CHANGE_COLUMN,
    Deed.MERGE_BY_ANOTHER_KEY,
    Deed.REPLACE,
    Deed.DISCARD,
    Deed.DROP_VIEW,
)


@frozen
class Effect:
    """What a sync would do to a table, in words."""

    deed: Deed
    table: TableName
    words: str


@define
class Watch:
    """What a rehearsal did since it was last asked."""

    statements: list[Statement] = field(factory=list)
    effects: list[Effect] = field(factory=list)
    # Whose rows are elsewhere by now.
    published: set[TableName] = field(factory=set)
    # By which keys rows of a final table may have been merged last, as far as it is known.
    keys: Keys = field(factory=dict)
    # In this rehearsal.
    made: set[TableName] = field(factory=set)
    saved: Saved = field(factory=Saved)

    def note(self, statement: Statement) -> None:
        """A statement would have been sent."""
        self.statements.append(statement)
        if statement.drops is not None:
            words = f"drops view {statement.drops} and everything that depends on it"
            self.did(Deed.DROP_VIEW, statement.drops, words)

    def did(self, deed: Deed, table: TableName, words: str) -> None:
        """Something was done to a table."""
        self.effects.append(Effect(deed, table, words))

    def take(self) -> tuple[Sequence[Statement], Sequence[Effect]]:
        """What was done until now; it is not returned again."""
        taken = (tuple(self.statements), tuple(self.effects))
        self.statements.clear()
        self.effects.clear()
        return taken


class WatchedClient:
    """A rehearsing client, watched. What is not here is the real one's."""

    def __init__(self, real: Client, watch: Watch) -> None:
        self.real = real
        self._watch = watch
        self.ledger = WatchedLedger(real.ledger, watch.saved)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """As the real one."""
        self.real.create_table(table, columns, primary_key)
        self._watch.made.add(table)
        self._watch.did(Deed.CREATE, table, f"creates {table}")

    def expect_meta(self, table: TableName, meta: str) -> None:
        """As the real one: it is asked of the table that the source's rows go to."""
        self.real.expect_meta(table, meta)
        self._watch.did(Deed.FILL, table, f"the source's rows go into {table}")

    def drop_table(self, table: TableName) -> None:
        """As the real one."""
        there = self.real.table_exists(table)
        unnamed = there and self._is_unnamed(table)
        published = unnamed or table in self._watch.published
        lost = there and not published and not self.real.table_is_empty(table)
        self.real.drop_table(table)
        if lost:
            self._watch.did(
                Deed.DISCARD, table, f"drops {table} with its rows, which are not published anywhere"
            )
        elif there:
            why = ", which the ledger no longer names" if unnamed else ""
            self._watch.did(Deed.DROP, table, f"drops {table}{why}")

    def trim_table(self, table: TableName, after: str | None) -> int:
        """As the real one."""
        rows = "all rows" if after is None else "the rows after the last emitted STATE"
        deleted = self.real.trim_table(table, after)
        self._watch.did(Deed.TRIM, table, f"deletes {rows} from {table}: the source will send them again")
        return deleted

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        """As the real one."""
        copied = self.real.copy_table(source, target, columns)
        self._published(Deed.APPEND, source, target, f"appends the rows of {source} to {target}")
        return copied

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        """As the real one."""
        # Rows that are unique by a key are unique by more columns too.
        former = [each for each in self._watch.keys.get(target, ()) if not {*each} <= {*recipe.primary_key}]
        rekeyed = former and not self.real.table_is_empty(target)
        self.real.merge_table(source, target, recipe)
        self._watch.keys = {**self._watch.keys, target: (recipe.primary_key,)}
        words = f"merges {source} into {target} by {', '.join(recipe.primary_key)}"
        if rekeyed:
            words = (
                f"{words}, whose rows were merged by {', '.join(former[-1])} before: several of them may share a key "
                "now, and one of them stays"
            )
        self._published(Deed.MERGE_BY_ANOTHER_KEY if rekeyed else Deed.MERGE, source, target, words)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        """As the real one."""
        self.real.dedupe_table(table, recipe)
        key = ", ".join(recipe.primary_key)
        self._watch.did(Deed.DEDUPE, table, f"keeps the latest row of each {key} in {table}")

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """As the real one."""
        replaced = self.real.table_exists(target)
        way = self.real.overwrite_table(source, target)
        if replaced:
            self._published(Deed.REPLACE, source, target, f"replaces {target} by {source}")
        else:
            self._published(Deed.BECOME, source, target, f"{source} becomes {target}")
        return way

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        """As the real one."""
        added = self.real.complete_metadata(table)
        for name in added:
            self._watch.did(Deed.ADD_COLUMN, table, f"adds column {name} to {table}")
        return added

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """As the real one."""
        self.real.apply_changeset(table, changeset)
        for name, kind in changeset.add.items():
            self._watch.did(Deed.ADD_COLUMN, table, f"adds column {name} ({kind}) to {table}")
        for name, kind in changeset.drop.items():
            self._watch.did(Deed.DROP_COLUMN, table, f"drops column {name} ({kind}) of {table}")
        for name, change in changeset.change.items():
            self._watch.did(
                Deed.CHANGE_COLUMN,
                table,
                f"changes column {name} of {table} from {change.original} to {change.new}: a value that does not "
                "fit becomes null",
            )

    def _is_unnamed(self, table: TableName) -> bool:
        """Whether it is an opening of a temp table that the ledger, as it was, does not name."""
        if not opening_of(table.name) or table in self._watch.made:
            return False
        named = (each.temp for each in self.ledger.entries() if each.temp is not None)
        return not any(is_opening(table, each) for each in named)

    def _published(self, deed: Deed, source: TableName, target: TableName, words: str) -> None:
        self._watch.published.add(source)
        self._watch.did(deed, target, words)


class WatchedConnector:
    """A rehearsing connector, watched."""

    # What is seen of it is reported stream by stream.
    streams_at_once = 1

    def __init__(self, real: Connector, watch: Watch) -> None:
        self._real = real
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> Client:
        """A client that is watched."""
        return cast("Client", WatchedClient(self._real.client(), self._watch))

    def insert_buffer(self, client: WatchedClient) -> InsertBuffer:
        """The real one's buffer."""
        return self._real.insert_buffer(client.real)


@contextmanager
def rehearsed(connector: Connector) -> Iterator[tuple[Connector, Watch]]:
    """A rehearsal on a connector, and what it does."""
    watch = Watch()
    rehearsing = connector.rehearse(watch.note)
    try:
        yield cast("Connector", WatchedConnector(rehearsing, watch)), watch
    finally:
        rehearsing.close()
