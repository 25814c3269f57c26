"""From chunks of lines to messages: both roads, the order, the sizes and the numbers of lines."""

import json
from typing import Any

import pytest

from dataflow.decoder import Decoder, Refused
from dataflow.protocol import Message, PartitionTally, Records, State, Status, StreamStatus
from dataflow.structs import Shape
from dataflow.types import INTEGER, STRING, Change, ChangeKind, ChangeReason, Column, Limits, StreamName

USERS, ORDERS, TWIN = StreamName(None, "users"), StreamName("shop", "orders"), StreamName("eu", "users")
COLUMNS = (Column("id", "id", INTEGER), Column("name", "name", STRING))


def decoder(*streams: StreamName) -> Decoder:
    return Decoder([shape(name) for name in streams or (USERS, ORDERS)])


def shape(name: StreamName, columns: tuple[Column, ...] = COLUMNS) -> Shape:
    return Shape(name=name, columns=columns, limits=Limits(), generation_id=1, sync_id=1)


def record(stream: StreamName = USERS, meta: Any = None, **data: Any) -> bytes:
    body = {"stream": stream.name, "namespace": stream.namespace, "emitted_at": 5, "data": data, "meta": meta}
    return json.dumps({"type": "RECORD", "record": body, "state": None}).encode() + b"\n"


STATE = b'{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}}\n'
COMPLETE = (
    b'{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":'
    b'{"stream_descriptor":{"name":"users"},"status":"COMPLETE"}}}\n'
)
LOG = b'{"type":"LOG","log":{"level":"INFO","message":"hello"}}\n'


def ids(messages: list[Message]) -> list[Any]:
    """Records as (stream, ids), everything else as its class."""
    return [
        (m.stream.name, [data.f0 for data in m.data]) if isinstance(m, Records) else type(m) for m in messages
    ]


def test_records_between_two_states_come_together_and_in_order() -> None:
    chunk = record(id=1) + record(id=2) + STATE + record(id=3) + COMPLETE

    messages = list(decoder().decode(chunk))

    assert ids(messages) == [("users", [1, 2]), State, ("users", [3]), StreamStatus]
    assert messages[-1] == StreamStatus(USERS, Status.COMPLETE)


def test_interleaved_streams_keep_their_own_order() -> None:
    chunk = record(id=1) + record(ORDERS, id=7) + record(id=2) + record(ORDERS, id=8)

    messages = list(decoder().decode(chunk))

    assert ids(messages) == [("users", [1, 2]), ("orders", [7, 8])]


def test_messages_that_say_nothing_to_a_destination_are_passed_over() -> None:
    other = b'{"type":"CONTROL","control":{}}\n{"type":"NEWS"}\n'

    messages = list(decoder().decode(LOG + record(id=1) + other + LOG))

    assert ids(messages) == [("users", [1])]


@pytest.mark.parametrize("noise", [b"", b"\n", b"  \n", b'{"type":"NEWS"}\n'])
def test_sizes_count_each_streams_lines_on_either_road(noise: bytes) -> None:
    first, second, other = record(id=1), record(id=2, name="x"), record(ORDERS, id=7)

    messages = list(decoder().decode(first + noise + other + second + STATE))

    sizes: dict[StreamName, int] = {}
    for message in messages:
        if isinstance(message, Records):
            sizes[message.stream] = sizes.get(message.stream, 0) + message.size
    assert sizes == {USERS: len(first) + len(second) - 2, ORDERS: len(other) - 1}


def test_a_cell_that_does_not_fit_is_nulled_and_the_rest_of_its_record_kept() -> None:
    chunk = record(id=1) + record(id=1.5, name="b") + record(id=3)

    first, second, third = decoder().decode(chunk)

    assert ids([first, second, third]) == [("users", [1]), ("users", [None]), ("users", [3])]
    assert isinstance(second, Records)
    assert second.changes == {0: (Change("id", ChangeKind.NULLED, ChangeReason.SERIALIZATION),)}
    assert second.data[0].f1 == "b"


def test_an_absent_field_and_an_explicit_null_are_the_same() -> None:
    (records,) = decoder().decode(record(id=None) + record())

    assert isinstance(records, Records)
    assert [(data.f0, data.f1) for data in records.data] == [(None, None), (None, None)]


