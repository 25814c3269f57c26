"""The compiled reader from Python: what it gives away, what it keeps, and where it is missing."""

from pathlib import Path

import pyarrow as pa
import pytest

from dataflow.errors import InternalError
from dataflow.input import compiled
from dataflow.input.compiled import BLANK, CHANGED, ODD, PARTITION, SHORTENED, UNSETTLED, Reader, tokens_of
from dataflow.shape import Shape
from dataflow.types import EXTRACTED_AT, INTEGER, NUMBER, STRING, Column, Limits, StreamName

COLUMNS = (Column("id", "id", INTEGER), Column("name", "name", STRING), Column("price", "price", NUMBER))
SHAPE = Shape(name=StreamName(None, "users"), columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1)
LINE = b'{"type":"RECORD","record":{"stream":"users","emitted_at":%d,"data":%s%s}}\n'


def test_lines_rows_and_notes_are_reported_for_each_chunk() -> None:
    unsettled, cut = b'{"id":"many","name":"x"}', b'{"price":1.00000000004}'
    chunk = b"".join(
        [
            LINE % (1, b'{"id":1}', b""),
            b"\n",
            b'{"type":"LOG"}\n',
            LINE % (2, unsettled, b""),
            LINE % (3, cut, b',"meta":{"changes":[1]},"partition_id":"p"'),
        ]
    )

    found = Reader([SHAPE]).read(chunk)

    rows = found.rows[0]
    assert found.streams.tolist() == [0, BLANK, ODD, 0, 0]
    assert [chunk[end : end + 1] for end in found.ends] == [b"\n"] * 5
    assert found.spans[["stream", "records", "after"]].tolist() == [(0, 1, 0), (0, 2, 1)]
    assert found.spans["bytes"].sum() == sum(len(line) for line in chunk.split(b"\n") if b"RECORD" in line)
    assert rows.column(EXTRACTED_AT).cast(pa.int64()).to_pylist() == [1000, 2000, 3000]
    assert rows.column("id").to_pylist() == [1, None, None]
    assert rows.column("name").to_pylist() == [None, "x", None]
    assert found.notes[["row", "column", "kind"]].tolist() == [
        (1, 0, UNSETTLED),
        (2, 2, SHORTENED),
        (2, -1, CHANGED),
        (2, -1, PARTITION),
    ]
    assert tokens_of(chunk, found.notes) == [b'"many"', b"1.00000000004", b'{"changes":[1]}', b'"p"']


def test_what_was_read_stays_when_the_next_chunk_is_read_and_when_the_reader_is_gone() -> None:
    reader = Reader([SHAPE])

    first = reader.read(LINE % (1, b'{"name":"first"}', b"") * 100)
    second = reader.read(LINE % (2, b'{"name":"second"}', b"") * 1000)
    del reader

    assert first.rows[0].column("name").to_pylist() == ["first"] * 100
    assert second.rows[0].column("name").to_pylist() == ["second"] * 1000


def test_a_reader_that_was_not_compiled_is_missed_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiled, "LIBRARY", tmp_path / "reader.so")
    compiled._library.cache_clear()

    with pytest.raises(InternalError, match="could not be loaded") as missed:
        Reader([SHAPE])

    compiled._library.cache_clear()
    assert "C compiler" in str(missed.value.remedy)
