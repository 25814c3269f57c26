"""The reading side of a pipeline: from the input to parcels in its owner's mailbox, on a thread of its own.

The thread works beside the others: the compiled reader holds no lock that Python needs.
"""

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import ParamSpec, TypeVar

from attrs import frozen

from dataflow.errors import DataflowError, InternalError
from dataflow.input.lines import chunks
from dataflow.input.packer import Packer
from dataflow.pipeline.inbox import EndOfInput, Mailbox
from dataflow.runtime.threads import Threads
from dataflow.shape import Shape

P = ParamSpec("P")
T = TypeVar("T")


@frozen(kw_only=True)
class Order:
    """How the input is to be read and packed: for these streams, about so much at a time."""

    shapes: Sequence[Shape]
    chunk_bytes: int
    most_rows: int


class Intake:
    """Where a pipeline's parcels come from. It can be told to stop, from any thread: also before it was started."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._deciding = threads.lock()
        self._mailbox: Mailbox | None = None
        self._reason: EndOfInput | None = None
        # Since it was told to stop.
        self.stopped = threads.event()

    def start(self, source: int, order: Order, mailbox: Mailbox) -> None:
        """Begin to read the file descriptor, unless it was stopped already.

        Every letter of input comes from here, EndOfInput last. The thread leaves at the end of the input, at a
        mailbox that is closed, or with the process.
        """
        with self._deciding:
            self._mailbox = mailbox
            if self._reason is not None:
                mailbox.stop(self._reason)
                return
            self._threads.start(partial(_read, source, order, mailbox), "reader")

    def stop(self, reason: DataflowError) -> None:
        """Let the input end here, with this as its reason; the first one counts."""
        with self._deciding:
            if self._reason is None:
                self._reason = EndOfInput(reason)
                self.stopped.set()
                if self._mailbox is not None:
                    self._mailbox.stop(self._reason)


def _read(source: int, order: Order, mailbox: Mailbox) -> None:
    try:
        packer = _guarded(Packer, order.shapes, order.most_rows)
        for chunk in chunks(source, order.chunk_bytes, mailbox.budget, mailbox.runtime):
            packed = _guarded(packer.pack, chunk)
            # It may be large, and we may have to wait.
            del chunk
            if not mailbox.put_input(packed):
                return
            del packed
        mailbox.put_input(EndOfInput())
    except BaseException as error:  # noqa: BLE001 - it is raised again on the owner's thread
        mailbox.put_input(EndOfInput(error))


def _guarded(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What it gives. A defect of it is told without what it says, which may quote a record."""
    try:
        return work(*given, **named)
    except DataflowError:
        raise
    except Exception as error:  # noqa: BLE001 - raised below, without its words
        # Places only.
        traceback.print_tb(error.__traceback__)
        kind = type(error).__name__
    raise InternalError(
        f"Unexpected {kind} while reading the input.",
        remedy="All acknowledged records are safe. Report this, with the output on stderr.",
    )
