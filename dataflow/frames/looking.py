"""The schema of data, found in its first pieces. They are kept, since some data can be read only once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
import pyarrow as pa
from attrs import frozen

from dataflow.errors import ConfigError
from dataflow.files.inference import SAMPLE_BYTES, Seen, meet, schema_of_parts, seen_in_columns, without_ours
from dataflow.frames.lines import DOING
from dataflow.frames.pieces import PANDAS, Piece, nameless_index, pieces_of

WHERE = "of the data"


@frozen(kw_only=True)
class Data:
    """Data that was looked at. `schema` is the JSON schema of its rows; `pieces` are all of it, to be read once.

    `remarks` are what a person may have meant otherwise, as sentences.
    """

    schema: Mapping[str, Any]
    pieces: Iterator[Piece]
    remarks: tuple[str, ...] = ()


def looked_at(data: object, schema: Mapping[str, Any] | None = None) -> Data:
    """The data, with this JSON schema of its rows; None: that of its columns, or of about 4 MiB of its first dicts.

    Raises ConfigError for data that is none, that cannot be read, or which shows no schema.
    """
    pieces = pieces_of(data)
    first: list[Piece] = []
    if schema is None:
        first = _first(pieces)
        schema = _schema(first, data)
    else:
        first = list(islice(pieces, 1))
    remarks = tuple(chain.from_iterable(_remarks(piece) for piece in first if isinstance(piece, pa.Schema)))
    return Data(schema=schema, pieces=chain(first, pieces), remarks=remarks)


def _first(pieces: Iterator[Piece]) -> list[Piece]:
    """As many pieces as it takes to see the schema."""
    first: list[Piece] = []
    size = 0
    for piece in pieces:
        first.append(piece)
        if not isinstance(piece, tuple):
            break
        size += sum(map(len, piece))
        if size >= SAMPLE_BYTES:
            break
    return first


def _schema(first: Sequence[Piece], data: object) -> Mapping[str, Any]:
    parts = [("the first rows", _in_lines(piece)) for piece in first if isinstance(piece, tuple)]
    schemas = [piece for piece in first if isinstance(piece, pa.Schema)]
    if schemas and isinstance(data, list | tuple):
        # A table declares what it has, without being read.
        schemas += [each.schema for each in data[1:] if isinstance(getattr(each, "schema", None), pa.Schema)]
    parts += [
        (f"table {number} of the data", _in_columns(each)) for number, each in enumerate(schemas, start=1)
    ]
    if not parts:
        raise ConfigError(
            "The data has no rows, which would show its fields.",
            doing=DOING,
            remedy="Give the schema of the rows, or leave out a load of nothing.",
        )
    return schema_of_parts(parts)


def _in_columns(schema: pa.Schema) -> Mapping[str, Seen]:
    nameless = nameless_index(schema)
    kept = pa.schema([field for field in schema if field.name not in nameless])
    return without_ours(seen_in_columns(kept, WHERE))


def _in_lines(lines: Sequence[bytes]) -> Mapping[str, Seen]:
    found: dict[str, Seen] = {}
    for line in lines:
        meet(found, msgspec.json.decode(line))
    return without_ours(found)


def _remarks(schema: pa.Schema) -> Iterator[str]:
    if nameless_index(schema):
        yield "The index of the frame has no name, so it is not loaded."
    described = msgspec.json.decode((schema.metadata or {}).get(PANDAS, b"{}"))
    for index in described.get("index_columns", ()):
        # Pandas gives no column for it.
        if isinstance(index, dict) and index.get("name") is not None:
            yield (
                f"The index {index['name']!r} of the frame is a range, which is not loaded; reset_index() makes it a "
                "column."
            )
