"""The schema that files have in common, as a JSON schema. Looks at the types of columns and at samples; loads nothing.

A Parquet file declares its types, and Arrow infers those of a CSV file from its first block. The first lines of
other files are read. A value beyond the sample that is of another type is no reason to fail: it is nulled, noted and
counted as in a sync.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.types as arrow

from dataflow.errors import ConfigError
from dataflow.files.airbyte import Selection
from dataflow.files.columnar import arrow_schema
from dataflow.files.lines import Block, blocks
from dataflow.files.listing import Format, InputFile, empty
from dataflow.files.ndjson import OBJECT
from dataflow.files.pieces import Piece
from dataflow.types import RAW_ID, StreamName

SAMPLE_BYTES = 4 << 20
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
LONG = 2**63
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
REMEDY = "Give the types with --schema, or load each into a table of its own."


class Seen(StrEnum):
    """What the values of a field are, as far as was looked."""

    NOTHING = "nothing"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "timestamp without timezone"
    ZONED = "timestamp with timezone"
    TIME = "time"
    STRING = "string"
    ARRAY = "array"
    OBJECT = "object"
    VARIOUS = "various"


SCHEMAS: Mapping[Seen, Mapping[str, Any]] = {
    # A column must have some type; a text holds whatever comes later.
    Seen.NOTHING: {"type": "string"},
    Seen.BOOLEAN: {"type": "boolean"},
    Seen.INTEGER: {"type": "integer"},
    Seen.NUMBER: {"type": "number"},
    Seen.DATE: {"type": "string", "format": "date"},
    Seen.MOMENT: {
        "type": "string",
        "format": "date-time",
        "airbyte_type": "timestamp_without_timezone",
    },
    Seen.ZONED: {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
    Seen.TIME: {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
    Seen.STRING: {"type": "string"},
    Seen.ARRAY: {"type": "array"},
    Seen.OBJECT: {"type": "object"},
    Seen.VARIOUS: {},
}
# What holds the values of both.
_JOINED: Mapping[frozenset[Seen], Seen] = {
    frozenset({Seen.INTEGER, Seen.NUMBER}): Seen.NUMBER,
    frozenset({Seen.DATE, Seen.MOMENT}): Seen.MOMENT,
    **{
        frozenset({one, other}): Seen.STRING
        for one in (Seen.DATE, Seen.MOMENT, Seen.ZONED, Seen.TIME, Seen.STRING)
        for other in (Seen.ZONED, Seen.TIME, Seen.STRING)
        if one is not other
    },
}


def schema_of(files: Sequence[InputFile], stream: StreamName) -> Mapping[str, Any]:
    """The JSON schema that describes all of these files: each field that any has, in the order of its appearance.

    `stream`: its records are the rows of a file of messages. Raises ConfigError for a file that cannot be read or holds
    no columns, and for a field whose values are of different types in two files.
    """
    selection = Selection(stream)
    return schema_of_parts((f"{str(file)!r}", _seen_in(file, selection)) for file in files)


def schema_of_parts(parts: Iterable[tuple[str, Mapping[str, Seen]]]) -> Mapping[str, Any]:
    """The JSON schema of all parts, each with its name for an error and with what was seen of its fields.

    Raises ConfigError for a field whose values are of different types in two parts.
    """
    together: dict[str, Seen] = {}
    first: dict[str, str] = {}
    for part, fields in parts:
        for field, seen in fields.items():
            before = together.get(field, Seen.NOTHING)
            joined = _joined(before, seen)
            if joined is Seen.VARIOUS and Seen.VARIOUS not in (before, seen):
                raise ConfigError(
                    f"The field {field!r} is of the type {before} in {first[field]}, and of the type {seen} in {part}.",
                    doing="looking at the schema",
                    remedy=REMEDY,
                )
            together[field] = joined
            first.setdefault(field, part)
    return {
        "type": "object",
        "properties": {field: dict(SCHEMAS[seen]) for field, seen in together.items()},
    }


def _joined(one: Seen, other: Seen) -> Seen:
    if one is other or other is Seen.NOTHING:
        return one
    if one is Seen.NOTHING:
        return other
    return _JOINED.get(frozenset({one, other}), Seen.VARIOUS)


def _seen_in(file: InputFile, selection: Selection) -> Mapping[str, Seen]:
    match file.format:
        case Format.NDJSON:
            found = _in_values(_lines(file))
        case Format.AIRBYTE:
            found = _in_values(_records(file, selection))
            selection.expect_some()
        case _:
            found = seen_in_columns(arrow_schema(file), f"of the file {str(file)!r}")
    if not found:
        raise empty(file)
    return without_ours(found)


def without_ours(found: Mapping[str, Seen]) -> Mapping[str, Seen]:
    """The fields without the metadata that a destination of ours wrote: its columns are given again."""
    return {
        name: seen for name, seen in found.items() if not (RAW_ID in found and name.startswith("_airbyte_"))
    }


# -- Arrow's types


def seen_in_columns(schema: pa.Schema, where: str) -> Mapping[str, Seen]:
    """What Arrow's columns hold by their types. Raises ConfigError for a type that no column here has.

    `where` says where they are from, such as "of the file 'a.parquet'".
    """
    return {field.name: _of_arrow(field, where) for field in schema}


def _of_arrow(field: pa.Field, where: str) -> Seen:
    of = field.type.value_type if arrow.is_dictionary(field.type) else field.type
    for is_such, seen in _ARROW:
        if is_such(of):
            return seen
    if arrow.is_timestamp(of):
        return Seen.ZONED if of.tz is not None else Seen.MOMENT
    raise ConfigError(
        f"The column {field.name!r} {where} is of Arrow's type {of}, for which there is no type of a column here.",
        doing="looking at the schema",
        remedy="Give it another type, such as a number or a text.",
    )


_TEXTS = (
    arrow.is_string,
    arrow.is_large_string,
    arrow.is_string_view,
    arrow.is_binary,
    arrow.is_large_binary,
    arrow.is_binary_view,
    arrow.is_fixed_size_binary,
)
_LISTS = (arrow.is_list, arrow.is_large_list, arrow.is_fixed_size_list, arrow.is_map)
_ARROW = (
    (arrow.is_null, Seen.NOTHING),
    (arrow.is_boolean, Seen.BOOLEAN),
    (arrow.is_integer, Seen.INTEGER),
    (arrow.is_floating, Seen.NUMBER),
    (arrow.is_decimal, Seen.NUMBER),
    (arrow.is_date, Seen.DATE),
    (arrow.is_time, Seen.TIME),
    (arrow.is_struct, Seen.OBJECT),
    *((each, Seen.STRING) for each in _TEXTS),
    *((each, Seen.ARRAY) for each in _LISTS),
)


# -- the values of JSON


# A value, and the block and the number of its line.
_Placed = tuple[bytes, Block, int]


def _in_values(values: Iterable[_Placed]) -> Mapping[str, Seen]:
    found: dict[str, Seen] = {}
    for data, block, number in values:
        try:
            record = _object(data)
        except (ValueError, TypeError, RecursionError) as error:
            raise block.refusal(number, OBJECT) from error
        for name, token in record.items():
            found[name] = _joined(found.get(name, Seen.NOTHING), _of_token(token))
    return found


def meet(found: dict[str, Seen], record: Mapping[str, Any]) -> None:
    """Note the fields of one more record, as JSON has its values."""
    for name, value in record.items():
        found[name] = _joined(found.get(name, Seen.NOTHING), _of_value(value))


def _object(data: bytes) -> Mapping[str, msgspec.Raw]:
    """The values of an object. ValueError or TypeError if it is none."""
    try:
        return _OBJECT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Here a text may have half of a surrogate pair; a name may not.
        found = json.loads(data.decode("utf-8", "replace"), parse_constant=_refused)
        if not isinstance(found, dict):
            raise TypeError from None
        return {
            name.encode().decode(): msgspec.Raw(json.dumps(value).encode()) for name, value in found.items()
        }


def _refused(constant: str) -> None:
    raise ValueError(constant)


def _lines(file: InputFile) -> Iterator[_Placed]:
    # The second block is a last line without an end, or more than is needed.
    for block in islice(blocks(Piece(file=file), SAMPLE_BYTES), 2):
        yield from ((line, block, number) for number, line in block.filled())


def _records(file: InputFile, selection: Selection) -> Iterator[_Placed]:
    """Those of the first blocks, and of more until one has a record of the stream."""
    for index, block in enumerate(blocks(Piece(file=file), SAMPLE_BYTES)):
        if index > 1 and selection.found:
            return
        yield from ((bytes(record.data), block, number) for number, record in selection.records(block))


def _of_token(token: msgspec.Raw) -> Seen:
    """What a value is, also one that no library reads and the reader of the input nulls."""
    begin = bytes(memoryview(token)[:1])
    if begin in _WHOLE:
        return _WHOLE[begin]
    try:
        return _of_value(msgspec.json.decode(token))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Seen.STRING if begin == b'"' else Seen.NUMBER


_WHOLE: Mapping[bytes, Seen] = {b"{": Seen.OBJECT, b"[": Seen.ARRAY}


def _of_value(value: Any) -> Seen:
    if isinstance(value, str):
        return _of_text(value)
    if type(value) is int and not -LONG <= value < LONG:
        return Seen.NUMBER
    return _OF_JSON[type(value)]


_OF_JSON: Mapping[type, Seen] = {
    type(None): Seen.NOTHING,
    bool: Seen.BOOLEAN,
    int: Seen.INTEGER,
    float: Seen.NUMBER,
    list: Seen.ARRAY,
    dict: Seen.OBJECT,
}


def _of_text(text: str) -> Seen:
    if DATE.fullmatch(text):
        return Seen.DATE
    if (moment := MOMENT.fullmatch(text)) is not None:
        return Seen.ZONED if moment["zone"] else Seen.MOMENT
    return Seen.STRING
