"""The reading side of a pipeline: from the input to parcels in its owner's mailbox, on threads of its own.

Packing is pure, so it can be done here or in other processes; either way the parcels come in input order.
"""

import os
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from attrs import define, field

from dataflow import wire
from dataflow.errors import InternalError, TransientError
from dataflow.mailbox import EndOfInput, Mailbox
from dataflow.packing import Defect, Order
from dataflow.parcel import Packed, Packer
from dataflow.processes import Pipes, Processes
from dataflow.reader import chunks, widen


class Intake(Protocol):
    """Where a pipeline's parcels come from."""

    def start(self, source: int, order: Order, mailbox: Mailbox) -> None:
        """Begin to read the file descriptor; every letter of input comes from here, EndOfInput last."""
        ...

    def close(self) -> None:
        """Nothing more is wanted; the mailbox is closed already. May be called without a start, and twice."""
        ...


def intake_of(processes: Processes | None) -> Intake:
    """An intake that packs in these processes, or in this one when there are none."""
    return ProcessIntake(processes) if processes is not None else OwnIntake()


class OwnIntake:
    """Reads and packs in this process, on one thread: for a single core, and for short inputs."""

    def start(self, source: int, order: Order, mailbox: Mailbox) -> None:
        """Begin to read."""

        def read() -> None:
            packer = Packer(order.shapes, order.most_rows)
            for chunk in chunks(source, order.chunk_bytes):
                if not mailbox.put_input(packer.pack(chunk)):
                    return
            mailbox.put_input(EndOfInput())

        _on_thread("reader", read, mailbox)

    def close(self) -> None:
        """The reader leaves by itself, at the mailbox or with the process."""


@define
class PackingProcess:
    """Another process that packs chunks. It ends when our ends of its pipes do, however that comes about."""

    pipes: Pipes
    _sending: threading.Lock = field(factory=threading.Lock, repr=False)
    _released: bool = field(default=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for pipe in self.pipes:
            widen(pipe)

    def send(self, value: object) -> None:
        """Hand it its order, then chunks. Raises BrokenPipeError when it has gone."""
        with self._sending:
            if self._released:
                raise BrokenPipeError
            wire.send(self.pipes.chunks, value)

    def receive(self) -> Packed:
        """What its next chunk held. Raises EOFError when it has gone, InternalError for a defect."""
        found = wire.receive(self.pipes.parcels)
        if isinstance(found, Defect):
            raise InternalError(
                f"Unexpected {found.kind} while reading the input.",
                remedy="What was told is safe. Report this, with what stands on stderr.",
            )
        packed: Packed = found
        return packed

    def release(self) -> None:
        """Give up its pipes, once it has ended and nobody receives from it."""
        # The reader may still come with a chunk, and the pipe's number may be another file's by then.
        with self._sending:
            self._released = True
            os.close(self.pipes.chunks)
        os.close(self.pipes.parcels)


class ProcessIntake:
    """Reads here and packs in other processes, in turn: one thread hands out chunks, one takes in parcels."""

    def __init__(self, processes: Processes) -> None:
        """The processes are this intake's from now on."""
        self._all = processes
        self._processes = [PackingProcess(pipes) for pipes in processes.pipes]
        self._turns: SimpleQueue[PackingProcess | BaseException | None] = SimpleQueue()
        self._unpacker: threading.Thread | None = None

    def start(self, source: int, order: Order, mailbox: Mailbox) -> None:
        """Begin to read."""
        turns, processes = self._turns, self._processes

        def hand_out() -> None:
            try:
                for process in processes:
                    process.send(order)
                for number, chunk in enumerate(chunks(source, order.chunk_bytes)):
                    process = processes[number % len(processes)]
                    # Its turn comes first: should it have gone, the taker-in finds out and says how.
                    turns.put(process)
                    process.send(chunk)
                turns.put(None)
            except BaseException as error:  # noqa: BLE001 - the taker-in passes it on in its turn
                turns.put(error)

        def take_in() -> None:
            while (turn := turns.get()) is not None:
                if isinstance(turn, BaseException):
                    raise turn
                try:
                    packed = turn.receive()
                except EOFError as error:
                    raise _gone(self._all) from error
                if not mailbox.put_input(packed):
                    return
            mailbox.put_input(EndOfInput())

        threading.Thread(target=hand_out, daemon=True, name="reader").start()
        self._unpacker = _on_thread("unpacker", take_in, mailbox)

    def close(self) -> None:
        """End the processes."""
        processes, self._processes = self._processes, []
        self._all.end()
        self._turns.put(None)
        if self._unpacker is not None:
            self._unpacker.join()
        for process in processes:
            process.release()


def _gone(processes: Processes) -> TransientError:
    code = processes.parent.wait()
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return TransientError(
        f"A process that packs the input ended by {how}.",
        doing="reading the input",
        remedy="What was told is safe. If the machine ran out of memory, give it more; then sync again.",
    )


def _on_thread(name: str, work: Callable[[], None], mailbox: Mailbox) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again on the owner's thread
            mailbox.put_input(EndOfInput(error))

    thread = threading.Thread(target=run, daemon=True, name=name)
    thread.start()
    return thread
