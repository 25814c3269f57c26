"""The logs of the sources' streams: what record stands at which place, and how it looks as a message. Sends nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from zlib import crc32

from attrs import frozen

from connectors.simulation.plan import Asked, Plan, Scope
from connectors.simulation.scheduler import BEGINNING

INTEGER, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
FIELDS = {"seq": INTEGER, "id": INTEGER, "updated": INTEGER, "name": TEXT}
# What a catalog may declare beside them.
SCHEMAS: Sequence[Mapping[str, object]] = (
    {"n": INTEGER},
    {"n": INTEGER, "extra": TEXT},
    {},
    {"n": NUMBER},
    {"n": TEXT},
    {"n": INTEGER, "Extra": TEXT, "extra": INTEGER},
    {"n": INTEGER, "id": TEXT},
    # To a database with plain names the first is the third, and the second is the third with its hash.
    {"n": INTEGER, "Extra": TEXT, "Extra_2851366b1a90": TEXT, "extra": INTEGER},
)
# More than a log has records.
LINEAGE = 1000
# Records that a stream sends before it is another's turn.
TOGETHER = 2
EMITTED_AT = int(BEGINNING * 1000)
# What a source says of a stream before its records; the protocol does not have the last word.
WORDS = ("STARTED", "RUNNING", "PAUSED")
LOG = b'{"type": "LOG", "log": {"level": "INFO", "message": "On its way."}}\n'
# How many records there are for one with a late cursor, a value that its column does not hold, a key that is a text.
LATE, DIRTY, MISFIT = 7, 11, 13
LATENESS = 35
# Retries send the same again, and logs of other histories have the same records.
KEPT = 50_000


@frozen
class Record:
    """A record of a stream's log. `seq` is no other's of the stream; `rank` says which of a key is the later."""

    seq: int
    id: str
    updated: int
    name: str
    # None where the source sends a text.
    n: int | None

    @property
    def rank(self) -> tuple[int, int]:
        """The latest by cursor, then by arrival."""
        return self.updated, self.seq

    @property
    def lineage(self) -> int:
        """The log that it belongs to."""
        return self.seq // LINEAGE


@frozen
class Message:
    """A line that the source sends: a record, a STATE that covers streams, or the COMPLETE of a stream."""

    line: bytes
    stream: str
    record: Record | None = None
    covers: tuple[str, ...] = ()
    completes: bool = False


def record_of(plan: Plan, stream: str, lineage: int, at: int) -> Record:
    """The record at a place of a stream's log."""
    return _record_at(stream, lineage, at, plan.keys, misfits=plan.misfits, dirty=plan.dirty)


@lru_cache(KEPT)
def _record_at(stream: str, lineage: int, at: int, keys: int, *, misfits: bool, dirty: bool) -> Record:
    chance = crc32(b"%s %d %d" % (stream.encode(), lineage, at))
    late = LATENESS if chance % LATE == 0 else 0
    key = chance % keys
    return Record(
        seq=lineage * LINEAGE + at,
        id=f"k{key}" if misfits and chance % MISFIT == 0 else str(key),
        updated=max(0, at * 10 - late),
        name=f"{stream} {lineage} {at}",
        n=None if dirty and chance % DIRTY == 0 else at,
    )


def messages(plan: Plan, asked: Sequence[Asked], heard: Mapping[tuple[str, int], int]) -> Iterator[Message]:
    """All that a source sends: the streams' records in turns, STATEs in between, and each stream's COMPLETE.

    What was `heard` counts as it is now, though the messages are made as they are asked for.
    """
    places = {
        each.stream: (each.lineage, 0 if each.starts_over else heard.get((each.stream, each.lineage), 0))
        for each in asked
    }
    return _in_turns([_stream(plan, each, places) for each in asked])


def _in_turns(talks: list[Iterator[list[Message]]]) -> Iterator[Message]:
    while talks:
        for talk in list(talks):
            said = next(talk, None)
            if said is None:
                talks.remove(talk)
            else:
                yield from said