def test_the_sources_own_changes_come_along_as_they_stand() -> None:
    changes = {"changes": [{"field": "foo", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]}

    (records,) = decoder().decode(
        record(id=1) + record(meta=changes, id=2) + record(meta={"changes": []}, id=3)
    )

    assert isinstance(records, Records)
    assert list(records.source_changes) == [1]
    assert json.loads(records.source_changes[1]) == changes["changes"][0]


def test_streams_of_one_name_in_two_namespaces_are_told_apart() -> None:
    messages = list(decoder(USERS, TWIN).decode(record(id=1) + record(TWIN, id=2)))

    assert [m.stream for m in messages if isinstance(m, Records)] == [USERS, TWIN]


@pytest.mark.parametrize(
    ("bad", "unknown"),
    [
        (b"no JSON\n", None),
        (b"[1]\n", None),
        (b'{"no":"type"}\n', None),
        (b'{"type":"RECORD"}\n', None),
        (b'{"type":"STATE","state":{"type":"STREAM"}}\n', None),
        (STATE.replace(b"}}\n", b',"stream_state":"\\ud83d"}}\n'), None),
        (record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": 1780272000000000000'), None),
        (record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": 1e300'), None),
        (b"\xff\xfe\n", None),
        (record(StreamName(None, "strangers"), id=1), StreamName(None, "strangers")),
        (record(StreamName("eu", "orders"), id=1), StreamName("eu", "orders")),
    ],
)
def test_a_line_that_cannot_be_used_is_named_by_its_number_after_what_stands_before_it(
    bad: bytes, unknown: StreamName | None
) -> None:
    seen: list[Message] = []

    with pytest.raises(Refused) as refused:  # noqa: PT012 - what came before counts too
        for message in decoder().decode(record(id=3) + b"\n" + bad + record(id=4)):
            seen.append(message)  # noqa: PERF402 - what came before the error is the point

    assert (refused.value.line, refused.value.stream) == (3, unknown)
    assert ids(seen) == [("users", [3])]


def test_a_record_may_tell_more_than_its_data_in_the_middle_of_a_chunk() -> None:
    told = record(id=2).replace(b'"stream"', b'"file_reference": {}, "partition_id": "p1", "stream"', 1)

    messages = list(decoder().decode(bare(1) + told + bare(3)))

    assert ids(messages) == [("users", [1, 2, 3])]
    assert isinstance(messages[0], Records)
    assert messages[0].partitions == {"p1": PartitionTally(records=1, size=len(told) - 1)}


def bare(number: int) -> bytes:
    return b'{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"id":%d}}}\n' % number


def test_a_records_time_may_be_a_float() -> None:
    line = b'{"type":"RECORD","record":{"stream":"users","emitted_at":5.7,"data":{"id":1}}}'

    (records,) = decoder().decode(line)

    assert isinstance(records, Records)
    assert list(records.emitted_at) == [5]


def test_a_catalog_of_streams_without_columns_is_decoded() -> None:
    (records,) = Decoder([shape(USERS, ())]).decode(record() + record(id=9))

    assert isinstance(records, Records)
    assert len(records.data) == 2


@pytest.mark.parametrize(
    ("escaped", "kept"),
    [
        (rb"a\ud800b", "a\ufffdb"),
        (rb"\udc00", "\ufffd"),
        (rb"\ud83d\ude80", "\U0001f680"),
        (rb"\ud800\ud83d\ude80", "\ufffd\U0001f680"),
        (rb"\\ud800", r"\ud800"),
        (rb"\\\ud800", "\\\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced_and_its_record_kept(escaped: bytes, kept: str) -> None:
    line = (
        b'{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"name":"' + escaped + b'"}}}\n'
    )

    messages = list(decoder().decode(record(name="x") + line))

    assert [data.f1 for m in messages if isinstance(m, Records) for data in m.data] == ["x", kept]


def test_a_line_nested_without_end_is_refused_like_any_other() -> None:
    deep = b'{"type":"RECORD","record":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001 + b"\n"

    with pytest.raises(Refused) as refused:
        list(decoder().decode(deep))

    assert refused.value.line == 1
