"""A fresh machine driven by a recorded journal: does it ask the same and end the same? Needs no database.

A journal's entries are the arrows as they were walked, each with the answer that the entered state's operation
was given. What the machine cannot raise itself (`start`, `flushed`, `completed`, `ended`, a failed flush) is
sent; everything else must follow by itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import frozen

from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.runtime.clock import SetClock
from machines.destination import SyncLife, destination_lifecycle
from machines.journal.entries import (
    FORMAT,
    Entry,
    facts_from_json,
    format_of,
    life_from_json,
    temp_from_json,
)
from machines.lifecycle import Lifecycle, leaf
from machines.operations import Answer, Operation, Publishing
from machines.stream import StreamLife, stream_lifecycle

T = TypeVar("T")


@frozen
class Divergence:
    """The first entry where the machine went another way; `found` says what it did instead."""

    index: int
    recorded: str
    found: str

    def __str__(self) -> str:
        return f"entry {self.index + 1}: recorded {self.recorded}, but the machine {self.found}"


@frozen(kw_only=True)
class Replayed:
    """A replay's outcome. `path` holds the innermost states in order; `divergence` is None when all agreed.

    `failure` is why the life failed, with the message that was recorded, if it did. `format` is that of the journal.
    """

    path: tuple[str, ...]
    divergence: Divergence | None
    failure: DataflowError | None = None
    format: int = FORMAT

    @property
    def trouble(self) -> str:
        """Why it did not end as was recorded, for a person; empty when it did."""
        if self.divergence is None:
            return ""
        if self.format == FORMAT:
            return str(self.divergence)
        older = "an older" if self.format < FORMAT else "a newer"
        return (
            f"it was written by {older} version, in format {self.format} of the journal, and the machines of this "
            f"version, which writes format {FORMAT}, cannot replay it: {self.divergence}. It can be shown and drawn; "
            "replay it with the version that wrote it"
        )


class _EndOfJournal(BaseException):
    """The recorded process died here: its last answer was never written down."""


class _Diverged(BaseException):
    def __init__(self, divergence: Divergence) -> None:
        self.divergence = divergence


class _Recorded:
    """The port and the listener of a replay: gives the recorded answers, compares the arrows."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self.index = 0
        self.path: list[str] = []
        self._source = ""

    def perform(self, operation: Operation, life: Any) -> Answer:
        """The recorded answer to the entered state's operation."""
        entry = self._current()
        if entry.get("operation") != operation:
            raise self._diverged(f"asks for {operation}")
        if "error" in entry:
            raise _error(entry["error"])
        return Answer(
            facts=self._read(facts_from_json, entry["facts"]) if "facts" in entry else None,
            publishing=self._read(Publishing, entry["publishing"]) if "publishing" in entry else None,
            left=self._read(temp_from_json, entry["left"]) if "left" in entry else None,
            rows=entry.get("rows"),
            failed_streams=tuple(entry.get("failed_streams", ())),
            first_failure=_error(entry["first_failure"]) if "first_failure" in entry else None,
            started=entry.get("started"),
            note=entry.get("note", ""),
        )

    def _read(self, read: Callable[[Any], T], value: Any) -> T:
        try:
            return read(value)
        except Exception as error:
            # What another version wrote there raises whatever it makes its readers raise.
            raise self._diverged("cannot read what it holds") from error

    def life(self) -> StreamLife:
        """The life that the first entry begins."""
        return self._read(life_from_json, self._entries[0]["life"])

    def before_transition(self, machine: Lifecycle) -> None:
        """Remember where the machine was."""
        self._source = leaf(machine)

    def after_transition(self, event: Any, machine: Lifecycle) -> None:
        """Compare the arrow with the entry, and go on to the next."""
        walked = f"{self._source} --{event}--> {leaf(machine)}"
        if walked != _arrow(self._current()):
            raise self._diverged(f"went {walked}")
        self.path.append(leaf(machine))
        self.index += 1

    def _current(self) -> Entry:
        if self.index >= len(self._entries):
            raise _EndOfJournal
        return self._entries[self.index]

    def _diverged(self, found: str) -> _Diverged:
        return _Diverged(Divergence(self.index, _arrow(self._entries[self.index]), found))


def replay(entries: Sequence[Entry]) -> Replayed:
    """Drive a fresh machine through one life's entries, in their order.

    Raises ConfigError for entries that are no life: empty, or of several machines.
    """
    recorded = _Recorded(entries)
    try:
        machine = _machine(entries, recorded)
        while recorded.index < len(entries):
            event = entries[recorded.index]["event"]
            if event not in {str(e) for e in machine.allowed_events}:
                raise recorded._diverged(f"does not take {event} in {leaf(machine)}")  # noqa: SLF001
            if "reason" in entries[recorded.index]:
                machine.model.fail(_error(entries[recorded.index]["reason"]))
            machine.send(event)
    except _EndOfJournal:
        pass
    except _Diverged as diverged:
        return Replayed(
            path=tuple(recorded.path), divergence=diverged.divergence, format=format_of(entries[0])
        )
    return Replayed(path=tuple(recorded.path), divergence=None, failure=machine.model.failure)


def lives(entries: Sequence[Entry]) -> list[list[Entry]]:
    """A journal's entries, one list per life: one run's machine of one stream, or of the destination."""
    found: dict[tuple[str, str, str | None], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry["run"], entry["machine"], entry.get("stream")), []).append(entry)
    return list(found.values())


def _machine(entries: Sequence[Entry], recorded: _Recorded) -> Lifecycle:
    if not entries:
        raise ConfigError("The journal is empty.", remedy="Give a journal with at least one entry.")
    first = entries[0]
    if first["machine"] == "destination":
        return destination_lifecycle(SyncLife(), recorded, SetClock(), recorded)
    if "life" not in first:
        raise ConfigError(
            "The journal does not begin with the start of a life.",
            remedy="Give the whole journal of the run.",
        )
    return stream_lifecycle(recorded.life(), recorded, SetClock(), recorded)


def _arrow(entry: Entry) -> str:
    return f"{entry['from']} --{entry['event']}--> {entry['to']}"


def _error(text: str) -> DataflowError:
    kind, _, message = text.partition(": ")
    kinds = {error.failure_type: error for error in (ConfigError, TransientError, InternalError)}
    return kinds.get(kind, InternalError)(message)
