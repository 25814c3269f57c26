"""The data of a Python program as pieces: what is taken, in which order, and how it is refused."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pytest

from dataflow.errors import ConfigError
from dataflow.files.columnar import MOST_ROWS
from dataflow.frames.looking import looked_at
from dataflow.frames.pieces import LINES_BYTES, pieces_of


class Frame:
    """What gives its columns by Arrow's interface, and has no other way."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Row:
    """A row of a driver: it has names, and is no mapping."""

    def keys(self) -> list[str]:
        return ["id"]

    def __getitem__(self, name: str) -> int:
        return 1


def rows_in(data: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for piece in pieces_of(data):
        if isinstance(piece, tuple):
            found += map(msgspec.json.decode, piece)
        elif isinstance(piece, pa.RecordBatch):
            found += piece.to_pylist()
    return found


TABLE = pa.table({"id": [1, 2]})
ROWS = [{"id": 1}, {"id": 2}]


KINDS: dict[str, Callable[[], object]] = {
    "table": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "reader": TABLE.to_reader,
    "frame": lambda: Frame(TABLE),
    "relation": lambda: duckdb.sql("SELECT unnest([1, 2]) AS id"),
    "dicts": lambda: ROWS,
    "iterator of dicts": lambda: iter(ROWS),
    "tables": lambda: [TABLE.slice(0, 1), Frame(TABLE.slice(1))],
    "table, then a dict": lambda: iter([TABLE.slice(0, 1), {"id": 2}]),
    "dict, then a table": lambda: [{"id": 1}, TABLE.slice(1)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_each_kind_gives_its_rows_in_their_order(kind: str) -> None:
    assert rows_in(KINDS[kind]()) == ROWS


def test_a_row_of_a_driver_is_read_by_the_names_that_it_has() -> None:
    assert rows_in([Row()]) == [{"id": 1}]


def test_a_large_table_is_cut_and_rows_are_gathered_into_pieces_of_a_bounded_size() -> None:
    table = pa.table({"id": range(MOST_ROWS + 1)})
    rows = ({"text": "x" * 1000} for _ in range(5000))

    batches = [piece.num_rows for piece in pieces_of(table) if isinstance(piece, pa.RecordBatch)]
    lines = [sum(map(len, piece)) for piece in pieces_of(rows)]

    assert batches == [MOST_ROWS, 1]
    assert max(lines) < LINES_BYTES + 2000
    assert len(lines) > 1


def test_rows_are_read_when_the_piece_that_has_them_is_asked_for() -> None:
    asked: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(10):
            asked.append(number)
            yield {"text": "x" * LINES_BYTES}

    next(pieces_of(rows()))

    assert asked == [0]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), "2024-02-29T12:00:00Z"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (Decimal("1.50"), 1.5),
        (2**70, 2**70),
        (float("nan"), None),
        ({1}, [1]),
        (np.int64(3), 3),
        (np.float32(1.5), 1.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([1, 2]), [1, 2]),
        (np.datetime64("2024-02-29T12:00:00.000000001"), "2024-02-29T12:00:00.000000001"),
        (np.datetime64("NaT"), None),
    ],
    ids=str,
)
def test_values_that_json_has_no_word_for_become_what_it_has(value: object, written: object) -> None:
    assert rows_in([{"value": value}]) == [{"value": written}]


