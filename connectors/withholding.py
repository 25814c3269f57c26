"""Withholds the STATEs of streams that each sync brings whole. Decides; tells none itself.

A STATE that was told promises that the records before it need not be sent again. Where the next sync replaces
what this one brought they must be, and so the promise cannot be given; CONTRIBUTING.md tells more.
"""

from collections.abc import Callable, Collection

from dataflow.protocol import State, log_message
from dataflow.types import StreamName


def withholding(
    streams: Collection[StreamName], write_line: Callable[[bytes], None]
) -> Callable[[State], bool]:
    """Whether a STATE may be told: none that covers one of these streams, theirs or one that covers all.

    The first that may not is told of in the log.
    """
    withheld = False

    def may_tell(state: State) -> bool:
        nonlocal withheld
        covers = bool(streams) if state.stream is None else state.stream in streams
        if covers and not withheld:
            withheld = True
            names = ", ".join(sorted(map(str, streams)))
            write_line(
                log_message(
                    "INFO", f"No STATE is told of {names}: with each overwrite new, each begins anew."
                )
            )
        return not covers

    return may_tell
