"""Files as a source: their rows in the order of the files, and errors that name the file and never a value."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from attrs import evolve
from pyarrow import parquet

from dataflow.errors import ConfigError
from dataflow.files.listing import find
from dataflow.files.pieces import Piece
from dataflow.input.parcel import ParsedChunk, Span
from dataflow.keys import Role
from dataflow.shape import Shape
from dataflow.types import TIMESTAMP_WITHOUT_TIMEZONE, Column
from tests.dataflow.files.reading import SHAPE, USERS, cells, read, read_pieces

KEYED = evolve(SHAPE, roles={"id": Role.KEY})


def parsed(folder: Path, shape: Shape = SHAPE, **contents: str | bytes) -> list[ParsedChunk]:
    """What is read of files with these contents; an underscore in a name stands for its points."""
    paths = []
    for name, content in contents.items():
        paths.append(folder / name.replace("_", "."))
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    return read([str(path) for path in paths], shape)


def test_all_rows_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    parquet.write_table(pa.table({"name": ["E"], "id": [5]}), path)
    lines = b'{"id":3,"name":"C"}\n\n{"name":"D","id":4}'
    (tmp_path / "a.csv").write_text('id,name\n1,"A, or ""a"""\n2,\n')
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(lines))

    chunks = read([str(tmp_path / "a.csv"), str(tmp_path / "b.ndjson.gz"), str(path)])

    assert cells(chunks) == [(1, 'A, or "a"'), (2, None), (3, "C"), (4, "D"), (5, "E")]
    events = [event for chunk in chunks for parcel in chunk.parcels for event in parcel.events]
    assert sum(event.records for event in events if isinstance(event, Span)) == 5


def test_a_field_that_a_file_lacks_is_null_and_one_that_has_no_column_is_named(tmp_path: Path) -> None:
    chunks = parsed(tmp_path, a_csv="id,extra\n1,x\n")

    assert cells(chunks) == [(1, None)]
    assert chunks[0].unknown == {USERS: ("extra",)}


def test_a_value_beyond_the_schema_is_nulled_and_counted(tmp_path: Path) -> None:
    chunks = parsed(tmp_path, a_csv="id,name\nx,A\n2,B\n", b_ndjson='{"id":"y","name":"C"}\n')

    changed = [
        (change.field, count)
        for chunk in chunks
        for parcel in chunk.parcels
        for rows in parcel.rows
        for change, count in rows.changed.items()
    ]
    assert cells(chunks) == [(None, "A"), (2, "B"), (None, "C")]
    assert changed == [("id", 1), ("id", 1)]


@pytest.mark.parametrize("name", ["a_csv", "a_ndjson"])
def test_a_key_that_its_column_does_not_hold_is_unfit_and_not_nulled(tmp_path: Path, name: str) -> None:
    contents = {"a_csv": "id,name\nx,A\n", "a_ndjson": '{"id":"x","name":"A"}\n'}

    chunks = parsed(tmp_path, KEYED, **{name: contents[name]})

    (rows,) = chunks[0].parcels[0].rows
    assert [each.field for each in rows.unfit] == ["id"]


@pytest.mark.parametrize(("name", "content"), [("a_csv", "id,name\n,A\n"), ("a_ndjson", '{"name":"A"}\n')])
def test_a_row_without_a_value_for_its_key_is_refused(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(ConfigError, match="have no value for the field 'id', which is part of the key"):
        parsed(tmp_path, KEYED, **{name: content})


def test_two_moments_of_a_key_that_a_column_without_zone_would_make_one_are_unfit(tmp_path: Path) -> None:
    at = evolve(SHAPE, columns=(Column("at", "at", TIMESTAMP_WITHOUT_TIMEZONE),), roles={"at": Role.KEY})

    chunks = parsed(tmp_path, at, a_csv="at\n2024-01-01T00:00:00+01:00\n2024-01-01T00:00:00+02:00\n")

    (rows,) = chunks[0].parcels[0].rows
    assert [each.field for each in rows.unfit] == ["at"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a_csv", "id,name\n1,A\n2\n", "Row 3 of the file .* has 1 value, and the file has 2 columns"),
        ("a_csv", 'id,name\n1,"A\n', "ends within a quoted value"),
        (
            "a_ndjson",
            '{"id":1}\n\n{"id":2',
            "Line 3 of the file .* is not a JSON object. It is the last line",
        ),
        ("a_ndjson", '{"id":1}\n{"id":1}},\n', "Line 2 of the file .* is not a JSON object"),
        ("a_ndjson", '{"id":1}\n"secret"\n{"id":2}\n', "Line 2 of the file .* is not a JSON object"),
        ("a_ndjson", '{"id":1},"emitted_at":5\n', "Line 1 of the file .* is not a JSON object"),
        ("a_ndjson", '{"id":1} {"id":\n2}\n', "Line 1 of the file .* is not a JSON object"),
        ("a_ndjson", '\n \r\n{"id":1}\nnull\n', "Line 4 of the file .* is not a JSON object"),
        ("a_ndjson", '[{"id":1},\n{"id":2}]\n', "Line 1 of the file .* is not a JSON object"),
        ("a_ndjson", '{"id":1}\n{"id":' + "[" * 100_000, "Line 2 of the file .* is not a JSON object"),
    ],
)
def test_a_file_that_is_damaged_or_cut_off_is_refused_by_its_name_and_the_place(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        parsed(tmp_path, SHAPE, **{name: content})

    assert "secret" not in str(caught.value)


def test_a_parquet_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": [1]}), path)
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(ConfigError, match="cannot be read as parquet"):
        read([str(path)])


def test_a_file_that_changed_since_it_was_found_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,A\n")
    (file,) = find([str(path)])
    path.write_text("id,name\n1,A\n2,B\n")

    with pytest.raises(ConfigError, match="changed since the load began"):
        read_pieces([Piece(file=file)])


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
@pytest.mark.parametrize("end", ["\n", ""])
def test_each_line_belongs_to_the_piece_in_which_it_begins_wherever_the_file_is_cut(
    tmp_path: Path, chunk_bytes: int, end: str
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("\n".join(f'{{"id":{10**number}}}' for number in range(4)) + end)
    (file,) = find([str(path)])

    for begin in range(file.size + 1):
        for stop in range(begin, file.size + 1):
            cuts = [(0, begin), (begin, stop), (stop, file.size)]
            pieces = [Piece(file=file, begin=one, end=other) for one, other in cuts]

            assert [row[0] for row in cells(read_pieces(pieces, chunk_bytes=chunk_bytes))] == [
                1,
                10,
                100,
                1000,
            ]


def test_the_line_of_an_error_is_counted_from_the_beginning_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"id":1}\n' * 10 + "[]\n")
    (file,) = find([str(path)])

    with pytest.raises(ConfigError, match="Line 11 of the file"):
        read_pieces([Piece(file=file, begin=50, end=file.size)])


def test_a_piece_of_a_parquet_file_is_some_of_its_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": list(range(10)), "name": ["x"] * 10}), path, row_group_size=2)
    (file,) = find([str(path)])

    chunks = read_pieces([Piece(file=file, begin=1, end=3), Piece(file=file, begin=4, end=5)])

    assert [row[0] for row in cells(chunks)] == [2, 3, 4, 5, 8, 9]
