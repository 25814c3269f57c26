"""The source of a run: what it sends of each stream's log, from where the platform heard the last STATE."""

import fcntl
import json
import os
import struct
import termios
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from zlib import crc32

from attrs import frozen

from connectors.simulation.plan import GLOBAL, Asked, Plan
from connectors.simulation.scheduler import BEGINNING, NEVER, Scheduler

INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
FIELDS = {"seq": INTEGER, "id": INTEGER, "updated": INTEGER, "name": TEXT}
LINEAGE = 1000
# Records that a stream sends before it is another's turn.
TOGETHER = 2


@frozen(order=True)
class Record:
    """A record of a stream's log. `seq` is no other's of the stream; `rank` says which of a key is the later."""

    seq: int
    id: int
    updated: int
    name: str

    @property
    def rank(self) -> tuple[int, int]:
        """The latest by cursor, then by arrival."""
        return self.updated, self.seq

    @property
    def lineage(self) -> int:
        """The log that it belongs to."""
        return self.seq // LINEAGE


def record_of(stream: str, lineage: int, at: int, keys: int) -> Record:
    """The record at a place of a stream's log."""
    chance = crc32(b"%s %d %d" % (stream.encode(), lineage, at))
    late = 35 if chance % 7 == 0 else 0
    return Record(
        seq=lineage * LINEAGE + at,
        id=chance % keys,
        updated=max(0, at * 10 - late),
        name=f"{stream} {lineage} {at}",
    )


@frozen
class Message:
    """A line that the source sends: a record, a STATE that covers streams, or the COMPLETE of a stream."""

    line: bytes
    stream: str
    record: Record | None = None
    covers: tuple[str, ...] = ()
    completes: bool = False


def catalog(asked: Sequence[Asked]) -> bytes:
    """The configured catalog of a sync."""
    return json.dumps({"streams": [_configured(each) for each in asked]}).encode()


def _configured(asked: Asked) -> Mapping[str, object]:
    return {
        "stream": {
            "name": asked.stream,
            "json_schema": {"type": "object", "properties": FIELDS},
        },
        "sync_mode": "incremental",
        "destination_sync_mode": asked.mode,
        "primary_key": [["id"]] if asked.dedupes else [],
        "cursor_field": ["updated"],
        "generation_id": asked.generation,
        "minimum_generation_id": asked.minimum,
        "sync_id": 1,
    }


def record_line(stream: str, record: Record) -> bytes:
    """The record as a message."""
    data = {"seq": record.seq, "id": record.id, "updated": record.updated, "name": record.name}
    body = {"stream": stream, "emitted_at": int(BEGINNING * 1000), "data": data}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


def state_line(plan: Plan, places: Mapping[str, tuple[int, int]], stream: str) -> bytes:
    """A STATE: the lineage and place of a stream, or of all of them."""
    said = [
        {"stream_descriptor": {"name": name}, "stream_state": {"lineage": lineage, "at": at}}
        for name, (lineage, at) in places.items()
        if plan.scope == GLOBAL or name == stream
    ]
    if plan.scope == GLOBAL:
        state: object = {"type": GLOBAL, "global": {"shared_state": {"of": "all"}, "stream_states": said}}
    else:
        state = {"type": "STREAM", "stream": said[0]}
    return json.dumps({"type": "STATE", "state": state}).encode() + b"\n"


def status_line(stream: str, word: str) -> bytes:
    """The source's word on a stream."""
    status = {"stream_descriptor": {"name": stream}, "status": word}
    trace = {"type": "STREAM_STATUS", "emitted_at": int(BEGINNING * 1000), "stream_status": status}
    return json.dumps({"type": "TRACE", "trace": trace}).encode() + b"\n"


def messages(plan: Plan, asked: Sequence[Asked], heard: Mapping[tuple[str, int], int]) -> Iterator[Message]:
    """All that a source sends: the streams' records in turns, STATEs in between, and each stream's COMPLETE."""
    places = {each.stream: (each.lineage, heard.get((each.stream, each.lineage), 0)) for each in asked}
    left = {each.stream: each for each in asked}
    number = 0
    while left:
        for stream, each in list(left.items()):
            lineage, begin = places[stream]
            end = min(begin + TOGETHER, each.until)
            for at in range(begin, end):
                record = record_of(stream, lineage, at, plan.keys)
                yield Message(record_line(stream, record), stream, record)
            places[stream] = lineage, max(begin, end)
            number += TOGETHER
            if end == each.until or number % plan.state_every == 0:
                covers = tuple(places) if plan.scope == GLOBAL else (stream,)
                yield Message(state_line(plan, places, stream), stream, covers=covers)
            if end == each.until:
                yield Message(status_line(stream, "COMPLETE"), stream, completes=True)
                del left[stream]


class Source:
    """The input of one run: a pipe into which lines come a few at a time."""

    def __init__(
        self,
        scheduler: Scheduler,
        messages: Sequence[Message],
        sent: Callable[[Iterable[Message]], None],
        at_once: int,
        pause: float,
    ) -> None:
        """`sent` is called as messages come, `at_once` at a time, with pauses of up to `pause` seconds."""
        self.read_end, self._write_end = os.pipe()
        self._scheduler = scheduler
        self._messages = list(messages)
        self._sent = sent
        self._at_once = at_once
        self._pause = pause
        self._next_at = 0.0
        self._ended = False
        # Bytes that were written into the pipe.
        self.written = 0

    @property
    def unread(self) -> int:
        """Bytes that wait in the pipe."""
        found = fcntl.ioctl(self.read_end, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", found)[0])

    def available_at(self) -> float:
        """When there is something to read."""
        return 0.0 if self._ended or self.unread else self._next_at

    def arrive(self) -> None:
        """Let the next lines come, or the end."""
        if self._ended or self.unread:
            return
        if not self._messages:
            os.close(self._write_end)
            self._ended = True
            return
        coming, self._messages = self._messages[: self._at_once], self._messages[self._at_once :]
        line = b"".join(each.line for each in coming)
        self._sent(coming)
        os.write(self._write_end, line)
        self.written += len(line)
        self._next_at = self._scheduler.time + self._scheduler.random.random() * self._pause

    def close(self) -> None:
        """Give the pipe back."""
        if not self._ended:
            os.close(self._write_end)
        os.close(self.read_end)


class Nothing:
    """The input of what reads none."""

    def available_at(self) -> float:
        """Never."""
        return NEVER

    def arrive(self) -> None:
        """Nothing comes."""
