"""Performs the parts of a stream's operations on a connector's client, one method a part. Opens no transaction.

Each takes the ledger's entry as it stands and answers the entry as it is to be saved. It looks whether there is
something to do, so that a part that was performed, and whose answer was lost, may come again. Which parts are one
commit is no concern of this module.
"""

from collections.abc import Mapping
from itertools import starmap
from typing import cast

from attrs import evolve

from connectors.contract import Client, ClientOfParts, ClientOfStatements, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.findings import Findings
from connectors.engine.sync.load_parts import LoadParts
from connectors.engine.sync.publication import Publication, owning
from connectors.engine.sync.remarks import may_be_at_work, to_be_widened, was_emptied
from connectors.engine.sync.shaping import Shaping
from connectors.engine.sync.temp_tables import TempTables
from connectors.engine.sync.work import Performer, Work
from dataflow.batch import clean_meta
from dataflow.errors import InternalError
from dataflow.ownership import widened
from dataflow.types import TableName
from machines.parts import Atomic, Part


class Parts:
    """The performer of every part but those of CLAIM's epoch and of a flush, for one stream on one client."""

    def __init__(self, connector: Connector, client: Client, temps: TempTables, loads: LoadParts) -> None:
        self._connector = connector
        self._client = client
        self._temps = temps
        self._loads = loads
        self._shaping = Shaping(connector, client)
        findings = Findings(connector, client, temps, loads)
        publication = Publication(connector, client, temps, self._shaping, loads)
        self._performers: Mapping[Part, Performer] = {
            Part.END_OTHERS: self._end_others,
            Part.RENEW_TEMP: self._renew_temp,
            Part.SWEEP: self._sweep,
            Part.LOOK: findings.look,
            Part.CREATE_TEMP: self._create_temp,
            Part.NAME_TEMP: self._name_temp,
            Part.CUT_TEMP: self._cut_temp,
            Part.EVOLVE_TEMP: self._evolve_temp,
            Part.WRITE_RECIPE: self._write_recipe,
            Part.FORGET_TEMP: self._forget_temp,
            Part.OPEN_FINAL: self._open_final,
            Part.NOTE_FINAL: self._note_final,
            Part.DECIDE_ADD: publication.decide_add,
            Part.DECIDE_REPLACE: publication.decide_replace,
            Part.FIT_TEMP: publication.fit_temp,
            Part.FIT_FINAL: publication.fit_final,
            Part.DEDUPE: publication.dedupe,
            Part.ADD: publication.add,
            Part.REPLACE: publication.replace,
            Part.END_PUBLICATION: publication.end_publication,
            Part.NOTE_NEEDS: self._note_needs,
            Part.LOOK_BACK: findings.look_back,
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
        named = evolve(entry, temp=temp, recipe=work.life.recipe, checkpoint=None)
        # If each name is used once, an attempt whose answer was lost has opened the load, and shards may be there.
        once = self._connector.atomic is not Atomic.EVERYTHING
        return named if once and temp == entry.temp else self._loads.opened(named, work.life)

    def _cut_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        # A load's temp has no checkpoint: each of its shards is there as a whole.
        if entry.recipe is not None and entry.publishing is None and entry.load is None:
            work.cut = self._client.trim_table(self._temp(entry, work), entry.checkpoint)
        return entry

    def _evolve_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.load is not None:
            # It has the recipe's columns, and workers may be at work: nothing is to wait for them.
            return entry
        temp = self._temp(entry, work)
        work.add(rows=work.cut)
        self._shaping.bring(temp, work.life.tables.columns, work)
        self._client.expect_meta(temp, clean_meta(work.life.stream.sync_id))
        return entry

    def _write_recipe(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        return evolve(entry, recipe=work.life.recipe)

    def _forget_temp(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        if entry.publishing is not None:
            return entry
        temp = self._temp(entry, work)
        work.forgotten = temp
        self._loads.ended(entry)
        if work.life.temp_was_emptied:
            work.add(warnings=(was_emptied(temp),))
        return entry.without_temp()

    def _open_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        self._shaping.ensure(entry, work.life.tables.columns, (), work)
        self._client.expect_meta(entry.table, clean_meta(work.life.stream.sync_id))
        return entry

    def _note_final(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        return owning(entry, work.life.tables.columns).without_temp()

    # -- the end

    def _note_needs(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        needs = work.life.needs
        if not needs:
            return entry
        work.add(warnings=tuple(starmap(to_be_widened, needs.items())))
        return evolve(entry, columns=widened(entry.columns, needs))

    def _temp(self, entry: LedgerEntry, work: Work) -> TableName:
        return self._temps.of(entry, work.life.tables.temp)
