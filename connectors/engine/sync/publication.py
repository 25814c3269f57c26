"""Performs the parts of a publication: the decision in the ledger, what carries it through, and its end.

Each part but a decision does nothing unless the entry says that temp is being published in its way.
"""

from collections.abc import Sequence
from typing import cast

from attrs import evolve

from connectors.contract import Client, ClientOfParts, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.load_parts import LoadParts
from connectors.engine.sync.remarks import was_emptied
from connectors.engine.sync.shaping import Shaping
from connectors.engine.sync.temp_tables import TempTables
from connectors.engine.sync.work import Work
from dataflow.errors import ConfigError, InternalError
from dataflow.ownership import without
from dataflow.types import Column, TableName
from machines.operations import Publishing, Recipe
from machines.parts import DECISIONS, Atomic, Part

# The classes in which a table may have files that were loaded.
WITH_LOADS = (Atomic.EVERYTHING, Atomic.ROWS)


class Publication:
    """The performer of these parts, for one stream on one client."""

    def __init__(
        self, connector: Connector, client: Client, temps: TempTables, shaping: Shaping, loads: LoadParts
    ) -> None:
        self._client = client
        self._temps = temps
        self._shaping = shaping
        self._loads = loads
        self._atomic = connector.atomic
        # A commit may have been made by an attempt, or by a run, whose end is not known.
        self._repeats = connector.atomic is not Atomic.EVERYTHING

    def decide_add(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """Decide that temp's rows are added to the final table."""
        decided = self._decide(Part.DECIDE_ADD, entry, work)
        if decided.publishing is None or work.cut is None:
            return decided
        return self._unless_none_is_left(decided, work)

    def _unless_none_is_left(self, decided: LedgerEntry, work: Work) -> LedgerEntry:
        """The entry, where rows of another recipe are left to be settled; else temp is forgotten, and final stays."""
        temp = self._temp(decided, work)
        if not self._client.table_is_empty(temp):
            return decided
        work.forgotten = temp
        work.add(rows=0, warnings=(was_emptied(temp),) if decided.checkpoint is not None else ())
        return decided.without_temp()

    def decide_replace(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """Decide that temp replaces the final table, and write its generation."""
        decided = self._decide(Part.DECIDE_REPLACE, entry, work)
        if decided.publishing is None:
            return decided
        # A generation of our own means nothing to a catalog, should one of its come to be equal.
        counted = work.life.stream.replaces_each_time
        return evolve(decided, finalised=None if counted else work.life.recipe.generation_id)

    def _decide(self, part: Part, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.recipe is None:
            work.note("done by an earlier attempt whose reply was lost")
            return entry
        if entry.load is None:
            _expect_all_flushes(entry, work)
        self._loads.expect_shards(entry, work.life)
        if part is Part.DECIDE_REPLACE and self._atomic in WITH_LOADS:
            self._loads.replaced(entry)
        self._loads.added(entry, work.life)
        if entry.recipe != work.life.recipe:
            work.note(f"a temp table of {entry.recipe}")
        return evolve(entry, publishing=DECISIONS[part])

    def fit_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """To add: bring temp to its recipe's columns."""
        if entry.publishing is not Publishing.ADD or entry.recipe is None:
            return entry
        temp = self._temp(entry, work)
        if not self._client.table_exists(temp):
            raise ConfigError(
                f"The temp table {temp} is gone. Its rows were being added to {entry.table}, and a STATE may cover "
                "them.",
                remedy="Restore the table, or create an empty table of that name and refresh the stream, which loads "
                "all of its records again.",
            )
        self._shaping.bring(temp, entry.recipe.columns, work)
        return entry

    def fit_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """To add: create the final table, or bring it to the recipe's columns."""
        if entry.publishing is Publishing.ADD and (by := entry.recipe) is not None:
            self._shaping.ensure(entry, by.columns, by.primary_key if by.strategy.dedupes else (), work)
            if by.strategy.dedupes and self._repeats:
                cast("ClientOfParts", self._client).prepare_merge(entry.table, by.primary_key)
        return entry

    def dedupe(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """To replace: keep temp's latest row of each key, if the recipe says so."""
        by, temp = entry.recipe, self._temp(entry, work)
        dedupes = by is not None and by.strategy.dedupes and self._replaces(entry, work)
        if by is not None and dedupes and not self._is_old(temp, by):
            self._client.dedupe_table(temp, by)
        return entry

    def _is_old(self, temp: TableName, by: Recipe) -> bool:
        """Whether it is the old table, which an exchange has left under temp's name, and which has other columns.

        An old table of the same columns can be deduplicated like temp; it is dropped in either case.
        """
        exchanges = self._atomic is Atomic.STATEMENT
        return exchanges and self._shaping.differs(temp, by.columns)

    def add(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """To add: merge or copy temp's rows into the final table."""
        by = entry.recipe
        if entry.publishing is not Publishing.ADD or by is None:
            return entry
        if by.strategy.dedupes:
            self._client.merge_table(self._temp(entry, work), entry.table, by)
        else:
            self._client.copy_table(self._temp(entry, work), entry.table, by.columns)
        return entry

    def replace(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """To replace: put temp in the final table's place."""
        if self._replaces(entry, work):
            work.note(self._client.overwrite_table(self._temp(entry, work), entry.table))
        return entry

    def _replaces(self, entry: LedgerEntry, work: Work) -> bool:
        """Whether temp is still to take the final table's place: once it has, there is no temp."""
        if entry.publishing is not Publishing.REPLACE:
            return False
        return not self._repeats or self._client.table_exists(self._temp(entry, work))

    def end_publication(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """Forget temp and the decision to publish it."""
        if entry.publishing is None or entry.recipe is None:
            return entry
        if work.life.publishing is not None and work.life.facts is None:
            work.note(f"a publication of {entry.recipe}, which an earlier run began")
        if entry.publishing is Publishing.ADD:
            work.forgotten = self._temp(entry, work)
        self._loads.ended(entry)
        return owning(entry, (*entry.recipe.columns, *work.life.tables.columns)).without_temp()

    def _temp(self, entry: LedgerEntry, work: Work) -> TableName:
        return self._temps.of(entry, work.life.tables.temp)


def _expect_all_flushes(entry: LedgerEntry, work: Work) -> None:
    """What is published must have no gap: InternalError when a flush that was made durable does not count."""
    if entry.last_flush != work.flushes:
        raise InternalError(
            f"{work.flushes} flushes were made durable, and the ledger counts {entry.last_flush} without a gap: rows "
            "between them are missing.",
            remedy="Nothing was published, and all acknowledged records are safe. Report this, with the journal of "
            "this sync.",
        )


def owning(entry: LedgerEntry, there: Sequence[Column]) -> LedgerEntry:
    """The entry once its final table has these columns of its stream's, and no other of them."""
    dropped = {each.name for each in entry.columns}
    return evolve(entry, columns=without(entry.columns, dropped, there))
