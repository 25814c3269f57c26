"""Performs the parts of a stream's operations on a connector's client, one method a part. Opens no transaction.

Each takes the ledger's entry as it stands and answers the entry as it is to be saved. It looks whether there is
something to do, so that a part that was performed, and whose answer was lost, may come again. Which parts are one
commit is no concern of this module.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from typing import Any, cast

from attrs import define, evolve, field

from connectors.contract import Client, ClientOfParts, ClientOfStatements, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.key_columns import keys_of_final, keys_of_temp
from connectors.engine.sync.remarks import may_be_at_work, to_be_widened, was_emptied
from connectors.engine.sync.temp_tables import TempTables
from dataflow.batch import clean_meta
from dataflow.errors import ConfigError, InternalError
from dataflow.evolution import Altered, ColumnChangeset, ColumnType, TableSchema, altered, diff
from dataflow.ownership import ours, widened, without
from dataflow.types import Column, TableName
from machines.operations import Answer, Facts, KeyFacts, Publishing, Recipe, TempFacts
from machines.parts import DECISIONS, Atomic, Part
from machines.stream import StreamLife


@define(kw_only=True)
class Work:
    """An operation under way: what its parts found and did, by the attempt that counts.

    `flushes` is how many flushes this run made durable, `temp` the table that this operation made, `forgotten` one that
    its entry no longer names, and `cut` how many of temp's rows were deleted. `altered` counts all attempts, since the
    answer of one that altered a table may be lost.
    """

    life: StreamLife
    flushes: int = 0
    temp: TableName | None = None
    forgotten: TableName | None = None
    cut: int | None = None
    answer: Answer = field(factory=Answer)
    altered: dict[tuple[str, str], Altered] = field(factory=dict)

    def add(self, **found: Any) -> None:
        """Add to the operation's answer."""
        self.answer = evolve(self.answer, **found)

    def note(self, text: str) -> None:
        """Add a note to those that other parts of the operation made; an empty one is none."""
        self.add(note="; ".join(filter(None, (self.answer.note, text))))

    def again(self, failed: "Work") -> "Work":
        """The work as it was before an attempt that failed, but for what that attempt altered."""
        return evolve(self, altered=failed.altered)


Performer = Callable[[LedgerEntry, Work], LedgerEntry]


