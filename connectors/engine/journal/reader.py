"""The sources of a journal: a file of JSON lines, or a destination's table. Changes neither.

A journal may lack its last line, and a line of it may be broken: it is read as far as it goes, and what was passed
over is said.
"""

import json
from collections.abc import Sequence
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen

from connectors.contract import Connector
from connectors.contract.journal import TABLE, Transition
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import ConfigError
from dataflow.types import TableName
from machines.journal.entries import Entry

# What an entry needs for its readers to do without a question whether it is there, and what they count with.
NAMES = ("run", "machine", "from", "event", "to")
NUMBERS = (
    "at",
    "milliseconds",
    "rows",
    "read",
    "written",
    "rejected",
    "nulled",
    "bytes",
    "checkpoint",
    "attempt",
)
# Seconds. The keeper writes every other second: what is read again may bring what came late.
LATE = 30.0


@frozen
class JournalPart:
    """A part of a journal, in its order; `troubles` says what could not be read, for a person."""

    entries: tuple[Entry, ...] = field(repr=False)
    troubles: tuple[str, ...] = ()


class Source(Protocol):
    """A journal that can be read, and may go on."""

    def more(self) -> JournalPart:
        """The entries since the last call; all there is, the first time. Raises a DataflowError."""
        ...

    def close(self) -> None:
        """Read no more."""
        ...


class JournalFile:
    """The journal in a file. Raises ConfigError when it cannot be read, or is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        self._lines = 0
        self._understood = False

    def more(self) -> JournalPart:
        """The lines that were appended. One that has no end yet is left for the next time, and said."""
        entries: list[Entry] = []
        troubles: list[str] = []
        while line := self._file.readline():
            entry = _entry(line)
            if entry is None and not line.endswith(b"\n"):
                self._file.seek(-len(line), 1)
                troubles.append(
                    "The last line is incomplete: its process was killed, or is still writing it."
                )
                break
            self._lines += 1
            if entry is not None:
                entries.append(entry)
            else:
                troubles.append(f"Line {self._lines} is not an entry of a journal and is skipped.")
        self._understood = self._understood or bool(entries)
        if troubles and not self._understood:
            raise ConfigError(
                f"The file {str(self._path)!r} is not a journal: it has no entries.",
                remedy="Give a file that `write --journal` wrote.",
            )
        return JournalPart(tuple(entries), tuple(troubles))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(
            f"The journal {str(path)!r} cannot be read: {error.strerror}.",
            remedy="Check the path and its permissions.",
        ) from error


def _entry(line: bytes) -> Entry | None:
    """The entry that a line is; of a part of one there is none."""
    try:
        value: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in NAMES):
        return None
    counted = all(isinstance(value.get(name, 0), int | float) for name in NUMBERS)
    return value if counted and isinstance(value.get("stream", ""), str) else None


class JournalOfDestination:
    """The journal in a destination's table, since a moment in seconds since 1970, of one run or of all.

    Owns the connector. Works on a client of its own, and only reads.
    """

    def __init__(self, connector: Connector, since: float = 0.0, run: str | None = None) -> None:
        self._connector = connector
        self._place = TableName(connector.internal_namespace, TABLE)
        self._transactions = _transactions(connector)
        self._there = False
        self._since = since
        self._run = run
        self._seen: set[tuple[str, int]] = set()

    def more(self) -> JournalPart:
        """The rows that were not read yet. Raises ConfigError where there is no journal."""
        if not self._there:
            self._look()
        found = self._transactions.run("reading the journal", self._read)
        fresh = [each for each in found if (each.run, each.number) not in self._seen]
        self._seen |= {(each.run, each.number) for each in fresh}
        # By the writer's clock, which may be behind ours.
        self._since = max([self._since, *(each.at - LATE for each in fresh)])
        return JournalPart(tuple(each.entry for each in fresh))

    def _look(self) -> None:
        self._there = has_journal(self._connector)
        if not self._there:
            raise ConfigError(
                f"There is no journal: the table {self._place} does not exist.",
                doing="looking for the journal",
                remedy="The first sync into this destination creates it. Check the configuration.",
            )

    def _read(self) -> Sequence[Transition]:
        return self._transactions.client.journal.read(self._since, self._run)

    def close(self) -> None:
        """Release the connection."""
        self._transactions.client.close()
        self._connector.close()


def has_journal(connector: Connector) -> bool:
    """Whether the destination has a journal. Asks a rehearsal: opening a missing file would create it."""
    place = TableName(connector.internal_namespace, TABLE)
    with closing(connector.rehearse(lambda _: None)) as rehearsing:
        looking = _transactions(rehearsing)
        with closing(looking.client) as client:
            return looking.run("looking for the journal", lambda: client.table_exists(place))


def _transactions(connector: Connector) -> Transactions:
    return Transactions(connector, RetryPolicy(attempts=2), lambda *_: None)