@lru_cache(KEPT)
def catalog(asked: tuple[Asked, ...]) -> bytes:
    """The configured catalog of a sync."""
    return json.dumps({"streams": [_configured(each) for each in asked]}).encode()


def _stream(plan: Plan, asked: Asked, places: dict[str, tuple[int, int]]) -> Iterator[list[Message]]:
    """What a stream's part of the source sends, some lines in each of its turns. It keeps its place up to date."""
    stream, lineage = asked.stream, asked.lineage
    at, since, part = places[stream][1], 0, 1
    yield [Message(_status(stream, word), stream) for word in WORDS] + [Message(LOG, stream)]
    while True:
        said = []
        for _ in range(min(TOGETHER, asked.until - at)):
            record = record_of(plan, stream, lineage, at)
            partition = f"p{part}" if plan.scope is Scope.PARTITION else None
            said.append(_of_record(stream, record, partition))
            at, since = at + 1, since + 1
        places[stream] = lineage, at
        done = at >= asked.until
        if done or since >= plan.state_every:
            covers = tuple(places) if plan.scope is Scope.GLOBAL else (stream,)
            state = Message(_state(plan, places, stream, (part, since)), stream, covers=covers)
            # A state that names its partition may come before the partition's last records.
            early = plan.scope is Scope.PARTITION and part % 2 == 0
            said = [state, *said] if early else [*said, state]
            since, part = 0, part + 1
        if done:
            said.append(Message(_status(stream, "COMPLETE"), stream, completes=True))
        yield said
        if done:
            return


def _configured(asked: Asked) -> Mapping[str, object]:
    fields = {**FIELDS, **SCHEMAS[asked.schema]}
    generations = {} if asked.minimum is None else {"generation_id": asked.generation}
    return {
        "stream": {"name": asked.stream, "json_schema": {"type": "object", "properties": fields}},
        "sync_mode": "incremental",
        "destination_sync_mode": asked.mode,
        "primary_key": [["id"]] if asked.dedupes else [],
        "cursor_field": ["updated"],
        "minimum_generation_id": asked.minimum,
        "sync_id": 1,
        **generations,
    }


@lru_cache(KEPT)
def _of_record(stream: str, record: Record, partition: str | None) -> Message:
    data = {
        "seq": record.seq,
        "id": int(record.id) if record.id.isdigit() else record.id,
        "updated": record.updated,
        "name": record.name,
        "n": "dirt" if record.n is None else record.n,
        "extra": "more",
        "Extra": record.updated,
    }
    body = {"stream": stream, "emitted_at": EMITTED_AT, "data": data}
    named = {"partition_id": partition} if partition is not None else {}
    return Message(_line({"type": "RECORD", "record": {**body, **named}}), stream, record)


def _state(
    plan: Plan, places: Mapping[str, tuple[int, int]], stream: str, partition: tuple[int, int]
) -> bytes:
    """A STATE: the lineage and place of a stream, or of all of them. `partition`: its number, and its records."""
    said = [
        {"stream_descriptor": {"name": name}, "stream_state": {"lineage": lineage, "at": at}}
        for name, (lineage, at) in places.items()
        if plan.scope is Scope.GLOBAL or name == stream
    ]
    number, records = partition
    state: dict[str, object] = {"type": "STREAM", "stream": said[0]}
    if plan.scope is Scope.GLOBAL:
        state = {"type": "GLOBAL", "global": {"shared_state": {"of": "all"}, "stream_states": said}}
    if plan.scope is Scope.PARTITION:
        counted = {"sourceStats": {"recordCount": float(records)}}
        state |= {"id": number, "partition_id": f"p{number}", **counted}
    return _line({"type": "STATE", "state": state})


@cache
def _status(stream: str, word: str) -> bytes:
    status = {"stream_descriptor": {"name": stream}, "status": word}
    trace = {"type": "STREAM_STATUS", "emitted_at": EMITTED_AT, "stream_status": status}
    return _line({"type": "TRACE", "trace": trace})


def incomplete(stream: str) -> bytes:
    """The source gives a stream up."""
    return _status(stream, "INCOMPLETE")


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"
