"""What is going on in a sync, as a value: made of what its machines and its writer report. Draws and decides nothing.

Several threads report: the owner and the starters their transitions, the writers their flushes, the owner each emitted
STATE. Another thread calls `now` and shows it. Moments are of the clock's `monotonic`, so that setting a clock makes no
operation older.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import evolve, field, frozen
from statemachine import State

from dataflow.runtime import Runtime
from machines.journal.entries import Entry
from machines.lifecycle import ENDS, Lifecycle


class Reading(Protocol):
    """What has been read of a stream so far: records, and bytes of their lines."""

    read: int
    read_bytes: int


@frozen(kw_only=True)
class Writing:
    """A flush that is on its way."""

    rows: int
    since: float


@frozen(kw_only=True)
class Going:
    """One machine's life. `operation` is what its state asked for, from `since` on; None where it asks nothing.

    `writing` has the flushes that are on their way, by the numbers of their writers.
    """

    state: str = "idle"
    operation: str | None = None
    since: float = 0.0
    began: float = 0.0
    read: int = 0
    size: int = 0
    written: int = 0
    rejected: int = 0
    writing: Mapping[int, Writing] = field(factory=dict)
    failure: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDS

    def busy_since(self, now: float) -> float:
        """Seconds for which its operation, or the oldest of its flushes, is at work."""
        moments = [self.since] if self.operation is not None else []
        moments += [each.since for each in self.writing.values()]
        return now - min(moments, default=now)


@frozen(kw_only=True)
class Progress:
    """The whole sync at a moment. `emitted_at` is when a STATE was emitted last."""

    began: float
    at: float
    destination: Going = field(factory=Going)
    streams: Mapping[str, Going] = field(factory=dict)
    emitted_at: float | None = None

    @property
    def read(self) -> int:
        """Records of all streams."""
        return sum(stream.read for stream in self.streams.values())

    @property
    def size(self) -> int:
        """Bytes of them."""
        return sum(stream.size for stream in self.streams.values())

    @property
    def written(self) -> int:
        """Rows that are durable."""
        return sum(stream.written for stream in self.streams.values())


# -- what is reported changes the value


def entered(going: Going, state: str, operation: str | None, now: float) -> Going:
    """A machine came into a state, and what the state asks for begins."""
    again = state == going.state
    return evolve(
        going,
        state=state,
        operation=operation,
        since=going.since if again else now,
        began=going.began or now,
    )


def heard(going: Going, entry: Entry) -> Going:
    """A transition ended: what its state asked for is done, and a flush is durable."""
    failure = entry.get("error") or entry.get("reason")
    return evolve(
        going,
        operation=None,
        written=going.written + entry.get("written", 0),
        rejected=going.rejected + entry.get("rejected", 0),
        failure=going.failure or failure,
    )


class Watch:
    """Holds the value between the threads."""

    def __init__(self, runtime: Runtime) -> None:
        self._clock = runtime.clock
        self._changing = runtime.threads.lock()
        self._began = self._clock.monotonic()
        self._lives: dict[str | None, Going] = {None: Going()}
        self._readings: Mapping[str, Reading] = {}
        self._emitted_at: float | None = None

    def listener(self, stream: str | None) -> "Listener":
        """Hears what a machine enters. It must come before the executor, which then performs it."""
        return Listener(self, stream)

    def entered(self, stream: str | None, state: str, operation: str | None) -> None:
        """A machine came into a state."""
        with self._changing:
            self._lives[stream] = entered(
                self._lives.get(stream, Going()), state, operation, self._clock.monotonic()
            )

    def heard(self, entry: Entry) -> None:
        """A transition was written down."""
        stream = entry.get("stream")
        with self._changing:
            self._lives[stream] = heard(self._lives.get(stream, Going()), entry)

    def reading(self, readings: Mapping[str, Reading]) -> None:
        """From here on this says how much was read."""
        self._readings = readings

    def writing(self, stream: str, writer: int, rows: int | None) -> None:
        """The writer of this number writes `rows` rows of the stream; None: it is done with them."""
        with self._changing:
            going = self._lives[stream]
            others = {number: each for number, each in going.writing.items() if number != writer}
            begun = {writer: Writing(rows=rows, since=self._clock.monotonic())} if rows is not None else {}
            self._lives[stream] = evolve(going, writing={**others, **begun})

    def emitted(self) -> None:
        """A STATE was emitted."""
        self._emitted_at = self._clock.monotonic()

    def now(self) -> Progress:
        """The value as it is."""
        with self._changing:
            lives = dict(self._lives)
        destination = lives.pop(None)
        streams = {name: self._with_reading(name, going) for name, going in lives.items() if name is not None}
        return Progress(
            began=self._began,
            at=self._clock.monotonic(),
            destination=destination,
            streams=streams,
            emitted_at=self._emitted_at,
        )

    def _with_reading(self, name: str, going: Going) -> Going:
        reading = self._readings.get(name)
        return evolve(going, read=reading.read, size=reading.read_bytes) if reading is not None else going


class Listener:
    """Reports to a watch what one machine enters."""

    def __init__(self, watch: Watch, stream: str | None) -> None:
        self._watch = watch
        self._stream = stream

    def on_enter_state(self, target: State, machine: Lifecycle, **_: Any) -> None:
        """A compound asks for nothing by itself; the state inside it follows."""
        if not target.is_compound:
            operation = machine.OPERATIONS.get(str(target.id))
            self._watch.entered(self._stream, str(target.id), operation)
