"""The JSON schema of a stream becomes Airbyte types by the rules of the Airbyte type system."""

import pytest

from dataflow.errors import ConfigError
from dataflow.json_schema import airbyte_type, fields
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
    Kind,
    Object,
    StreamName,
    Union,
    Unknown,
)


def union(*options: AirbyteType) -> Union:
    return Union(frozenset(options))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, STRING),
        ({"type": "string", "format": "date"}, DATE),
        ({"type": "string", "format": "time"}, TIME_WITH_TIMEZONE),
        ({"type": "string", "format": "time", "airbyte_type": "time_with_timezone"}, TIME_WITH_TIMEZONE),
        (
            {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
            TIME_WITHOUT_TIMEZONE,
        ),
        ({"type": "string", "format": "date-time"}, TIMESTAMP_WITH_TIMEZONE),
        (
            {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
            TIMESTAMP_WITHOUT_TIMEZONE,
        ),
        ({"type": "string", "format": "uuid"}, STRING),
        ({"type": "boolean"}, BOOLEAN),
        ({"type": "integer"}, INTEGER),
        ({"type": "int"}, INTEGER),
        ({"type": "number"}, NUMBER),
        ({"type": "number", "airbyte_type": "integer"}, INTEGER),
        ("integer", INTEGER),
    ],
)
def test_a_scalar_schema_has_its_scalar_type(schema: object, expected: AirbyteType) -> None:
    assert airbyte_type(schema) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Integer", INTEGER),
        ("Number", NUMBER),
        ("String", STRING),
        ("Boolean", BOOLEAN),
        ("Date", DATE),
        ("BinaryData", STRING),
        ("TimestampWithTimezone", TIMESTAMP_WITH_TIMEZONE),
        ("TimestampWithoutTimezone", TIMESTAMP_WITHOUT_TIMEZONE),
        ("TimeWithTimezone", TIME_WITH_TIMEZONE),
        ("TimeWithoutTimezone", TIME_WITHOUT_TIMEZONE),
    ],
)
def test_a_reference_to_a_well_known_type_is_that_type(name: str, expected: AirbyteType) -> None:
    assert airbyte_type({"$ref": f"WellKnownTypes.json#/definitions/{name}"}) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array"}, Array()),
        ({"type": "array", "items": []}, Array()),
        ({"type": "array", "items": {"type": "integer"}}, Array(INTEGER)),
        ({"type": "array", "items": [{"type": "integer"}, "string"]}, Array(union(INTEGER, STRING))),
        ({"type": "array", "items": {"type": "null"}}, Array()),
        ({"type": "object"}, Object()),
        ({"type": "object", "properties": {}}, Object(())),
        ({"properties": {"a": {"type": "integer"}}}, Object((Field("a", INTEGER),))),
        (
            {
                "type": "object",
                "properties": {"list": {"type": "array", "items": {"type": ["null", "number"]}}},
            },
            Object((Field("list", Array(NUMBER)),)),
        ),
    ],
)
def test_a_structured_schema_keeps_its_structure(schema: object, expected: AirbyteType) -> None:
    assert airbyte_type(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["null", "integer"]}, INTEGER),
        ({"type": ["integer"]}, INTEGER),
        ({"type": ["null", "string"], "format": "date"}, DATE),
        ({"type": ["number", "boolean"]}, union(NUMBER, BOOLEAN)),
        ({"type": ["string", "integer"], "format": "date-time"}, union(TIMESTAMP_WITH_TIMEZONE, INTEGER)),
        ({"type": ["integer", {"type": "boolean"}]}, union(INTEGER, BOOLEAN)),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, union(STRING, INTEGER)),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, STRING),
        ({"allOf": [{"type": "string"}]}, STRING),
        ({"oneOf": ["integer", "int"]}, INTEGER),
        ({"oneOf": {"type": "boolean"}}, BOOLEAN),
        ({"type": "object", "oneOf": [{"type": "string"}]}, Object()),
    ],
)
def test_a_union_drops_nulls_and_one_option_stands_for_itself(schema: object, expected: AirbyteType) -> None:
    assert airbyte_type(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "potato"},
        {"type": 5},
        {"type": "null"},
        {"type": ["null"]},
        {"type": []},
        {"oneOf": []},
        {"$ref": "#/definitions/other"},
        {"$ref": ["a list"]},
        True,
        None,
        3.5,
        {"properties": 7},
    ],
)
def test_a_schema_that_is_not_understood_is_unknown_and_held_as_json(schema: object) -> None:
    found = airbyte_type(schema)

    assert isinstance(found, Unknown)
    assert found.kind is Kind.JSON


def test_the_same_unknown_schema_is_the_same_type_whatever_the_order_of_its_keywords() -> None:
    assert airbyte_type({"type": "potato", "a": 1}) == airbyte_type({"a": 1, "type": "potato"})


