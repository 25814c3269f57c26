"""Files as people have them: the right rows come of what is only odd, and an error with a remedy of everything else."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataflow.errors import ConfigError
from dataflow.files.columnar import BLOCK_BYTES
from dataflow.files.inference import schema_of
from dataflow.files.listing import find
from tests.dataflow.files.reading import USERS, cells, read

ROWS = [(1, "A"), (2, "B")]
# Without a time, since its bytes are in the name of a test.
NOTHING = gzip.compress(b"", mtime=0)


def looked_at_and_read(path: Path) -> None:
    """As a load does without a schema."""
    schema_of(find([str(path)]), USERS)
    read([str(path)])


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("header.csv", "id,name\n", []),
        ("header_without_its_end.csv", "id,name", []),
        ("windows.csv", "\ufeffid,name\r\n1,A\r\n2,B\r\n", ROWS),
        ("mac.csv", "id,name\r1,A\r2,B\r", ROWS),
        ("windows.ndjson", '\ufeff{"id":1,"name":"A"}\r\n{"id":2,"name":"B"}\r\n', ROWS),
        ("blank_lines.csv", "\nid,name\n\n1,A\n\n2,B\n\n", ROWS),
        ("blank_lines.ndjson", '\n{"id":1,"name":"A"}\n \t\n{"id":2,"name":"B"}', ROWS),
        ("inches.csv", 'id,name\n1,5" disk\n2,"a ""b"""', [(1, '5" disk'), (2, 'a "b"')]),
        ("lines.csv", 'id,name\n1,"a\n,b"\n', [(1, "a\n,b")]),
        ("half_a_pair.ndjson", '{"id":1,"name":"\\ud800"}\n{"id":2,"name":"B"}\n', [(1, "\ufffd"), (2, "B")]),
        ("twice.ndjson", '{"id":1,"id":2}\n', [(2, None)]),
    ],
)
def test_a_file_that_is_only_odd_has_the_right_rows(
    tmp_path: Path, name: str, content: str, rows: list[tuple[object, ...]]
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())

    assert set(schema_of(find([str(path)]), USERS)["properties"]) <= {"id", "name"}
    assert cells(read([str(path)])) == rows


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv.gz", NOTHING, "is empty"),
        ("a.ndjson.gz", NOTHING, "is empty"),
        ("a.ndjson", b"{}\n", "is empty: it has no fields"),
        ("a.csv", "id\n1\n".encode("utf-16"), "is not encoded as UTF-8"),
        ("a.ndjson", '{"id":1}\n'.encode("utf-16"), "is not encoded as UTF-8"),
        ("a.csv", b"id,caf\xe9\n1,x\n", "is not encoded as UTF-8"),
        ("a.ndjson", b'{"id":1}\n{"caf\xe9\n', "Line 2 .* is not a JSON object: it is not encoded as UTF-8"),
        ("a.csv", b"id,name,id\n1,2,3\n", "has several columns of the name 'id'"),
        ("a.csv", b"id,name\n1,A,\n", "Row 2 .* has 3 values, and the file has 2 columns"),
        ("a.csv", b'id,name\n1,"A\n2,B\n', "ends within a quoted value"),
        ("a.csv", b'id\n"1', "ends within a quoted value"),
        (
            "a.csv",
            b'id\n1,"' + b"x\n" * BLOCK_BYTES,
            "has a row of more than 4 MiB, or a quote without its end",
        ),
        ("a.csv.gz", b"id\n1\n", "its compressed content is damaged"),
        ("a.csv.zst", b"id\n1\n", "its compressed content is damaged"),
        ("a.parquet", b"id\n1\n", "cannot be read as parquet"),
        ("a.ndjson", b'{"id":NaN}\n', "Line 1 .* is not a JSON object"),
        ("a.ndjson", b'[{"id":1}]\n', "Line 1 .* is not a JSON object"),
        ("a.ndjson", b'{\n"id":1}\n', "Line 1 .* is not a JSON object"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused_with_a_remedy(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=complaint) as refused:
        looked_at_and_read(path)

    assert str(path) in str(refused.value)
    assert refused.value.remedy


def test_a_quote_without_its_end_that_takes_in_the_rest_of_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,name\n1,"A\n' + b"2,B\n" * BLOCK_BYTES)

    with pytest.raises(ConfigError, match="has a row of more than 4 MiB, or a quote without its end"):
        looked_at_and_read(path)


def test_a_file_that_is_a_part_of_a_path_is_refused_in_the_words_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")

    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        find([str(tmp_path / "a.csv" / "b.csv")])


def test_a_parquet_file_without_rows_has_none_and_its_columns_are_known(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": pa.array([], pa.int64())}), path)

    assert schema_of(find([str(path)]), USERS)["properties"] == {"id": {"type": "integer"}}
    assert cells(read([str(path)])) == []


def test_values_of_a_csv_file_that_are_not_utf_8_are_nulled_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,caf\xe9\n2,B\n")

    chunks = read([str(path)])

    assert cells(chunks) == [(1, None), (2, "B")]
    changed = [rows.changed for chunk in chunks for parcel in chunk.parcels for rows in parcel.rows]
    assert [sum(each.values()) for each in changed] == [1]
