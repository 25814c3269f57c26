"""The reading side of a pipeline: from the input to parcels in its owner's inbox, on a thread of its own.

The thread works beside the others: the compiled reader holds no lock that Python needs.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from attrs import frozen

from dataflow.errors import DataflowError, InternalError
from dataflow.input.lines import chunks
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.pipeline.inbox import EndOfInput, Inbox
from dataflow.runtime.threads import Threads
from dataflow.shape import Shape

P = ParamSpec("P")
T = TypeVar("T")


@frozen(kw_only=True)
class Order:
    """How to read and parse the input: for these streams, in chunks of about `chunk_bytes`."""

    shapes: Sequence[Shape]
    chunk_bytes: int
    most_rows: int


class Source(Protocol):
    """An input that is no stream of lines: it makes typed rows by itself."""

    def parsed(self, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
        """All of it, in order, on the reader's thread. Raises DataflowError for input that cannot be used."""
        ...


class Intake:
    """The source of a pipeline's parcels. Any thread can stop it, also before it was started."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._deciding = threads.lock()
        self._inbox: Inbox | None = None
        self._reason: EndOfInput | None = None
        # Set when it was stopped.
        self.stopped = threads.event()

    def start(self, source: int | Source, order: Order, inbox: Inbox) -> None:
        """Begin to read the file descriptor, or the other source, unless it was stopped already.

        Every event of input comes from here, EndOfInput last. The thread ends at the end of the input, when the
        inbox is closed, or with the process.
        """
        with self._deciding:
            self._inbox = inbox
            if self._reason is not None:
                inbox.stop(self._reason)
                return
            self._threads.start(partial(_read, source, order, inbox), "reader")

    def stop(self, reason: DataflowError) -> None:
        """Let the input end here, with this as its reason; the first one counts."""
        with self._deciding:
            if self._reason is None:
                self._reason = EndOfInput(reason)
                self.stopped.set()
                if self._inbox is not None:
                    self._inbox.stop(self._reason)


def _read(source: int | Source, order: Order, inbox: Inbox) -> None:
    try:
        for packed in (
            _of_lines(source, order, inbox) if isinstance(source, int) else _of(source, order, inbox)
        ):
            # It may be large, and we may have to wait.
            if not inbox.put_input(packed):
                return
            del packed
        inbox.put_input(EndOfInput())
    except BaseException as error:  # noqa: BLE001 - it is raised again on the main thread
        inbox.put_input(EndOfInput(error))


def _of_lines(source: int, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
    packer = _guarded(Packer, order.shapes, order.most_rows)
    for chunk in chunks(source, order.chunk_bytes, inbox.budget, inbox.runtime):
        packed = _guarded(packer.pack, chunk)
        # While its receiver waits for room, nobody keeps the chunk.
        del chunk
        yield packed
        del packed


def _of(source: Source, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
    parsed = source.parsed(order, inbox)
    while (packed := _guarded(next, parsed, None)) is not None:
        yield packed
        del packed


def _guarded(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Returns `work`'s result. An unexpected exception is raised again without its message, which may be a record's."""
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