def test_an_unknown_option_of_a_list_names_only_itself() -> None:
    found = airbyte_type({"type": ["potato", "integer"]})

    assert found == union(Unknown('{"type":"potato"}'), INTEGER)


def test_fields_keep_the_order_and_the_names_of_the_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"b": {"type": "string"}, "A": {"type": "integer"}, "": {"type": "date"}},
    }

    assert [field.name for field in fields(schema)] == ["b", "A", ""]


@pytest.mark.parametrize("value", [True, "string", None, ["integer"]])
def test_a_property_that_is_no_schema_object_is_unknown(value: object) -> None:
    (found,) = fields({"properties": {"odd": value}})

    assert isinstance(found.type, Unknown)


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}, {"properties": 7}]
)
def test_a_schema_without_properties_has_no_fields(schema: dict[str, object]) -> None:
    assert fields(schema) == ()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["null", "object"], "properties": {"id": {"type": "integer"}}},
        {"type": ["object", "string"], "properties": {"id": {"type": "integer"}}},
        {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"id": {"type": "integer"}}}]},
    ],
)
def test_a_union_with_one_object_gives_the_fields_of_that_object(schema: dict[str, object]) -> None:
    assert fields(schema) == (Field("id", INTEGER),)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "null"},
        {"type": "potato"},
        {"type": ["string", "integer"]},
        {"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
        {"allOf": [{"properties": {"a": {}}}, {"type": "string"}]},
        {"allOf": [{"properties": {"a": {}}}, {"oneOf": [{"properties": {"b": {}}}, {"type": "object"}]}]},
    ],
)
def test_a_top_level_that_is_not_one_object_is_a_config_error_naming_the_stream(
    schema: dict[str, object],
) -> None:
    with pytest.raises(ConfigError, match=r"stream public\.users"):
        fields(schema, StreamName("public", "users"))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"title": "Value"},
        {"enum": ["open", 7, None]},
        {"const": "invoice"},
        {"format": "date-time"},
        {"default": 0, "minimum": 0},
        {"items": {"type": "string"}},
        {"additionalProperties": False},
        {"anyOf": [{}, {"type": "null"}]},
        {"oneOf": [{"enum": ["a"]}, {"const": "a"}]},
        {"allOf": [{"description": "whatever"}]},
    ],
)
def test_a_schema_without_a_type_allows_anything_and_is_held_as_json(schema: dict[str, object]) -> None:
    found = airbyte_type(schema)

    assert found.kind is Kind.JSON
    assert not isinstance(found, Object | Array)
    assert Object() not in getattr(found, "options", ())


@pytest.mark.parametrize(
    "schema",
    [
        {"title": "users"},
        {"additionalProperties": True},
        {"anyOf": [{"required": ["id"]}, {"required": ["name"]}]},
    ],
)
def test_a_top_level_that_allows_anything_has_no_fields(schema: dict[str, object]) -> None:
    assert fields(schema) == ()


ID, NAME = {"id": {"type": "integer"}}, {"name": {"type": "string"}}
BOTH = (Field("id", INTEGER), Field("name", STRING))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"allOf": [{"type": "object", "properties": ID}, {"properties": NAME}]}, BOTH),
        ({"type": "object", "properties": ID, "allOf": [{"properties": NAME}, {"required": ["id"]}]}, BOTH),
        (
            {"allOf": [{"allOf": [{"properties": ID}]}, {"type": ["null", "object"], "properties": NAME}]},
            BOTH,
        ),
        ({"properties": ID | NAME, "anyOf": [{"required": ["id"]}, {"required": ["name"]}]}, BOTH),
        ({"allOf": [{"properties": {"id": {"title": "Id"}}}, {"properties": ID | NAME}]}, BOTH),
        (
            {"allOf": [{"properties": ID}, {"properties": {"id": {"type": "integer", "minimum": 0}} | NAME}]},
            BOTH,
        ),
        (
            {"allOf": [{"properties": ID}, {"properties": {"id": {"type": "string"}}}]},
            (Field("id", union(INTEGER, STRING)),),
        ),
    ],
)
def test_the_members_of_an_all_of_at_the_top_are_one_object(
    schema: dict[str, object], expected: tuple[Field, ...]
) -> None:
    assert fields(schema) == expected


def test_a_schema_nested_too_deeply_to_be_read_is_a_config_error_naming_the_stream() -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(2000):
        schema = {"type": "object", "properties": {"inner": schema}}

    with pytest.raises(ConfigError, match="users is nested too deeply"):
        fields(schema, StreamName(None, "users"))


def test_an_unrecognized_string_format_is_passed_over_without_a_word(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    found = fields({"properties": {"page": {"type": "string", "format": "uri"}}})

    assert found == (Field("page", STRING),)
    assert (caplog.records, capfd.readouterr()) == ([], ("", ""))
