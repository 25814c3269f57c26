"""A process that packs chunks: an order, then chunks in, what they hold out. Reads no input, writes no database.

It ends with the pipe it is fed by, so nothing is left of it when the process that started it is killed.
"""

import gc
import itertools
import os
import sys
import traceback

from attrs import frozen

from dataflow import wire
from dataflow.parcel import Packed, Packer
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
    """Pack what stdin brings."""
    # A chunk makes many short-lived tuples and no cycles: looking for cycles cost a fifth of the CPU.
    gc.freeze()
    gc.disable()
    parcels = os.dup(sys.stdout.fileno())
    # Whatever else prints, prints to stderr.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        pack_all(sys.stdin.fileno(), parcels)
    except (EOFError, BrokenPipeError):
        os._exit(0)


if __name__ == "__main__":
    main()
