"""Reads a stream's JSON schema into Airbyte types. No other module does, and no record is validated by it."""

import logging
from collections.abc import Iterable, Mapping

import msgspec

from dataflow.errors import ConfigError
from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    TIME_WITH_TIMEZONE,
    TIME_WITHOUT_TIMEZONE,
    TIMESTAMP_WITH_TIMEZONE,
    TIMESTAMP_WITHOUT_TIMEZONE,
    AirbyteType,
    Array,
    Field,
    Object,
    StreamName,
    Union,
    Unknown,
)

log = logging.getLogger(__name__)

WELL_KNOWN: Mapping[str, AirbyteType] = {
    f"WellKnownTypes.json#/definitions/{name}": type_
    for name, type_ in {
        "Integer": INTEGER,
        "Number": NUMBER,
        "String": STRING,
        "BinaryData": STRING,
        "Boolean": BOOLEAN,
        "Date": DATE,
        "TimestampWithTimezone": TIMESTAMP_WITH_TIMEZONE,
        "TimestampWithoutTimezone": TIMESTAMP_WITHOUT_TIMEZONE,
        "TimeWithTimezone": TIME_WITH_TIMEZONE,
        "TimeWithoutTimezone": TIME_WITHOUT_TIMEZONE,
    }.items()
}
BY_NAME: Mapping[str, AirbyteType] = {"boolean": BOOLEAN, "integer": INTEGER, "int": INTEGER}
COMBINATIONS = ("oneOf", "anyOf", "allOf")


def fields(schema: Mapping[str, object], stream: StreamName | None = None) -> tuple[Field, ...]:
    """The declared fields of a stream, in the order of its top-level schema.

    None for `{}` and for an object without properties. A union counts when exactly one of its options is
    an object. `stream` only serves the error's text.

    Raises ConfigError when the schema describes no single object, so that no field could get a column.
    """
    declared = airbyte_type(schema)
    options = declared.options if isinstance(declared, Union) else {declared}
    objects = [option for option in options if isinstance(option, Object)]
    if len(objects) != 1:
        found = "several different objects" if objects else "no object"
        raise ConfigError(
            f"The JSON schema of {f'stream {stream}' if stream else 'a stream'} describes {found}.",
            doing="reading the configured catalog",
            remedy="Its top level must be one object; refresh the source's schema or deselect the stream.",
        )
    return objects[0].fields or ()


def airbyte_type(schema: object) -> AirbyteType:
    """The Airbyte type of a schema (Airbyte docs, "Supported data types").

    No schema is refused: one that is not understood, or that allows nothing but null, is Unknown.
    """
    return _convert(schema) or _unknown(schema)


def _convert(schema: object) -> AirbyteType | None:
    """As `airbyte_type`, but None for a schema that allows only null."""
    if isinstance(schema, str):
        return _named(schema, {})
    if not isinstance(schema, Mapping):
        return _unknown(schema)
    if "type" in schema:
        return _typed(schema["type"], schema)
    if "$ref" in schema:
        return WELL_KNOWN.get(str(schema["$ref"])) or _unknown(schema)
    for keyword in COMBINATIONS:
        if keyword in schema:
            return _combined(schema[keyword])
    return _object(schema)


def _typed(name: object, schema: Mapping[str, object]) -> AirbyteType | None:
    if isinstance(name, str):
        return _named(name, schema)
    if isinstance(name, list):
        # Each name is read with the keywords around the list, so that a nullable string keeps its format.
        return _union(
            [_named(option, schema) if isinstance(option, str) else _convert(option) for option in name]
        )
    return _unknown(schema)


def _named(name: str, schema: Mapping[str, object]) -> AirbyteType | None:
    hint = schema.get("airbyte_type")
    match name:
        case "null":
            return None
        case "string":
            return _string(schema.get("format"), hint)
        case "number":
            return INTEGER if hint == "integer" else NUMBER
        case "array":
            return _array(schema.get("items"))
        case "object":
            return _object(schema)
    return BY_NAME.get(name) or _unknown({**schema, "type": name})


def _string(form: object, hint: object) -> AirbyteType:
    match form:
        case None:
            return STRING
        case "date":
            return DATE
        case "time":
            return TIME_WITHOUT_TIMEZONE if hint == "time_without_timezone" else TIME_WITH_TIMEZONE
        case "date-time":
            return (
                TIMESTAMP_WITHOUT_TIMEZONE
                if hint == "timestamp_without_timezone"
                else TIMESTAMP_WITH_TIMEZONE
            )
    log.warning("Ignoring the unrecognized string format %r; the values are kept as strings.", form)
    return STRING


def _array(items: object) -> Array:
    if items is None or items == []:
        return Array()
    if isinstance(items, list):
        return Array(_combined(items))
    return Array(_convert(items))


def _object(schema: Mapping[str, object]) -> Object:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return Object()
    return Object(tuple(Field(name, _property(value)) for name, value in properties.items()))


def _property(schema: object) -> AirbyteType:
    # Upstream reads a bare type name everywhere but here, where only an object is a schema.
    return airbyte_type(schema) if isinstance(schema, Mapping) else _unknown(schema)


def _combined(options: object) -> AirbyteType | None:
    return (
        _union([_convert(option) for option in options]) if isinstance(options, list) else _convert(options)
    )


def _union(options: Iterable[AirbyteType | None]) -> AirbyteType | None:
    """Null options are dropped, since every field is nullable; one that is left stands for itself."""
    distinct = frozenset(option for option in options if option is not None)
    return Union(distinct) if len(distinct) > 1 else next(iter(distinct), None)


def _unknown(schema: object) -> Unknown:
    return Unknown(msgspec.json.encode(schema, order="sorted").decode())