class Parts:
    """The performer of every part but those of CLAIM's epoch and of a flush, for one stream on one client."""

    def __init__(self, connector: Connector, client: Client, temps: TempTables) -> None:
        self._connector = connector
        self._client = client
        self._temps = temps
        # A commit may have been made by an attempt, or by a run, whose end is not known.
        self._repeats = connector.atomic is not Atomic.EVERYTHING
        self._performers: Mapping[Part, Performer] = {
            Part.END_OTHERS: self._end_others,
            Part.RENEW_TEMP: self._renew_temp,
            Part.SWEEP: self._sweep,
            Part.LOOK: self._look,
            Part.CREATE_TEMP: self._create_temp,
            Part.NAME_TEMP: self._name_temp,
            Part.CUT_TEMP: self._cut_temp,
            Part.EVOLVE_TEMP: self._evolve_temp,
            Part.WRITE_RECIPE: self._write_recipe,
            Part.FORGET_TEMP: self._forget_temp,
            Part.OPEN_FINAL: self._open_final,
            Part.NOTE_FINAL: self._note_final,
            Part.DECIDE_ADD: self._decide_add,
            Part.DECIDE_REPLACE: self._decide_replace,
            Part.FIT_TEMP: self._fit_temp,
            Part.FIT_FINAL: self._fit_final,
            Part.DEDUPE: self._dedupe,
            Part.ADD: self._add,
            Part.REPLACE: self._replace,
            Part.END_PUBLICATION: self._end_publication,
            Part.NOTE_NEEDS: self._note_needs,
            Part.LOOK_BACK: self._look_back,
        }

    def performer(self, part: Part) -> Performer:
        """What performs this part, and answers the entry as it is to be saved."""
        return self._performers[part]

    # -- after a claim

    def _end_others(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        ended = cast("ClientOfParts", self._client).end_others(entry.table, f"{entry.epoch}")
        if not ended and entry.epoch > 1:
            work.note(may_be_at_work(self._connector.atomic))
        return entry

    def _renew_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        table = self._temps.opened(self._client, entry)
        if table is not None:
            cast("ClientOfStatements", self._client).rename_table(table, self._temps.renewed(table))
        return entry

    def _sweep(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        leftovers = self._temps.leftovers(self._client, entry, work.life.tables.temp)
        forgotten = () if work.forgotten is None or work.forgotten in leftovers else (work.forgotten,)
        for table in (*forgotten, *leftovers):
            self._client.drop_table(table)
        return entry

    # -- the start

    def _look(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        life, final = work.life, work.life.tables.final
        found: Mapping[str, ColumnType] = {}
        if self._client.table_exists(final):
            # Refuses a table that is not Airbyte's: a swap would put ours in the place of a person's.
            found = self._client.discover_schema(final).columns
            if added := self._client.complete_metadata(final):
                work.note(f"added {' and '.join(added)} to {final}, which an older destination created")
            elif entry.epoch == 1:
                work.note(f"the ledger had no entry for {final}, which already existed: it is kept as it is")
        temp_name = entry.temp if entry.temp != life.tables.temp else None
        temp = self._found(entry, work)
        facts = Facts(
            temp=temp,
            finalised=False,
            temp_name=temp_name,
            final_keys=keys_of_final(self._connector.columns, life, found),
            temp_keys=self._keys_of_temp(entry, work, temp),
        )
        if facts.temp is None and entry.checkpoint is not None:
            facts = evolve(facts, lost=entry.recipe)
        if life.stream.replaces_each_time:
            facts = evolve(facts, generation=_own_generation(entry))
        elif life.stream.strategy.truncates and entry.finalised == life.stream.generation_id:
            work.note(f"generation {entry.finalised} was published already: this sync adds to the table")
            facts = evolve(facts, finalised=True)
        work.add(facts=facts)
        return entry

    def _found(self, entry: LedgerEntry, work: Work) -> TempFacts | None:
        temp = self._temp(entry, work)
        if not self._client.table_exists(temp):
            return None
        return TempFacts(
            empty=self._client.table_is_empty(temp),
            recipe=entry.recipe,
            # Without a recipe the checkpoint is one of the final table.
            covered=entry.recipe is not None and entry.checkpoint is not None,
        )

    def _keys_of_temp(self, entry: LedgerEntry, work: Work, temp: TempFacts | None) -> KeyFacts | None:
        if temp is None or temp.empty or temp.recipe is None:
            return None
        name = self._temp(entry, work)
        return keys_of_temp(self._connector.columns, self._client, work.life, name, temp.recipe)

    def _create_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        life = work.life
        temp = self._temps.fresh(life.tables.temp, entry.epoch)
        if self._client.table_exists(temp):
            if (entry.temp, entry.recipe) == (temp, life.recipe):
                work.note("opened by an attempt whose reply was lost")
                return entry
            raise InternalError(
                f"The temp table {temp} should be new, and already exists.",
                remedy="Nothing was changed. Report this, with the journal of this sync.",
            )
        self._client.create_table(temp, life.tables.columns, ())
        self._client.expect_meta(temp, clean_meta(life.stream.sync_id))
        work.temp = temp
        return entry

    def _name_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if work.temp is None:
            return entry
        temp = self._temps.known_as(work.temp)
        if temp != work.life.tables.temp:
            work.add(temp=temp)
        return evolve(entry, temp=temp, recipe=work.life.recipe, checkpoint=None)

    def _cut_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.recipe is not None and entry.publishing is None:
            work.cut = self._client.trim_table(self._temp(entry, work), entry.checkpoint)
        return entry

    def _evolve_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        temp = self._temp(entry, work)
        work.add(rows=work.cut)
        self._bring(temp, work.life.tables.columns, work)
        self._client.expect_meta(temp, clean_meta(work.life.stream.sync_id))
        return entry

    def _write_recipe(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        return evolve(entry, recipe=work.life.recipe)

    def _forget_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.publishing is not None:
            return entry
        temp = self._temp(entry, work)
        work.forgotten = temp
        if work.life.temp_was_emptied:
            work.add(warnings=(was_emptied(temp),))
        return entry.without_temp()

    def _open_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        self._ensure(entry, work.life.tables.columns, (), work)
        self._client.expect_meta(entry.table, clean_meta(work.life.stream.sync_id))
        return entry

    def _note_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        return _owning(entry, work.life.tables.columns).without_temp()

    # -- a publication

    def _decide_add(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
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

    def _decide_replace(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        decided = self._decide(Part.DECIDE_REPLACE, entry, work)
        if decided.publishing is None:
            return decided
        # A generation of our own means nothing to a catalog, should one of its come to be equal.
        counted = work.life.stream.replaces_each_time
        return evolve(decided, finalised=None if counted else work.life.recipe.generation_id)

    def _decide(self, part: Part, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.recipe is None:
            work.note("published by an earlier attempt whose reply was lost")
            return entry
        _expect_all_flushes(entry, work)
        if entry.recipe != work.life.recipe:
            work.note(f"a temp table of {entry.recipe}")
        return evolve(entry, publishing=DECISIONS[part])

    def _fit_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
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
        self._bring(temp, entry.recipe.columns, work)
        return entry

    def _fit_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.publishing is Publishing.ADD and (by := entry.recipe) is not None:
            self._ensure(entry, by.columns, by.primary_key if by.strategy.dedupes else (), work)
            if by.strategy.dedupes and self._repeats:
                cast("ClientOfParts", self._client).prepare_merge(entry.table, by.primary_key)
        return entry

    def _dedupe(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        by, temp = entry.recipe, self._temp(entry, work)
        dedupes = by is not None and by.strategy.dedupes and self._replaces(entry, work)
        if by is not None and dedupes and not self._is_old(temp, by):
            self._client.dedupe_table(temp, by)
        return entry

    def _is_old(self, temp: TableName, by: Recipe) -> bool:
        """Whether it is the old table, which an exchange has left under temp's name, and which has other columns.

        An old table of the same columns can be deduplicated like temp; it is dropped in either case.
        """
        exchanges = self._connector.atomic is Atomic.STATEMENT
        return exchanges and not self._difference(temp, by.columns).is_noop

    def _add(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        by = entry.recipe
        if entry.publishing is not Publishing.ADD or by is None:
            return entry
        if by.strategy.dedupes:
            self._client.merge_table(self._temp(entry, work), entry.table, by)
        else:
            self._client.copy_table(self._temp(entry, work), entry.table, by.columns)
        return entry

    def _replace(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if self._replaces(entry, work):
            work.note(self._client.overwrite_table(self._temp(entry, work), entry.table))
        return entry

    def _replaces(self, entry: LedgerEntry, work: Work) -> bool:
        """Whether temp is still to take the final table's place: once it has, there is no temp."""
        if entry.publishing is not Publishing.REPLACE:
            return False
        return not self._repeats or self._client.table_exists(self._temp(entry, work))

    def _end_publication(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.publishing is None or entry.recipe is None:
            return entry
        if work.life.publishing is not None and work.life.facts is None:
            work.note(f"a publication of {entry.recipe}, which an earlier run began")
        if entry.publishing is Publishing.ADD:
            work.forgotten = self._temp(entry, work)
        return _owning(entry, (*entry.recipe.columns, *work.life.tables.columns)).without_temp()

    # -- the end

    def _note_needs(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        needs = work.life.needs
        if not needs:
            return entry
        work.add(warnings=tuple(starmap(to_be_widened, needs.items())))
        return evolve(entry, columns=widened(entry.columns, needs))

    def _look_back(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        left = self._found(entry, work)
        if left is not None and not left.empty:
            work.note(f"rows wait in {self._temp(entry, work)} for the next run")
        work.add(left=left)
        return entry

    # -- what they share

    def _temp(self, entry: LedgerEntry, work: Work) -> TableName:
        return self._temps.of(entry, work.life.tables.temp)

    def _ensure(
        self, entry: LedgerEntry, columns: Sequence[Column], primary_key: Sequence[str], work: Work
    ) -> None:
        """Afterwards the final table has these columns. One that the ledger does not know is not ours, and stays."""
        final = entry.table
        if self._client.table_exists(final):
            self._alter(final, ours(self._difference(final, columns), entry.columns), work)
        else:
            self._client.create_table(final, columns, primary_key)

    def _bring(self, table: TableName, columns: Sequence[Column], work: Work) -> None:
        self._alter(table, self._difference(table, columns), work)

    def _difference(self, table: TableName, columns: Sequence[Column]) -> ColumnChangeset:
        expected = TableSchema({c.name: self._connector.columns.column_type(c.kind) for c in columns})
        return diff(self._client.discover_schema(table), expected)

    def _alter(self, table: TableName, changeset: ColumnChangeset, work: Work) -> None:
        if changeset.is_noop:
            return
        rows = self._client.statistics(table).rows
        self._client.apply_changeset(table, changeset)
        work.altered |= {(each.table, each.column): each for each in altered(table, changeset, rows)}


def _expect_all_flushes(entry: LedgerEntry, work: Work) -> None:
    """What is published must have no gap: InternalError when a flush that was made durable does not count."""
    if entry.last_flush != work.flushes:
        raise InternalError(
            f"{work.flushes} flushes were made durable, and the ledger counts {entry.last_flush} without a gap: rows "
            "between them are missing.",
            remedy="Nothing was published, and all acknowledged records are safe. Report this, with the journal of "
            "this sync.",
        )


def _owning(entry: LedgerEntry, there: Sequence[Column]) -> LedgerEntry:
    """The entry once its final table has these columns of its stream's, and no other of them."""
    dropped = {each.name for each in entry.columns}
    return evolve(entry, columns=without(entry.columns, dropped, there))


def _own_generation(entry: LedgerEntry) -> int:
    """This claim's number, as a generation; above that of any temp table, which is thereby superseded."""
    return max(entry.epoch, entry.recipe.generation_id + 1 if entry.recipe else 0)
