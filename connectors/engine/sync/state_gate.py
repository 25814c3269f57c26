"""Decides when a STATE may be emitted that covers streams whose table each sync replaces. Emits none itself.

A STATE promises that the records before it need not be sent again. The next sync keeps nothing of such a stream, so
a client that goes on from a STATE of it would leave the table with the rest alone. CONTRIBUTING.md tells the whole.
"""

from collections.abc import Callable, Collection, Iterable

from dataflow.catalog import DestinationStream, SyncMode
from dataflow.protocol import State, StateKind, log_message, said_of_streams
from dataflow.types import StreamName

WITHHELD = "No STATE of {} is emitted: each sync replaces the table, and so needs all of its records again."
WAITING = "A STATE that names {} is emitted when the stream is published: each sync replaces its table."


def withholding(
    streams: Iterable[DestinationStream], write_line: Callable[[bytes], None]
) -> Callable[[State], Collection[StreamName] | None]:
    """What a STATE waits for: the streams that must be published first, in this sync; None where it is never emitted.

    The log is told of each kind once.
    """
    replaced = {stream.name: stream.sync_mode for stream in streams if stream.replaces_each_time}
    told = set[str]()

    def mention(words: str, names: Collection[StreamName]) -> None:
        if words not in told:
            told.add(words)
            write_line(log_message("INFO", words.format(", ".join(sorted(map(str, names))))))

    def waits_for(state: State) -> Collection[StreamName] | None:
        promised = _promised(state, replaced) if replaced else {}
        if not promised:
            return ()
        kept = [name for name, promises in promised.items() if promises and _goes_on(state, replaced[name])]
        if kept:
            mention(WITHHELD, kept)
            return None
        mention(WAITING, promised.keys())
        return promised.keys()

    return waits_for


def _promised(state: State, replaced: Collection[StreamName]) -> dict[StreamName, bool]:
    """The replaced streams that a STATE names, and whether it says that something of them need not be sent again."""
    if state.kind is StateKind.LEGACY:
        return dict.fromkeys(replaced, True)
    return {name: promises for name, promises in said_of_streams(state).items() if name in replaced}


def _goes_on(state: State, mode: SyncMode) -> bool:
    """Whether a client may go on from this STATE with the stream: of its own STATE nobody else has any use."""
    return state.kind is StateKind.STREAM or mode is SyncMode.INCREMENTAL
