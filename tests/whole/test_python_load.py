"""`dataflow.load` into every destination: the data of a program becomes rows, once, whatever stops it on the way."""

import signal
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dataflow import LoadResult, load
from dataflow.errors import ConfigError
from tests.whole.command import Destination
from tests.whole.turns import in_turn

TABLE = pa.table({"id": [1, 2, 3], "name": ["Ada", "Alan", None]})
ALL = [(1, "Ada"), (2, "Alan"), (3, None)]


def loaded(destination: Destination, data: Any, **asked: Any) -> LoadResult:
    return load(data, to=destination.name, config=destination.config, stream="users", **asked)


def users(count: int) -> Iterator[Mapping[str, Any]]:
    return ({"id": number, "name": f"user {number}"} for number in range(count))


@pytest.mark.parametrize("kind", ["table", "relation", "dicts"])
def test_data_of_a_program_becomes_a_table_and_is_merged_into_it_by_its_key(
    destination: Destination, kind: str
) -> None:
    data = {"table": TABLE, "relation": duckdb.from_arrow(TABLE), "dicts": TABLE.to_pylist()}[kind]

    first = loaded(destination, data, mode="overwrite")
    again = loaded(destination, [{"id": 2, "name": "Turing"}, {"id": 4, "name": "Grace"}], key="id")

    assert (first.read, first.written, again.written) == (3, 3, 2)
    assert destination.rows("users", ["id", "name"]) == [(1, "Ada"), (2, "Turing"), (3, None), (4, "Grace")]
    assert destination.tables() == ["users"]


@in_turn(
    "case",
    [
        ({"key": "id"}, KeyboardInterrupt),
        ({"mode": "overwrite"}, KeyboardInterrupt),
        ({"key": "id"}, ConfigError),
    ],
)
def test_what_stops_a_load_within_its_rows_leaves_the_table_and_the_load_runs_again(
    destination: Destination, case: tuple[dict[str, str], type[BaseException]]
) -> None:
    mode, stop = case
    loaded(destination, TABLE, **mode)

    def stopped() -> Iterator[Mapping[str, Any]]:
        yield from users(20_000)
        if stop is KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
        raise OSError

    with pytest.raises(stop):
        loaded(destination, stopped(), **mode)
    between = destination.rows("users", ["id", "name"])
    loaded(destination, TABLE, **mode)

    assert between == destination.rows("users", ["id", "name"]) == ALL
    assert destination.tables() == ["users"]