@pytest.mark.parametrize("value", [object, Decimal("NaN"), "\ud800", np.timedelta64(1, "s")], ids=repr)
def test_a_value_without_json_is_refused_by_its_row_and_field_and_not_shown(value: object) -> None:
    with pytest.raises(ConfigError) as refused:
        rows_in([{"id": 1}, {"id": 2, "bad": value}])

    assert str(refused.value).startswith("Row 2 of the data has in the field 'bad' a value of the type")
    assert "0x" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "The data is of the type NoneType"),
        ({"id": [1]}, "The data is of the type dict"),
        ([(1, 2)], "Item 1 of the data is of the type tuple"),
        ([{"id": 1}, None], "Item 2 of the data is of the type NoneType"),
        (pa.chunked_array([[1]]), "The data of the type ChunkedArray cannot be given as Arrow columns"),
        (pa.table({}), "The data has no columns"),
        (
            pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
            "The data has several columns of the name 'a'",
        ),
    ],
    ids=range(7),
)
def test_what_has_no_rows_of_fields_is_refused(data: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rows_in(data)


def test_an_error_of_what_gives_the_data_is_the_cause_of_ours_which_does_not_repeat_its_words() -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        raise KeyError("a row's content")

    with pytest.raises(ConfigError, match="what gives it raised KeyError") as failed:
        rows_in(rows())

    assert "content" not in str(failed.value)
    assert isinstance(failed.value.__cause__, KeyError)


def test_an_error_of_pandas_names_the_column_and_no_value() -> None:
    class Mixed:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise pa.ArrowInvalid(
                "Could not convert 'secret'", "Conversion failed for column m with type object"
            )

    with pytest.raises(ConfigError, match="the values of the column 'm' are not of one type") as refused:
        rows_in(Mixed())

    assert "secret" not in str(refused.value)


# -- the schema


def types_in(data: object) -> dict[str, str]:
    properties = looked_at(data).schema["properties"]
    return {name: of.get("format", of.get("type", "any")) for name, of in properties.items()}


def test_the_schema_is_that_of_the_columns_or_of_the_first_rows_and_no_row_is_lost_for_it() -> None:
    rows = ({"id": number, "day": "2024-02-29", "x": number / 2} for number in range(3))

    data = looked_at(rows)

    assert types_in(pa.table({"id": [1], "at": pa.array([1], pa.timestamp("ns"))})) == {
        "id": "integer",
        "at": "date-time",
    }
    assert {name: of["type"] for name, of in data.schema["properties"].items()} == {
        "id": "integer",
        "day": "string",
        "x": "number",
    }
    assert sum(len(piece) for piece in data.pieces if isinstance(piece, tuple)) == 3


def test_several_tables_have_one_schema_and_a_contradiction_between_them_is_refused() -> None:
    assert types_in([pa.table({"id": [1]}), pa.table({"id": [2.5], "x": ["a"]})]) == {
        "id": "number",
        "x": "string",
    }
    with pytest.raises(ConfigError, match="'id' is of the type integer in table 1 of the data"):
        looked_at([pa.table({"id": [1]}), pa.table({"id": ["a"]})])


def test_what_a_destination_of_ours_wrote_is_no_field() -> None:
    assert types_in(pa.table({"_airbyte_raw_id": ["r"], "_airbyte_meta": ["{}"], "id": [1]})) == {
        "id": "integer"
    }


def test_no_rows_and_no_columns_show_no_schema() -> None:
    with pytest.raises(ConfigError, match="The data has no rows"):
        looked_at([])


def test_a_column_of_a_type_that_no_table_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="The column 'd' of the data is of Arrow's type duration"):
        looked_at(pa.table({"d": pa.array([1], pa.duration("s"))}))


def pandas_like(names: list[str], index: list[Any]) -> pa.Table:
    """A table as pandas gives it, with what it says of its index."""
    table = pa.table({name: [1] for name in names})
    return table.replace_schema_metadata({"pandas": msgspec.json.encode({"index_columns": index})})


def test_an_index_is_a_column_if_it_has_a_name() -> None:
    named = looked_at(pandas_like(["x", "id"], ["id"]))
    nameless = pandas_like(["x", "__index_level_0__"], ["__index_level_0__"])
    ranged = looked_at(
        pandas_like(["x"], [{"kind": "range", "name": "id", "start": 0, "stop": 1, "step": 1}])
    )

    assert list(named.schema["properties"]) == ["x", "id"]
    assert named.remarks == ()
    assert rows_in(nameless) == [{"x": 1}]
    assert looked_at(nameless).remarks == ("The index of the frame has no name, so it is not loaded.",)
    assert ranged.remarks == (
        "The index 'id' of the frame is a range, which is not loaded; reset_index() makes it a column.",
    )
