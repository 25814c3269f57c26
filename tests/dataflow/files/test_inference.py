"""The schema that files have in common, and the files that have none."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataflow.errors import ConfigError
from dataflow.files.inference import schema_of
from dataflow.files.listing import find
from tests.dataflow.files.reading import USERS

# Without a time, since its bytes are in the name of a test.
GZIPPED = gzip.compress(b'{"a":1}\n', mtime=0)


def made(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def inferred(*paths: str) -> dict[str, Any]:
    properties: dict[str, Any] = schema_of(find(paths), USERS)["properties"]
    return {
        name: each.get("airbyte_type") or each.get("format") or each.get("type")
        for name, each in properties.items()
    }


def test_the_types_of_ndjson_are_those_of_its_values(tmp_path: Path) -> None:
    lines = [
        '{"i":1,"n":1,"b":true,"d":"2024-01-01","z":"2024-01-01T00:00:00Z","l":"2024-01-01 00:00","m":1,"o":{},"a":[]}',
        "",
        '{"i":2,"n":0.5,"d":"2024-01-02","m":"x","late":null,"big":99999999999999999999}',
    ]

    found = inferred(made(tmp_path, "a.ndjson", "\n".join(lines)))

    assert found == {
        "i": "integer",
        "n": "number",
        "b": "boolean",
        "d": "date",
        "z": "timestamp_with_timezone",
        "l": "timestamp_without_timezone",
        "m": None,
        "o": "object",
        "a": "array",
        "late": "string",
        "big": "number",
    }


def test_the_types_of_csv_are_those_that_arrow_infers(tmp_path: Path) -> None:
    found = inferred(made(tmp_path, "a.csv", "i,n,d,s,e\n1,1.5,2024-01-01,x,\n"))

    assert found == {"i": "integer", "n": "number", "d": "date", "s": "string", "e": "string"}


def test_the_types_of_parquet_are_declared(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"i": pa.array([1], pa.int16()), "t": pa.array([0], pa.timestamp("ms", tz="UTC"))})
    parquet.write_table(table, path)

    assert inferred(str(path)) == {"i": "integer", "t": "timestamp_with_timezone"}


def test_columns_that_a_destination_added_are_not_loaded_as_fields(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "_airbyte_raw_id,_airbyte_meta,id\nx,{},1\n")

    assert inferred(path) == {"id": "integer"}


def test_files_have_the_fields_of_all_in_the_types_that_hold_the_values_of_all(tmp_path: Path) -> None:
    one = made(tmp_path, "a.csv", "id,amount\n1,2\n")
    other = made(tmp_path, "b.ndjson.gz", gzip.compress(b'{"id": 2, "amount": 0.5, "more": true}\n'))

    assert inferred(one, other) == {"id": "integer", "amount": "number", "more": "boolean"}


def test_a_field_of_two_types_in_two_files_is_refused_with_both_files(tmp_path: Path) -> None:
    one, other = made(tmp_path, "a.csv", "id\n1\n"), made(tmp_path, "b.csv", "id\nx\n")

    with pytest.raises(ConfigError) as caught:
        schema_of(find([one, other]), USERS)

    assert (
        caught.value.message
        == f"The field 'id' is of the type integer in {one!r}, and of the type string in {other!r}."
    )


def test_a_type_for_which_there_is_no_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"waited": pa.array([1], pa.duration("s"))}), path)

    with pytest.raises(
        ConfigError, match=r"The column 'waited' of the file .* is of Arrow's type duration\[s\]"
    ):
        schema_of(find([str(path)]), USERS)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", "", "is empty"),
        ("a.ndjson", "\n\n", "is empty"),
        ("a.csv", "a,a\n1,2\n", "has several columns of the name 'a'"),
        ("a.csv", "a,b\n1,2\n3\n", "Row 3 of the file .* has 1 value, and the file has 2 columns"),
        ("a.parquet", "PAR1", "cannot be read as parquet"),
        ("a.ndjson", '{"a":1}\n\n[1]\n', "Line 3 of the file .* is not a JSON object"),
        ("a.ndjson.gz", GZIPPED[:-9], "cannot be read: its compressed content is damaged"),
        ("a.txt", "a", "does not show its format"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_by_its_name(
    tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    path = made(tmp_path, name, content)

    with pytest.raises(ConfigError, match=complaint) as caught:
        schema_of(find([path]), USERS)

    assert path in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        (["*.nothing"], "No file matches the pattern"),
        (["a.csv", "./a.csv"], "is named twice"),
        (["b.csv"], "cannot be read: No such file or directory"),
    ],
)
def test_a_name_that_leads_to_no_file_of_its_own_is_refused(
    tmp_path: Path, named: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "a.csv", "a\n1\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=complaint):
        find(named)


def test_the_files_of_a_pattern_come_by_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.csv"):
        made(tmp_path, name, "a\n1\n")

    found = find([str(tmp_path / "*.csv")])

    assert [file.name for file in found] == ["a.csv", "b.csv", "c.csv"]
