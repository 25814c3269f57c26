"""Decides when a STATE may be emitted that covers streams whose table each sync replaces. Emits none itself.

A STATE promises that the records before it need not be sent again. The next sync keeps nothing of such a stream, so
a client that goes on from a STATE of it would leave the table with the rest alone. Decision 0029
in docs/decisions has the reasons.
"""

from collections.abc import Callable, Collection, Iterable

from dataflow.catalog import DestinationStream, SyncMode
from dataflow.protocol import State, StateKind, said_of_streams
from dataflow.types import StreamName

WITHHELD = "No STATE of {} is emitted: each sync replaces the table, and so needs all of its records again."
WAITING = "A STATE that names {} is emitted when the stream is published: each sync replaces its table."


class StateGate:
    """Which STATEs of a sync of these streams wait or are withheld. It logs the first of each kind."""

    def __init__(self, streams: Iterable[DestinationStream], log: Callable[[str, str], None]) -> None:
        self._replaced = {stream.name: stream.sync_mode for stream in streams if stream.replaces_each_time}
        self._log = log
        self._logged = set[str]()

    def waits_for(self, state: State) -> Collection[StreamName] | None:
        """The streams that must be published before it is emitted, in this sync; None if it is never emitted."""
        promised = self._promised(state) if self._replaced else {}
        if not promised:
            return ()
        kept = [name for name, promises in promised.items() if promises and self._goes_on(state, name)]
        if kept:
            self._log_once(WITHHELD, kept)
            return None
        self._log_once(WAITING, promised.keys())
        return promised.keys()

    def _promised(self, state: State) -> dict[StreamName, bool]:
        """The replaced streams that a STATE names, and whether it says that records of theirs need not come again."""
        if state.kind is StateKind.LEGACY:
            return dict.fromkeys(self._replaced, True)
        return {name: promises for name, promises in said_of_streams(state).items() if name in self._replaced}

    def _goes_on(self, state: State, name: StreamName) -> bool:
        """Whether a client may go on from this STATE with the stream: nobody else has any use for its own STATE."""
        return state.kind is StateKind.STREAM or self._replaced[name] is SyncMode.INCREMENTAL

    def _log_once(self, words: str, names: Collection[StreamName]) -> None:
        if words not in self._logged:
            self._logged.add(words)
            self._log("INFO", words.format(", ".join(sorted(map(str, names)))))
