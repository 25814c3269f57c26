"""From a chunk to parcels: whose rows, what happened between them, and where a parcel ends."""

import json
from typing import Any

from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk, Span, refusal
from dataflow.protocol import State, StreamStatus, Unusable
from dataflow.shape import Shape
from dataflow.types import (
    EXTRACTED_AT,
    INTEGER,
    META,
    Change,
    ChangeKind,
    ChangeReason,
    Column,
    Limits,
    StreamName,
)
from dataflow.unknown_fields import COUNTED

USERS, ORDERS = StreamName(None, "users"), StreamName(None, "orders")
COLUMNS = (Column("id", "id", INTEGER),)
STATE = b'{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}}\n'


def packer(most_rows: int = 1000) -> Packer:
    shapes = [
        Shape(name=name, columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=7)
        for name in (USERS, ORDERS)
    ]
    return Packer(shapes, most_rows)


def pack(*lines: bytes, most_rows: int = 1000) -> ParsedChunk:
    return packer(most_rows).pack(b"".join(lines))


def record(stream: StreamName, number: Any, **others: Any) -> bytes:
    body = {"stream": stream.name, "emitted_at": 5, "data": {"id": number, **others}}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


def status(stream: StreamName, name: str) -> bytes:
    told = {"stream_descriptor": {"name": stream.name}, "status": name}
    trace = {"type": "STREAM_STATUS", "stream_status": told}
    return json.dumps({"type": "TRACE", "trace": trace}).encode() + b"\n"


def numbers(packed: ParsedChunk) -> list[dict[str, list[int]]]:
    """Per parcel, the ids of each stream."""
    return [
        {rows.stream.name: rows.cells["id"].to_pylist() for rows in parcel.rows} for parcel in packed.parcels
    ]


def test_a_chunk_is_one_parcel_with_all_that_happened_in_order() -> None:
    lines = [record(USERS, 1), record(ORDERS, 7), STATE, record(USERS, 2)]

    packed = pack(*lines)

    (parcel,) = packed.parcels
    spans = [(e.stream, e.records, e.size) if isinstance(e, Span) else type(e) for e in parcel.events]
    assert numbers(packed) == [{"users": [1, 2], "orders": [7]}]
    assert spans == [
        (USERS, 1, len(lines[0]) - 1),
        (ORDERS, 1, len(lines[1]) - 1),
        State,
        (USERS, 1, len(lines[3]) - 1),
    ]
    assert (packed.lines, packed.refused) == (4, None)


def test_nothing_follows_a_complete_in_its_parcel() -> None:
    packed = pack(record(USERS, 1), status(USERS, "COMPLETE"), record(ORDERS, 7), status(ORDERS, "RUNNING"))

    assert numbers(packed) == [{"users": [1]}, {"orders": [7]}]
    assert isinstance(packed.parcels[0].events[-1], StreamStatus)


def test_many_rows_of_a_stream_are_a_parcel_of_their_own() -> None:
    packed = pack(record(USERS, 1), record(USERS, 2), STATE, record(USERS, 3), most_rows=2)

    assert numbers(packed) == [{"users": [1, 2]}, {"users": [3]}]


def test_clean_rows_carry_no_metadata_of_their_own() -> None:
    packed = pack(record(USERS, 1), status(USERS, "COMPLETE"), record(USERS, "many"))

    names = [parcel.rows[0].cells.schema.names for parcel in packed.parcels]
    assert names == [[EXTRACTED_AT, "id"], [EXTRACTED_AT, META, "id"]]
    assert packed.parcels[1].rows[0].changed == {
        Change("id", ChangeKind.NULLED, ChangeReason.SERIALIZATION): 1
    }


def test_what_stands_before_a_refused_line_is_packed() -> None:
    packed = pack(record(USERS, 1), b"nonsense\n", record(USERS, 2))

    assert numbers(packed) == [{"users": [1]}]
    assert packed.refused is not None
    assert str(refusal(packed.refused, lines_before=10)).startswith("Line 12 of the input is not a message")


def test_a_record_of_a_stream_that_nobody_asked_for_is_named_by_its_stream() -> None:
    packed = pack(record(StreamName(None, "strangers"), 1))

    assert packed.parcels == ()
    assert packed.refused is not None
    assert "stream strangers, which the catalog does not name" in str(refusal(packed.refused, 0))


def test_a_record_of_another_namespace_is_distinguished_from_its_namesake() -> None:
    packed = pack(record(USERS, 1).replace(b'"users"', b'"users", "namespace": "eu"'))

    assert packed.refused is not None
    assert "a stream of this name without a namespace" in str(refusal(packed.refused, 0))


def test_the_first_record_of_a_stream_that_cannot_be_used_ends_a_parcel() -> None:
    bad = record(USERS, 2).replace(b"emitted_at", b"at")

    packed = pack(
        b"\n", record(USERS, 1), bad, record(USERS, 3), record(ORDERS, 7), bad, status(ORDERS, "COMPLETE")
    )

    assert numbers(packed) == [{"users": [1]}, {"users": [3], "orders": [7]}]
    assert packed.parcels[0].events[-1] == Unusable(USERS, 3, "it has no `emitted_at`")
    assert packed.refused is None


def test_an_empty_chunk_has_no_parcel() -> None:
    assert pack(b"\n") == ParsedChunk(parcels=(), lines=1)


def test_a_field_that_no_column_has_is_reported_by_its_name_once_for_each_stream() -> None:
    of = packer()

    first = of.pack(record(USERS, 1, extra="a", café=2) + record(ORDERS, 7, extra=1))
    second = of.pack(record(USERS, 3, extra="c", other=1))

    assert first.unknown == {USERS: ("extra", "café"), ORDERS: ("extra",)}
    assert second.unknown == {USERS: ("other",)}


def test_a_field_of_a_record_that_is_read_by_itself_is_reported_too() -> None:
    # An escape in the descriptor's name is nothing that the compiled reader reads.
    odd = record(USERS, 1, extra="a", other={"id": 2}).replace(b'"users"', b'"\\u0075sers"')

    packed = pack(odd)

    assert packed.unknown == {USERS: ("extra", "other")}
    assert numbers(packed) == [{"users": [1]}]


def test_a_field_is_reported_where_its_chunk_is_more_than_one_parcel() -> None:
    packed = pack(record(USERS, 1, extra="a"), status(USERS, "COMPLETE"), record(ORDERS, 7, other="b"))

    assert packed.unknown == {USERS: ("extra",), ORDERS: ("other",)}
    assert len(packed.parcels) == 2


def test_an_unknown_field_leaves_its_row_as_it_is() -> None:
    packed = pack(record(USERS, 1, extra="a"))

    assert packed.parcels[0].rows[0].cells.schema.names == [EXTRACTED_AT, "id"]


def test_fields_without_number_are_reported_no_further_than_they_are_counted() -> None:
    lines = [record(USERS, number, **{f"field_{number}": 1}) for number in range(3 * COUNTED)]

    packed = pack(*lines)

    assert packed.unknown == {USERS: tuple(f"field_{number}" for number in range(COUNTED))}
