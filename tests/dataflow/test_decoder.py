"""The exact road: what one line says, whatever it says."""

import json
from typing import Any

import pytest

from dataflow.decoder import Decoder, Refused
from dataflow.protocol import Record, State, Status, StreamStatus
from dataflow.structs import Shape
from dataflow.types import INTEGER, STRING, Change, ChangeKind, ChangeReason, Column, Limits, StreamName

USERS, ORDERS, TWIN = StreamName(None, "users"), StreamName("shop", "orders"), StreamName("eu", "users")
COLUMNS = (Column("id", "id", INTEGER), Column("name", "name", STRING))

STATE = b'{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}}'
COMPLETE = (
    b'{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":'
    b'{"stream_descriptor":{"name":"users"},"status":"COMPLETE"}}}'
)


def shape(name: StreamName, columns: tuple[Column, ...] = COLUMNS) -> Shape:
    return Shape(name=name, columns=columns, limits=Limits(), generation_id=1, sync_id=1)


def decoder(*streams: StreamName) -> Decoder:
    return Decoder([shape(name) for name in streams or (USERS, ORDERS)])


def record(stream: StreamName = USERS, meta: Any = None, **data: Any) -> bytes:
    body = {"stream": stream.name, "namespace": stream.namespace, "emitted_at": 5, "data": data, "meta": meta}
    return json.dumps({"type": "RECORD", "record": body, "state": None}).encode()


def one(line: bytes, *streams: StreamName) -> Record:
    message = decoder(*streams).decode(line, 1)
    assert isinstance(message, Record)
    return message


def test_a_record_has_a_cell_for_each_column_and_the_size_of_its_line() -> None:
    line = record(id=1, name="x", other=[1])

    assert one(line) == Record(stream=USERS, cells=(1, "x"), emitted_at=5, size=len(line), unknown=("other",))


def test_an_absent_field_and_an_explicit_null_are_the_same() -> None:
    assert one(record(id=None)).cells == one(record()).cells == (None, None)


def test_a_cell_that_does_not_fit_is_nulled_and_the_rest_of_its_record_kept() -> None:
    found = one(record(id=1.5, name="b"))

    assert found.cells == (None, "b")
    assert found.changes == (Change("id", ChangeKind.NULLED, ChangeReason.SERIALIZATION),)


def test_a_state_and_a_streams_end_are_told() -> None:
    assert isinstance(decoder().decode(STATE, 1), State)
    assert decoder().decode(COMPLETE, 1) == StreamStatus(USERS, Status.COMPLETE)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" \x0b",
        b'{"type":"LOG","log":{"level":"INFO","message":"hello"}}',
        b'{"type":"CONTROL","control":{}}',
        b'{"type":"NEWS"}',
    ],
)
def test_a_message_that_says_nothing_to_a_destination_is_passed_over(line: bytes) -> None:
    assert decoder().decode(line, 1) is None


def test_the_sources_own_changes_come_along_as_they_stand() -> None:
    changes = {"changes": [{"field": "foo", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]}

    assert json.loads(one(record(meta=changes, id=2)).source_changes) == changes["changes"][0]
    assert one(record(meta={"changes": []}, id=3)).source_changes == b""


def test_streams_of_one_name_in_two_namespaces_are_told_apart() -> None:
    assert [one(record(name), USERS, TWIN).stream for name in (USERS, TWIN)] == [USERS, TWIN]


@pytest.mark.parametrize(
    ("bad", "unknown"),
    [
        (b"no JSON", None),
        (b"[1]", None),
        (b'{"no":"type"}', None),
        (b'{"type":"RECORD"}', None),
        (b'{"type":"STATE","state":{"type":"STREAM"}}', None),
        (STATE.replace(b"}}", b',"stream_state":"\\ud83d"}}'), None),
        (record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": 1780272000000000000'), None),
        (record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": 1e300'), None),
        (b"\xff\xfe", None),
        (b'{"type":"RECORD","record":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, None),
        (record(StreamName(None, "strangers"), id=1), StreamName(None, "strangers")),
        (record(StreamName("eu", "orders"), id=1), StreamName("eu", "orders")),
    ],
)
def test_a_line_that_cannot_be_used_is_named_by_its_number(bad: bytes, unknown: StreamName | None) -> None:
    with pytest.raises(Refused) as refused:
        decoder().decode(bad, 3)

    assert (refused.value.line, refused.value.stream) == (3, unknown)


def test_a_record_may_name_its_partition_and_what_we_do_not_know() -> None:
    line = record(id=2).replace(b'"stream"', b'"file_reference": {}, "partition_id": "p1", "stream"', 1)

    assert one(line).partition == "p1"


def test_a_records_time_may_be_a_float() -> None:
    assert one(record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": 5.7')).emitted_at == 5


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
    assert one(record(name="x").replace(b'"x"', b'"' + escaped + b'"')).cells == (None, kept)


@pytest.mark.parametrize("name", ['"', 'a"b', "a\\b", "tab\t", "line\n", "\x00"])
def test_a_field_whose_name_json_must_escape_is_read_like_any_other(name: str) -> None:
    odd = Decoder([shape(USERS, (Column("id", "id", INTEGER), Column("odd", name, STRING)))])

    found = odd.decode(record(USERS, None, **{"id": 1, name: "x"}), 1)

    assert isinstance(found, Record)
    assert found.cells == (1, "x")
