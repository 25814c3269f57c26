"""The exact road: what one line says, whatever it says."""

import json
from typing import Any

import pytest

from dataflow.input.decoder import Decoder, Refused
from dataflow.output_messages import state_message
from dataflow.protocol import Record, State, Status, StreamStatus, Unusable
from dataflow.shape import Shape
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


def test_a_state_and_a_streams_end_are_emitted() -> None:
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


def test_streams_of_one_name_in_two_namespaces_are_distinguished() -> None:
    assert [one(record(name), USERS, TWIN).stream for name in (USERS, TWIN)] == [USERS, TWIN]


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


def emitted(at: bytes) -> bytes:
    return record(id=1).replace(b'"emitted_at": 5', b'"emitted_at": ' + at)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"no JSON", "not JSON from its byte 5 on"),
        (b'{"type": "RECORD", "record": {"data": {"id": nan}}}', "not JSON from its byte 47 on"),
        (emitted(b"NaN"), "not JSON from its byte 83 on"),
        (record(id=1)[:-9], "is incomplete"),
        (b"[1]", "an array where an object should be"),
        (b'{"no":"type"}', "has no `type`"),
        (b'{"type":"RECORD"}', "has no `record`"),
        (b'{"type":"STATE"}', "has no `state`"),
        (b'{"type":"RECORD","record":{"data":{},"emitted_at":5}}', "has no `stream`"),
        (b'{"type":"RECORD","record":%s}' % DEEP, "has no `stream`"),
        (b'{"type":"RECORD","record":%s}' % DEEP.replace(b"1", b"1x"), "nested too deeply"),
        (b'{"type":"STATE","state":{"type":"STREAM"}}', "has no `stream`"),
        (
            b'{"type":"STATE","state":{"stream":{"stream_descriptor":{}}}}',
            "no `stream.stream_descriptor.name`",
        ),
        (b'{"type":"STATE","state":{"data":{"cursor":[NaN]}}}', "holds NaN or Infinity"),
        (b"\xff\xfe", "not JSON from its byte 1 on"),
        (b'{"type":"\xff"}', "not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_by_its_number_and_what_is_wrong_with_it(
    bad: bytes, why: str
) -> None:
    with pytest.raises(Refused) as refused:
        decoder().decode(bad, 3)

    assert (refused.value.line, refused.value.stream) == (3, None)
    assert why in refused.value.reason


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (emitted(b'"1780272000000"'), "its `emitted_at` is a text where a number should be"),
        (emitted(b"null"), "its `emitted_at` is null where a number should be"),
        (emitted(b"1780272000000000000"), "its `emitted_at` is out of range"),
        (emitted(b"1e300"), "its `emitted_at` is out of range"),
        (emitted(b"5").replace(b"emitted_at", b"emitted"), "it has no `emitted_at`"),
        (
            emitted(b"1e300").replace(b'"id": 1', b'"id": NaN, "a": ' + DEEP),
            "its `emitted_at` is out of range",
        ),
        (record(id=1).replace(b'{"id": 1}', b"[1]"), "its `data` is an array where an object should be"),
    ],
)
def test_a_record_that_cannot_be_used_says_whose_it_is_and_what_is_wrong_with_it(
    bad: bytes, why: str
) -> None:
    assert decoder().decode(bad, 3) == Unusable(USERS, 3, why)


@pytest.mark.parametrize(
    ("stream", "namesakes"),
    [(StreamName(None, "strangers"), ()), (StreamName("eu", "orders"), (ORDERS,))],
)
def test_a_record_of_an_unknown_stream_says_which_of_its_name_are_known(
    stream: StreamName, namesakes: tuple[StreamName, ...]
) -> None:
    with pytest.raises(Refused) as refused:
        decoder().decode(record(stream, id=1), 3)

    assert (refused.value.line, refused.value.stream, refused.value.namesakes) == (3, stream, namesakes)


@pytest.mark.parametrize("inner", [b'"caf\\ud83d"', b'{"\\udc00": [1]}', DEEP])
def test_a_state_is_emitted_as_it_came_whatever_is_in_it(inner: bytes) -> None:
    text = b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":%s}}' % inner

    found = decoder().decode(b'{"type":"STATE","state":%s}' % text, 1)

    assert isinstance(found, State)
    assert (found.stream, found.text) == (USERS, text)
    assert state_message(found, {"n": 1}) == b'{"type":"STATE","state":%s,"n":1}}\n' % text[:-1]


def test_a_cell_that_holds_a_bare_constant_is_nulled_and_the_rest_of_its_record_kept() -> None:
    found = one(record(id="@", name=["@"], other="@").replace(b'"@"', b"-Infinity"))

    assert found.cells == (None, None)
    assert found.changes == tuple(
        Change(field, ChangeKind.NULLED, ChangeReason.SERIALIZATION) for field in ("id", "name")
    )


def test_a_cell_is_kept_however_deeply_it_is_nested() -> None:
    assert one(record(id=1, name="@", other="@").replace(b'"@"', DEEP)).cells == (1, DEEP.decode())


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
