"""Reads a stream's JSON schema into Airbyte types. No other module does, and no record is validated by it."""

from collections.abc import Iterable, Mapping, Sequence

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

    None for a schema that allows anything, and for an object without properties. The members of an `allOf` are
    one object together. A union counts when exactly one of its options is an object. `stream` only serves the
    error's text.

    Raises ConfigError when the schema describes no single object, so that no field could get a column.
    """
    if _allows_anything(schema):
        return ()
    try:
        objects = _objects(schema)
    except RecursionError as error:
        raise _unusable(stream, "is nested too deeply to be read") from error
    if len(objects) != 1:
        raise _unusable(stream, f"describes {'several different objects' if objects else 'no object'}")
    return objects[0].fields or ()


def _unusable(stream: StreamName | None, complaint: str) -> ConfigError:
    return ConfigError(
        f"The JSON schema of {f'stream {stream}' if stream else 'a stream'} {complaint}.",
        doing="reading the configured catalog",
        remedy="Its top level must be one object; refresh the source's schema or deselect the stream.",
    )


def _objects(schema: object) -> Sequence[Object]:
    """The objects that a top level may be."""
    if isinstance(schema, Mapping) and isinstance(schema.get("allOf"), list):
        own = {keyword: value for keyword, value in schema.items() if keyword != "allOf"}
        parts = [_objects(part) for part in (own, *schema["allOf"]) if not _allows_anything(part)]
        unclear = next((part for part in parts if len(part) != 1), None)
        return [_together(part for (part,) in parts)] if unclear is None else unclear
    if isinstance(schema, Mapping) and "type" not in schema and _has_properties(schema):
        # What stands beside the properties, such as an anyOf of required ones, adds no field.
        return [_object(schema)]
    declared = airbyte_type(schema)
    options = declared.options if isinstance(declared, Union) else {declared}
    return [option for option in options if isinstance(option, Object)]


def _together(objects: Iterable[Object]) -> Object:
    """One object with the fields of all; a field of several has to be what each of them says."""
    merged: dict[str, AirbyteType] = {}
    for each in (field for part in objects for field in part.fields or ()):
        known = merged.get(each.name)
        if known is None or isinstance(known, Unknown):
            merged[each.name] = each.type
        elif not isinstance(each.type, Unknown):
            merged[each.name] = _union([known, each.type]) or known
    return Object(tuple(Field(name, type_) for name, type_ in merged.items()))


def _allows_anything(schema: object) -> bool:
    """Whether nothing in a schema says of which type its values are (JSON Schema: then they are of any)."""
    if not isinstance(schema, Mapping) or schema.keys() & {"type", "$ref"} or _has_properties(schema):
        return False
    combined = [schema[keyword] for keyword in COMBINATIONS if keyword in schema]
    options = [option for each in combined for option in (each if isinstance(each, list) else [each])]
    return all(_allows_anything(option) for option in options)


def _has_properties(schema: Mapping[str, object]) -> bool:
    return isinstance(schema.get("properties"), Mapping)


def airbyte_type(schema: object) -> AirbyteType:
    """The Airbyte type of a schema (Airbyte docs, "Supported data types").

    No schema is refused: one that is not understood, that allows anything, or nothing but null, is Unknown. A
    `format` that we do not know is ignored.
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
    return _object(schema) if _has_properties(schema) else _unknown(schema)


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
