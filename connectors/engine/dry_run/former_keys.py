"""By which primary keys the rows of a final table may have been merged last, as far as the journal shows. Changes
nothing.

The ledger does not say: a recipe is in it only while a temp table waits. After another key was chosen, distinct rows of
the table may share a key, and a merge leaves one of them.
"""

from collections.abc import Collection, Iterable, Mapping

from attrs import define

from connectors.contract import Client
from connectors.contract.journal import OPENING, TABLE
from dataflow.types import TableName
from machines.journal.entries import Entry
from machines.operations import Publishing, StreamOperation

# Physical column names. A table has several keys where it is unknown whether an operation took effect; the latest is
# the last.
Key = tuple[str, ...]
Keys = Mapping[TableName, tuple[Key, ...]]

# How each of these publishes by its life's own key. SETTLE and COMPLETE publish what an earlier life left.
_PUBLISHING = {
    StreamOperation.MERGE: Publishing.ADD,
    StreamOperation.SWAP: Publishing.REPLACE,
    StreamOperation.DEDUPE_AND_SWAP: Publishing.REPLACE,
}


def former_keys(client: Client, internal_namespace: str, tables: Collection[TableName]) -> Keys:
    """The keys by which rows of each of these tables may have been merged, in a transaction of the client.

    A table is left out if the journal knows of no such key, or if the table was replaced without one since.
    """
    if not tables or not client.table_exists(TableName(internal_namespace, TABLE)):
        return {}
    pasts = _pasts(each.entry for each in client.journal.lives())
    return {table: pasts[table].keys for table in tables if table in pasts and pasts[table].keys}


@define
class _Past:
    """What became of a final table. `temp` is the key of its temp table."""

    keys: tuple[Key, ...] = ()
    temp: Key = ()

    def published(self, key: Key, publishing: Publishing, *, certain: bool) -> None:
        """The rows of temp came to the table. Not certain: the operation failed, and may have taken effect."""
        if key:
            self.keys = (key,) if certain else (*self.keys, key)
        elif publishing is Publishing.REPLACE and certain:
            self.keys = ()


def _pasts(entries: Iterable[Entry]) -> Mapping[TableName, _Past]:
    pasts: dict[TableName, _Past] = {}
    lives: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        run = entry["run"], entry["stream"]
        if "life" in entry:
            lives[run] = entry
        elif run in lives:
            past = pasts.setdefault(TableName(*lives[run]["life"]["final"]), _Past())
            _heard(past, lives[run], entry)
    return pasts


def _heard(past: _Past, first: Entry, entry: Entry) -> None:
    """What an entry of a life says of its final table; `first` is the one that began the life."""
    key: Key = tuple(first["life"]["recipe"]["primary_key"])
    operation, certain = entry["operation"], "error" not in entry
    if operation in OPENING and certain:
        past.temp = key
    elif operation == StreamOperation.COMPLETE and "publishing" in first:
        past.published(past.temp, Publishing(first["publishing"]), certain=certain)
    elif operation == StreamOperation.SETTLE:
        past.published(past.temp, Publishing.ADD, certain=certain)
    elif operation in _PUBLISHING:
        past.published(key, _PUBLISHING[operation], certain=certain)
