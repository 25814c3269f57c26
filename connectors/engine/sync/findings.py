"""Looks at a stream's tables and at its ledger entry: the facts of its start, and what is left at its end.

It changes one thing: a table of the first destinations gets the metadata columns that it lacks.
"""

from collections.abc import Mapping
from typing import cast

from attrs import evolve

from connectors.contract import Client, ClientOfParts, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.key_columns import keys_of_final, keys_of_temp
from connectors.engine.sync.load_parts import LoadParts, is_of
from connectors.engine.sync.temp_tables import TempTables
from connectors.engine.sync.work import Work
from dataflow.evolution import ColumnType
from dataflow.types import TableName
from machines.operations import Facts, KeyFacts, TempFacts
from machines.parts import Atomic
from machines.stream import StreamLife


class Findings:
    """The performer of the parts that look, for one stream on one client."""

    def __init__(self, connector: Connector, client: Client, temps: TempTables, loads: LoadParts) -> None:
        self._columns = connector.columns
        self._atomic = connector.atomic
        self._loads = loads
        self._client = client
        self._temps = temps

    def look(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """Read the facts that decide the start."""
        life, final = work.life, work.life.tables.final
        found: Mapping[str, ColumnType] = {}
        there = self._client.table_exists(final)
        if there:
            # Refuses a table that is not Airbyte's: a swap would put ours in the place of a person's.
            found = self._client.discover_schema(final).columns
            if added := self._client.complete_metadata(final):
                work.note(f"added {' and '.join(added)} to {final}, which an older destination created")
            elif entry.epoch == 1:
                work.note(f"the ledger had no entry for {final}, which already existed: it is kept as it is")
        temp_name = entry.temp if entry.temp != life.tables.temp else None
        temp = self._found(entry, work)
        opened, files = self._loads.found(entry, life)
        facts = Facts(
            temp=temp,
            finalised=False,
            temp_name=temp_name,
            final_keys=keys_of_final(self._columns, life, found),
            temp_keys=self._keys_of_temp(entry, work, temp),
            opened=opened,
            files=files,
        )
        if facts.temp is None and entry.checkpoint is not None:
            facts = evolve(facts, lost=entry.recipe)
        if life.stream.replaces_each_time:
            facts = evolve(facts, generation=_own_generation(entry, work.life))
        elif life.stream.strategy.truncates and entry.finalised == life.stream.generation_id:
            work.note(f"generation {entry.finalised} was published already: this sync adds to the table")
            facts = evolve(facts, finalised=True)
        if there and self._atomic is not Atomic.EVERYTHING:
            by = evolve(life, facts=facts).recipe
            cast("ClientOfParts", self._client).expect_publication(final, by)
        work.add(facts=facts)
        return entry

    def look_back(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        """Look at the temp table that is left."""
        left = self._found(entry, work)
        if left is not None and not left.empty:
            work.note(f"rows wait in {self._temp(entry, work)} for the next run")
        work.add(left=left)
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
        return keys_of_temp(self._columns, self._client, work.life, name, temp.recipe)

    def _temp(self, entry: LedgerEntry, work: Work) -> TableName:
        return self._temps.of(entry, work.life.tables.temp)


def _own_generation(entry: LedgerEntry, life: StreamLife) -> int:
    """This claim's number, as a generation; above that of any temp table, which is thereby superseded.

    An open load keeps the generation of its temp table: claims come and go, and its rows have that one.
    """
    if entry.load is not None and is_of(entry, life):
        return entry.load.recipe.generation_id
    return max(entry.epoch, entry.recipe.generation_id + 1 if entry.recipe else 0)
