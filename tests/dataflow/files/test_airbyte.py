"""Files of messages of the Airbyte protocol: the records of one stream are the rows, and the rest is counted."""

import json
from collections import Counter
from pathlib import Path

import pytest

from dataflow.budget import Budget
from dataflow.errors import ConfigError
from dataflow.files.airbyte import LeftOut
from dataflow.files.inference import schema_of
from dataflow.files.listing import Format, find
from dataflow.files.pieces import Piece
from dataflow.files.source import FileSource
from dataflow.input.parcel import ParsedChunk
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order
from dataflow.protocol import State
from dataflow.runtime import SYSTEM
from dataflow.types import StreamName
from tests.dataflow.files.reading import NOON, SHAPE, USERS, cells

ANYWHERE = StreamName(None, "users")
STATE = {"type": "STATE", "state": {"type": "STREAM"}}
LOG = {"type": "LOG", "log": {"level": "INFO", "message": "hello"}}


def record(stream: str = "users", namespace: str | None = "shop", **data: object) -> dict[str, object]:
    return {
        "type": "RECORD",
        "record": {"stream": stream, "namespace": namespace, "data": data, "emitted_at": 1_700_000_000_000},
    }


def written(folder: Path, *messages: object) -> str:
    path = folder / "it.jsonl"
    path.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    return str(path)


def read(path: str, left_out: Counter[LeftOut] | None = None) -> list[ParsedChunk]:
    pieces = [Piece(file=file) for file in find([path], Format.AIRBYTE)]
    source = FileSource(
        pieces=pieces, extracted_at=NOON, left_out=left_out if left_out is not None else Counter()
    )
    inbox = Inbox(1 << 20, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    return list(source.parsed(Order(shapes=(SHAPE,), chunk_bytes=50, most_rows=1000), inbox))


def test_the_records_of_the_stream_are_the_rows_with_the_moments_of_their_source(tmp_path: Path) -> None:
    path = written(tmp_path, record(id=1, name="A"), LOG, STATE, record("orders", id=7), record(id=2))

    chunks = read(path)

    assert cells(chunks) == [(1, "A"), (2, None)]
    rows = [rows for chunk in chunks for parcel in chunk.parcels for rows in parcel.rows]
    moments = [
        moment.timestamp()
        for each in rows
        for moment in each.cells.column("_airbyte_extracted_at").to_pylist()
    ]
    assert moments == [1_700_000_000.0] * 2


def test_what_is_left_out_is_counted_and_no_state_comes(tmp_path: Path) -> None:
    path = written(
        tmp_path, STATE, record(id=1), LOG, record("orders", id=7), STATE, record(id=1, namespace=None)
    )
    left_out = Counter[LeftOut]()

    chunks = read(path, left_out)

    assert left_out == {LeftOut.STATE: 2, LeftOut.OTHER: 1, LeftOut.OTHER_STREAM: 2}
    events = [event for chunk in chunks for parcel in chunk.parcels for event in parcel.events]
    assert not [event for event in events if isinstance(event, State)]


def test_the_schema_is_that_of_the_records_of_the_stream(tmp_path: Path) -> None:
    path = written(tmp_path, record("orders", total=1.5), record(id=1), record(id=None, born="1815-12-10"))

    schema = schema_of(find([path], Format.AIRBYTE), ANYWHERE)

    assert schema["properties"] == {"id": {"type": "integer"}, "born": {"type": "string", "format": "date"}}


def test_a_file_without_records_of_the_stream_is_refused_with_the_streams_that_it_has(tmp_path: Path) -> None:
    path = written(tmp_path, record("orders", id=7), STATE)

    with pytest.raises(ConfigError, match=r"no records of the stream 'shop\.users', but of orders"):
        schema_of(find([path], Format.AIRBYTE), USERS)


def test_records_of_several_namespaces_need_a_choice(tmp_path: Path) -> None:
    path = written(tmp_path, record(id=1), record(namespace="test", id=2))

    with pytest.raises(ConfigError, match="of several namespaces: shop, test"):
        schema_of(find([path], Format.AIRBYTE), ANYWHERE)


@pytest.mark.parametrize(
    "line",
    [
        "not a message",
        '{"type":"RECORD","record":{"stream":"users","namespace":"shop","emitted_at":1,"data":"secret"}}',
        '{"type":"RECORD","record":{"stream":"users","namespace":"shop","emitted_at":"secret","data":{}}}',
        '{"id":1}',
    ],
)
def test_a_line_that_is_no_message_is_refused_by_its_place(tmp_path: Path, line: str) -> None:
    path = tmp_path / "it.jsonl"
    path.write_text(f"{json.dumps(record(id=1))}\n{json.dumps(STATE)}\n{line}\n")

    with pytest.raises(
        ConfigError, match=r"Line 3 of the file .* is not a message of the Airbyte protocol"
    ) as caught:
        read(str(path))

    assert "secret" not in str(caught.value)
