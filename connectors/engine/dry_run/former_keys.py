"""By which primary key the rows of a final table were merged last, as far as the journal shows. Changes nothing.

The ledger does not say: a recipe is in it only while a temp table waits. After another key was chosen, distinct rows of
the table may share a key, and a merge leaves one of them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from connectors.contract import Client
from connectors.contract.journal import TABLE
from dataflow.types import TableName
from machines.journal.entries import Entry
from machines.operations import StreamOperation

# Physical column names, by the final table.
Keys = Mapping[TableName, tuple[str, ...]]

_PUBLISHING = (StreamOperation.MERGE, StreamOperation.DEDUPE_AND_SWAP, StreamOperation.SWAP)


def former_keys(client: Client, internal_namespace: str, tables: Collection[TableName]) -> Keys:
    """The key of each of these tables whose rows were merged, in a transaction of the client.

    A table is left out if its last publication had no key, or if the journal knows of none.
    """
    if not tables or not client.table_exists(TableName(internal_namespace, TABLE)):
        return {}
    begun = [each.entry for each in client.journal.lives() if "life" in each.entry]
    return dict(_found(_Runs(client, begun), begun, tables))


class _Runs:
    """The entries of runs, each read once and only if it is asked for."""

    def __init__(self, client: Client, begun: Iterable[Entry]) -> None:
        self._client = client
        self._read: dict[str, Sequence[Entry]] = {}
        self._since: dict[str, float] = {}
        for entry in begun:
            self._since.setdefault(entry["run"], entry["at"])

    def life(self, first: Entry) -> Iterator[Entry]:
        """What follows the entry that begins a life, to the life's end."""
        run = first["run"]
        if run not in self._read:
            found = self._client.journal.read(self._since[run], run)
            self._read[run] = [each.entry for each in found]
        of = iter([each for each in self._read[run] if each.get("stream") == first["stream"]])
        for each in of:
            if each == first:
                break
        return takewhile(lambda each: "life" not in each, of)


def _found(
    runs: _Runs, begun: Sequence[Entry], tables: Collection[TableName]
) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    left = set(tables)
    for first in reversed(begun):
        final = TableName(*first["life"]["final"])
        if final not in left or not any(map(_published, runs.life(first))):
            continue
        left.remove(final)
        if key := tuple(first["life"]["recipe"]["primary_key"]):
            yield final, key


def _published(entry: Entry) -> bool:
    return entry.get("operation") in _PUBLISHING and "error" not in entry
