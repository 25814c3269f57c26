"""Withholds the STATEs of streams that each sync brings whole. Lets every other line pass as it is.

A STATE that was told promises that the records before it need not be sent again. Where the next sync replaces
what this one brought they must be, and so the promise cannot be given; CONTRIBUTING.md tells more.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

from dataflow.protocol import log_message
from dataflow.types import StreamName

_STATE = b'{"type":"STATE"'


def withholding(
    streams: Collection[StreamName], write_line: Callable[[bytes], None]
) -> Callable[[bytes], None]:
    """Writes lines, but no STATE that covers one of these streams: theirs, or one that covers all."""
    if not streams:
        return write_line
    withheld: list[bytes] = []

    def write(line: bytes) -> None:
        if not line.startswith(_STATE) or not _covers(json.loads(line)["state"].get("stream"), streams):
            write_line(line)
        elif not withheld:
            # Once is enough.
            withheld.append(line)
            names = ", ".join(sorted(map(str, streams)))
            write_line(
                log_message(
                    "INFO", f"No STATE is told of {names}: with each overwrite new, each begins anew."
                )
            )

    return write


def _covers(stream: Any, streams: Collection[StreamName]) -> bool:
    if stream is None:
        return True
    descriptor = stream["stream_descriptor"]
    return StreamName(descriptor.get("namespace") or None, descriptor["name"]) in streams
