"""Processes that pack chunks: an order, then chunks in, what they hold out. Read no input, write no database.

Each ends with the pipe it is fed by, so nothing is left of it when the process that started it is killed.
"""

import gc
import itertools
import os
import sys
import traceback
from collections.abc import Iterable

from attrs import frozen

from dataflow import wire
from dataflow.memory import keep_what_is_freed
from dataflow.parcel import Packed, Packer
from dataflow.processes import Pipes
from dataflow.structs import Shape

# In chunks.
SELDOM = 256


@frozen(kw_only=True)
class Order:
    """How the input is to be read and packed: for these streams, about so much at a time."""

    shapes: tuple[Shape, ...]
    chunk_bytes: int
    most_rows: int


@frozen
class Defect:
    """Packing failed for a reason that is not the input's: the name of the exception."""

    kind: str


def pack_all(chunks: int, parcels: int) -> None:
    """Serve one process until it closes its end."""
    order: Order = wire.receive(chunks)
    packer = Packer(order.shapes, order.most_rows)
    for number in itertools.count(1):
        wire.send(parcels, _packed(packer, wire.receive(chunks)))
        if number % SELDOM == 0:
            gc.collect()


def _packed(packer: Packer, chunk: bytes) -> Packed | Defect:
    try:
        return packer.pack(chunk)
    except Exception as error:  # noqa: BLE001 - whoever asked hears of it
        # Places only: an exception's message may quote a record.
        traceback.print_tb(error.__traceback__)
        return Defect(type(error).__name__)


def main() -> None:
    """Fork a process for each pair of pipes that the arguments number, and end as they do."""
    # A chunk makes many short-lived tuples and no cycles: looking for cycles cost a fifth of the CPU.
    gc.freeze()
    gc.disable()
    keep_what_is_freed()
    # Whatever prints, prints to stderr.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    ends = list(map(int, sys.argv[1:]))
    pipes = [Pipes(*pair) for pair in zip(ends[::2], ends[1::2], strict=True)]
    for pair in pipes:
        if os.fork() == 0:
            # A pipe is closed when nobody holds it any more.
            _close(set(ends) - set(pair))
            _serve(pair)
    _close(ends)
    _end_as_they_do(len(pipes))


def _serve(pipes: Pipes) -> None:
    """Pack until the pipe is closed; the process ends here."""
    try:
        pack_all(*pipes)
    except (EOFError, BrokenPipeError):
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a forked process must not go on as its parent
        traceback.print_tb(error.__traceback__)
    os._exit(1)


def _end_as_they_do(count: int) -> None:
    for _ in range(count):
        _, status = os.wait()
        if os.WIFSIGNALED(status):
            os.killpg(0, os.WTERMSIG(status))
        if code := os.waitstatus_to_exitcode(status):
            sys.exit(code)


def _close(ends: Iterable[int]) -> None:
    for end in ends:
        os.close(end)


if __name__ == "__main__":
    main()
