"""Cuts data into pieces of a bounded size, which are either Arrow batches or lines of JSON. Looks at no cell.

Data that can be read once is read once: nothing here goes back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pyarrow as pa

from dataflow.errors import ConfigError, DataflowError
from dataflow.files.columnar import BATCH_BYTES, FEWEST_ROWS, MOST_ROWS
from dataflow.frames.lines import DOING, REMEDY, line_of

# Rows of JSON, each one object.
Lines = tuple[bytes, ...]
# A schema comes before the batches that have it.
Piece: TypeAlias = pa.Schema | pa.RecordBatch | Lines
LINES_BYTES = 1 << 20
STREAM, ARRAY = "__arrow_c_stream__", "__arrow_c_array__"
# What pandas calls the column of an index without a name.
PANDAS = b"pandas"
NAMELESS = re.compile(r"__index_level_\d+__")
# What pandas adds to an error of Arrow's, which may quote a value.
_COLUMN = re.compile(r"Conversion failed for column (.+) with type")
TAKEN = (
    "Give Arrow tables, batches or readers; frames of pandas, polars or duckdb; dicts; or paths of files. A lazy frame "
    "has to be collected first."
)


def is_arrow(data: object) -> bool:
    """Whether it gives its columns by Arrow's PyCapsule interface."""
    return hasattr(data, STREAM) or hasattr(data, ARRAY)


def pieces_of(data: object) -> Iterator[Piece]:
    """The data in pieces; the next is not read before it is asked for.

    Raises ConfigError for what is no data of rows and fields, and for what could not be read to its end.
    """
    if is_arrow(data):
        yield from _of_arrow(data)
        return
    if isinstance(data, Mapping | str | bytes) or not isinstance(data, Iterable):
        raise _unknown(f"The data is of the type {type(data).__name__}, which has no rows of fields.")
    yield from _each(iter(data))


def _each(items: Iterator[object]) -> Iterator[Piece]:
    lines: list[bytes] = []
    size = 0
    for number, item in enumerate(_read(items), start=1):
        if is_arrow(item):
            if lines:
                yield tuple(lines)
            lines, size = [], 0
            yield from _of_arrow(item)
        elif _is_row(item):
            lines.append(line_of(item, number))
            size += len(lines[-1])
            if size >= LINES_BYTES:
                yield tuple(lines)
                lines, size = [], 0
        else:
            raise _unknown(
                f"Item {number} of the data is of the type {type(item).__name__}, which has no fields."
            )
    if lines:
        yield tuple(lines)


def _is_row(item: object) -> bool:
    """Whether its fields have names, as those of a dict and of the rows of some drivers do."""
    return isinstance(item, Mapping) or (hasattr(item, "keys") and hasattr(item, "__getitem__"))


def _read(items: Iterator[Any]) -> Iterator[Any]:
    with _readable():
        yield from items


def _unknown(message: str) -> ConfigError:
    return ConfigError(message, doing=DOING, remedy=TAKEN)


@contextmanager
def _readable() -> Iterator[None]:
    """Words an error of what gives the data, whose own words may quote a row."""
    try:
        yield
    except DataflowError:
        raise
    except Exception as error:
        raise ConfigError(
            f"The data could not be read to its end: what gives it raised {type(error).__name__}.",
            doing=DOING,
            remedy=REMEDY,
        ) from error


# -- Arrow


def _of_arrow(data: Any) -> Iterator[pa.Schema | pa.RecordBatch]:
    with _reader(data) as reader:
        schema = reader.schema
        _expect_names(schema)
        kept = [name for name in schema.names if name not in nameless_index(schema)]
        yield schema
        for batch in _read(reader):
            together = _rows_together(batch)
            for start in range(0, batch.num_rows, together):
                yield batch.slice(start, together).select(kept)


def _reader(data: Any) -> Any:
    try:
        return pa.RecordBatchReader.from_stream(data) if hasattr(data, STREAM) else _of_array(data)
    except Exception as error:
        found = _COLUMN.search(" ".join(map(str, error.args)))
        which = f": the values of the column {found[1]!r} are not of one type" if found else ""
        raise ConfigError(
            f"The data of the type {type(data).__name__} cannot be given as Arrow columns{which}.",
            doing=DOING,
            remedy="Give each column a name of its own and one type, for example with .astype(str).",
        ) from error


def _of_array(data: Any) -> Any:
    batch = pa.record_batch(data)
    return pa.RecordBatchReader.from_batches(batch.schema, [batch])


def _expect_names(schema: pa.Schema) -> None:
    if not schema.names:
        raise _unknown("The data has no columns.")
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"The data has several columns of the name {repeated[0]!r}.",
            doing=DOING,
            remedy="Give each column a name of its own.",
        )


def nameless_index(schema: pa.Schema) -> Sequence[str]:
    """The columns that are an index of pandas without a name: a person never gave them a meaning."""
    if PANDAS not in (schema.metadata or {}):
        return ()
    return [name for name in schema.names if NAMELESS.fullmatch(name)]


def _rows_together(batch: pa.RecordBatch) -> int:
    size = batch.nbytes / max(batch.num_rows, 1)
    return int(max(FEWEST_ROWS, min(MOST_ROWS, BATCH_BYTES / max(size, 1))))
