"""The suite of values on their way from a source's JSON into a column: kept as they are, or nulled and noted."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from connectors.testkit.harness.destination import needs
from connectors.testkit.harness.messages import (
    DATE_TIME,
    INTEGER,
    STRING,
    UNKNOWN,
    catalog,
    complete,
    record,
    stream,
)
from connectors.testkit.harness.rows import Rows, data
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import META, RAW_ID

Schema = Mapping[str, Any]
# What a JSON token becomes in the column, and what is noted about it.
Case = tuple[str, Any, tuple[str, str] | None]

UNREADABLE = ("NULLED", "DESTINATION_SERIALIZATION_ERROR")
BEYOND = ("NULLED", "DESTINATION_FIELD_SIZE_LIMITATION")
CUT = ("TRUNCATED", "DESTINATION_FIELD_SIZE_LIMITATION")

NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
DATE: Schema = {"type": "string", "format": "date"}
LOCAL_DATE_TIME: Schema = {**DATE_TIME, "airbyte_type": "timestamp_without_timezone"}
TIME: Schema = {"type": "string", "format": "time", "airbyte_type": "time_with_timezone"}
LOCAL_TIME: Schema = {**TIME, "airbyte_type": "time_without_timezone"}
OBJECT: Schema = {"type": "object", "properties": {"id": INTEGER, "name": STRING}}
EMPTY_OBJECT: Schema = {"type": "object", "properties": {}}
ANY_OBJECT: Schema = {"type": "object"}
ARRAY: Schema = {"type": "array", "items": INTEGER}
ANY_ARRAY: Schema = {"type": "array"}


def _moment(*parts: int, utc: bool = True) -> datetime:
    return datetime(*parts, tzinfo=UTC if utc else None)  # type: ignore[misc,arg-type]


SCHEMAS: Mapping[str, Schema] = {
    "integer": INTEGER,
    "number": NUMBER,
    "string": STRING,
    "boolean": BOOLEAN,
    "date": DATE,
    "timestamp with timezone": DATE_TIME,
    "timestamp without timezone": LOCAL_DATE_TIME,
    "time with timezone": TIME,
    "time without timezone": LOCAL_TIME,
}
CASES: Mapping[str, Sequence[Case]] = {
    "integer": [
        *((str(n), n, None) for n in (0, 1, -1, 42, -42, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63))),
        *((str(n), None, BEYOND) for n in (2**63, -(2**63) - 1, 10**38 - 1, 10**38, -(10**38))),
        ("42.0", 42, None),
        ('"42"', 42, None),
        ("42.5", None, UNREADABLE),
        ('"foo"', None, UNREADABLE),
        ("true", None, UNREADABLE),
    ],
    "string": [
        ('""', "", None),
        ('"foo"', "foo", None),
        ("42", "42", None),
        ("true", "true", None),
        ('{"a": [1]}', '{"a": [1]}', None),
    ],
    "boolean": [
        ("true", True, None),
        ("false", False, None),
        ('"true"', None, UNREADABLE),
        ("1", None, UNREADABLE),
    ],
    "date": [
        ('"2025-01-23"', date(2025, 1, 23), None),
        ('"0001-01-01"', date(1, 1, 1), None),
        ('"9999-12-31"', date(9999, 12, 31), None),
        ('"2025-02-30"', None, UNREADABLE),
        ("20250123", None, UNREADABLE),
    ],
    "timestamp with timezone": [
        ('"2025-01-23T12:34:56.789Z"', _moment(2025, 1, 23, 12, 34, 56, 789_000), None),
        ('"2025-01-23T11:34:56-01:00"', _moment(2025, 1, 23, 12, 34, 56), None),
        ('"1970-01-01T00:00:00Z"', _moment(1970, 1, 1), None),
        ('"2023-01-17T11:04:34Z+0000"', _moment(2023, 1, 17, 11, 4, 34), None),
        ('"0001-01-01T00:00:00Z"', _moment(1, 1, 1), None),
        ('"9999-12-31T23:59:59.999999Z"', _moment(9999, 12, 31, 23, 59, 59, 999_999), None),
        ('"2025-01-23T01:01:00.123456789Z"', _moment(2025, 1, 23, 1, 1, 0, 123_456), CUT),
        ('"+10000-01-01T00:00:00Z"', None, BEYOND),
        ('"foo"', None, UNREADABLE),
    ],
    "timestamp without timezone": [
        ('"2025-01-23T12:34:56.789"', _moment(2025, 1, 23, 12, 34, 56, 789_000, utc=False), None),
        ('"0001-01-01T00:00:00"', _moment(1, 1, 1, utc=False), None),
        ('"9999-12-31T23:59:59.999999"', _moment(9999, 12, 31, 23, 59, 59, 999_999, utc=False), None),
        ('"2025-01-23T01:01:00.123456789"', _moment(2025, 1, 23, 1, 1, 0, 123_456, utc=False), CUT),
        ('"+10000-01-01T00:00:00"', None, BEYOND),
        ('"foo"', None, UNREADABLE),
    ],
    "time with timezone": [
        ('"00:00:00Z"', "00:00:00+00:00", None),
        ('"11:34:56-01:00"', "11:34:56-01:00", None),
        ('"foo"', None, UNREADABLE),
    ],
    "time without timezone": [
        ('"00:00:00"', time(0), None),
        ('"23:59:59.999999"', time(23, 59, 59, 999_999), None),
        ('"23:59:59.123456789"', time(23, 59, 59, 123_456), CUT),
        ('"12:00:00"', time(12), None),
        ('"foo"', None, UNREADABLE),
    ],
}
NUMBERS: Sequence[Case] = [
    *((text, Decimal(text), None) for text in ("0", "1", "-1", "123.4", "-123.4", f"{'9' * 29}.{'9' * 9}")),
    ('"42.5"', Decimal("42.5"), None),
    ("1234567890.1234567890123456789", Decimal("1234567890.123456789"), CUT),
    ("-1234567890.1234567890123456789", Decimal("-1234567890.123456789"), CUT),
    ("12345678912345678912345678912.3456789123", Decimal("12345678912345678912345678912.345678912"), CUT),
    ("-12345678912345678912345678912.3456789123", Decimal("-12345678912345678912345678912.345678912"), CUT),
    ("5e-10", Decimal("1e-9"), CUT),
    ("-5e-10", Decimal("-1e-9"), CUT),
    ("4.9e-324", Decimal(0), CUT),
    ("1e39", None, BEYOND),
    ("-2e39", None, BEYOND),
    ("1.7976931348623157e308", None, BEYOND),
    ('"foo"', None, UNREADABLE),
]


class CoercionSuite(WarehouseSuite):
    """Exact values or none: a cell is never replaced by another, and never the reason of a failed sync."""

    @pytest.mark.parametrize("kind", CASES)
    def test_a_value_is_kept_or_nulled_and_noted(self, warehouse: Warehouse, kind: str) -> None:
        """Upstream's fixtures for the coercion of each type."""
        _sync_cells(warehouse, SCHEMAS[kind], CASES[kind])

        assert _cells(warehouse, CASES[kind]) == CASES[kind]

    @needs(fixed_decimals=True)
    def test_a_number_is_rounded_half_up_to_its_columns_scale_and_reported(
        self, warehouse: Warehouse
    ) -> None:
        """Never through a float, which would round otherwise.

        Upstream: testNumericTypes.
        """
        _sync_cells(warehouse, NUMBER, NUMBERS)

        assert _cells(warehouse, NUMBERS) == NUMBERS

    def test_every_type_is_read_back_as_it_came_or_null(self, warehouse: Warehouse) -> None:
        """A record's bad cells are nulled each by itself, and what is null or absent needs no change.

        Upstream: testBasicTypes.
        """
        fields = {"id": INTEGER, **{name.replace(" ", "_"): schema for name, schema in SCHEMAS.items()}}
        valid: dict[str, Any] = {
            "string": "foo",
            "number": 42.5,
            "integer": 42,
            "boolean": True,
            "date": "2023-01-23",
            "timestamp_with_timezone": "2023-01-23T11:34:56-01:00",
            "timestamp_without_timezone": "2023-01-23T12:34:56",
            "time_with_timezone": "11:34:56-01:00",
            "time_without_timezone": "12:34:56",
        }
        read = {
            **valid,
            "number": Decimal("42.5"),
            "date": date(2023, 1, 23),
            "timestamp_with_timezone": _moment(2023, 1, 23, 12, 34, 56),
            "timestamp_without_timezone": _moment(2023, 1, 23, 12, 34, 56, utc=False),
            "time_without_timezone": time(12, 34, 56),
        }
        nothing: dict[str, Any] = dict.fromkeys(valid)
        wrong: dict[str, Any] = {**dict.fromkeys(valid, "foo"), "string": {}}
        least: dict[str, Any] = {**valid, "integer": 0, "number": 0, "string": ""}

        outcome = warehouse.sync(
            catalog(stream("cells", Strategy.APPEND, fields)),
            record("cells", id=1, **valid),
            record("cells", id=2, **nothing),
            record("cells", id=3),
            record("cells", id=4, **wrong),
            record("cells", id=5, **least),
            complete("cells"),
        )

        assert outcome.exit_code == 0
        assert warehouse.data("cells") == [
            {"id": 1, **read},
            {"id": 2, **nothing},
            {"id": 3, **nothing},
            {"id": 4, **nothing, "string": "{}"},
            {"id": 5, **read, "integer": 0, "number": Decimal(0), "string": ""},
        ]
        changed = [{c["field"] for c in row[META]["changes"]} for row in warehouse.rows("cells")]
        assert changed == [set(), set(), set(), set(valid) - {"string"}, set()]

    def test_containers_hold_what_is_in_them_whatever_their_schema_says(self, warehouse: Warehouse) -> None:
        """What is inside of a JSON column is the source's own: nothing in it is typed, dropped or nulled.

        Upstream: testContainerTypes.
        """
        fields = {
            "schematized_object": OBJECT,
            "empty_object": EMPTY_OBJECT,
            "schemaless_object": ANY_OBJECT,
            "schematized_array": ARRAY,
            "schemaless_array": ANY_ARRAY,
        }
        full = {
            "schematized_object": {"id": 1, "name": "Joe", "undeclared": {"deep": [None, 0]}},
            "empty_object": {"extra": "stuff"},
            "schemaless_object": {"uuid": "38F52396", "nothing": None},
            "schematized_array": [10, None, "twenty"],
            "schemaless_array": [10, "foo", None, {"bar": "qua"}],
        }
        empty: dict[str, Any] = {name: [] if "array" in name else {} for name in fields}
        nulls = dict.fromkeys(fields)

        _sync(warehouse, fields, full, empty, nulls)

        assert warehouse.data("cells") == [full, empty, nulls]

    def test_a_container_of_another_shape_is_nulled_and_noted(self, warehouse: Warehouse) -> None:
        """JSON within a text is text."""
        fields = {"object": ANY_OBJECT, "array": ANY_ARRAY}

        _sync(warehouse, fields, {"object": [1], "array": {}}, {"object": '{"a": 1}', "array": "[1]"})

        assert warehouse.data("cells") == [dict.fromkeys(fields)] * 2
        assert [len(row[META]["changes"]) for row in warehouse.rows("cells")] == [2, 2]

    def test_a_value_of_a_type_that_nobody_knows_is_kept(self, warehouse: Warehouse) -> None:
        """A schema that we do not understand is no reason to lose what it describes.

        Upstream: testUnknownTypes.
        """
        values = ["ex falso quodlibet", {"or": ["something"]}, 42, None]

        _sync(warehouse, {"unknown": UNKNOWN}, *({"unknown": value} for value in values))

        assert [row["unknown"] for row in warehouse.data("cells")] == values
        assert [row[META]["changes"] for row in warehouse.rows("cells")] == [[], [], [], []]

    def test_a_value_without_a_declared_type_is_kept(self, warehouse: Warehouse) -> None:
        """A schema without `type` allows anything, so nothing of what it describes is nulled."""
        schemas: Schema = {
            "empty": {},
            "titled": {"title": "Value"},
            "listed": {"enum": ["open", "closed", None]},
            "constant": {"const": "invoice"},
            "formatted": {"format": "date-time"},
            "defaulted": {"default": 0, "minimum": 0},
            "optional": {"anyOf": [{"enum": ["a"]}, {"type": "null"}]},
        }
        values: list[Any] = ["open", 42, 1.5, True, {"a": 1}, [1, "b"], None]
        records = [dict.fromkeys(schemas, value) for value in values]

        _sync(warehouse, schemas, *records)

        assert warehouse.data("cells") == records
        assert [row[META]["changes"] for row in warehouse.rows("cells")] == [[] for _ in values]

    def test_json_of_many_levels_is_kept_or_nulled_and_never_ends_a_sync(self, warehouse: Warehouse) -> None:
        """As deep as the destination says that it follows, and no deeper; a text is a text however deep it is."""
        limit = warehouse.destination.connector().columns.limits.json_levels
        deepest, deeper, deep = ("[" * n + "]" * n for n in (limit, limit + 1, 20_000))
        cells = [("array", deepest), ("array", deeper), ("array", deep), ("text", deep), ("number", deep)]
        fields = {"array": ANY_ARRAY, "text": STRING, "number": NUMBER}
        values: list[dict[str, Any]] = [{name: "@", "undeclared": "@"} for name, _ in cells]
        lines = [
            record("cells", **of).replace(b'"@"', token.encode())
            for of, (_, token) in zip(values, cells, strict=True)
        ]

        outcome = warehouse.sync(catalog(stream("cells", Strategy.APPEND, fields)), *lines, complete("cells"))

        assert outcome.exit_code == 0
        # As their text: Python's json follows fewer levels.
        rows = sorted(
            warehouse.destination.read(warehouse.tables("cells").final), key=lambda row: row[RAW_ID]
        )
        assert [row["array"] for row in rows] == [deepest, None, None, None, None]
        assert [row["text"] for row in rows] == [None, None, None, deep, None]
        assert [tuple(c.values()) for row in rows for c in json.loads(row[META])["changes"]] == [
            ("array", *BEYOND),
            ("array", *BEYOND),
            ("number", *UNREADABLE),
        ]

    def test_json_of_many_levels_outlives_a_change_of_its_columns_type(self, warehouse: Warehouse) -> None:
        """As a text it is what it was as JSON."""
        limit = warehouse.destination.connector().columns.limits.json_levels
        deepest = "[" * limit + "]" * limit
        line = record("cells", cell="@").replace(b'"@"', deepest.encode())

        for schema in (ANY_ARRAY, STRING):
            outcome = warehouse.sync(
                catalog(stream("cells", Strategy.APPEND, {"cell": schema})), line, complete("cells")
            )
            assert outcome.exit_code == 0

        rows = warehouse.destination.read(warehouse.tables("cells").final)
        assert [row["cell"] for row in rows] == [deepest, deepest]

    def test_a_bare_constant_nulls_its_cell_and_no_other(self, warehouse: Warehouse) -> None:
        """Python's json writes NaN and Infinity, which are no JSON."""
        fields = {"id": INTEGER, "number": NUMBER, "object": ANY_OBJECT, "text": STRING}
        line = record("cells", id=1, number="@", object={"a": ["@"]}, text="NaN", undeclared="@")

        outcome = warehouse.sync(
            catalog(stream("cells", Strategy.APPEND, fields)),
            line.replace(b'"@"', b"-Infinity"),
            complete("cells"),
        )

        assert outcome.exit_code == 0
        (row,) = warehouse.rows("cells")
        assert data([row]) == [{"id": 1, "number": None, "object": None, "text": "NaN"}]
        assert [tuple(c.values()) for c in row[META]["changes"]] == [
            ("number", *UNREADABLE),
            ("object", *UNREADABLE),
        ]

    def test_whatever_a_source_says_of_its_changes_the_row_is_stored(self, warehouse: Warehouse) -> None:
        """Characters and numbers that no JSON of a database holds are as possible there as in a cell."""
        change = {"field": "a\0b", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}
        huge = record("cells", id=2, changes=[change | {"x": "@"}]).replace(b'"@"', b"1e400000")
        fields = {"id": INTEGER, "a\0b": INTEGER}
        misfit: dict[str, Any] = {"id": 3, "a\0b": "no number"}

        outcome = warehouse.sync(
            catalog(stream("cells", Strategy.APPEND, fields)),
            record("cells", id=1, changes=[change]),
            huge,
            record("cells", **misfit),
            complete("cells"),
        )

        assert outcome.exit_code == 0
        changes = [c for row in warehouse.rows("cells") for c in row[META]["changes"]]
        assert [c["field"].replace("\0", "") for c in changes] == ["ab"] * 3
        assert [c["reason"] for c in changes] == [change["reason"]] * 2 + [UNREADABLE[1]]

    def test_a_union_holds_any_value_untouched(self, warehouse: Warehouse) -> None:
        """No column type holds them all, so none is chosen for them.

        Upstream: testUnions.
        """
        pairs = {
            "string_or_integer": [STRING, INTEGER],
            "object_or_integer": [OBJECT, INTEGER],
            "identical": [OBJECT, OBJECT],
            "overlapping": [OBJECT, {"type": "object", "properties": {"id": INTEGER, "other": STRING}}],
            "apart": [OBJECT, {"type": "object", "properties": {"other": STRING}}],
            "contradicting": [OBJECT, {"type": "object", "properties": {"id": STRING}}],
        }
        simple: dict[str, Any] = {**{name: {"id": 1} for name in pairs}, "string_or_integer": "42"}
        other: dict[str, Any] = {
            **{name: {"id": "one", "undeclared": []} for name in pairs},
            "string_or_integer": 42,
        }
        nulls = dict.fromkeys(pairs)

        _sync(warehouse, {name: {"oneOf": pair} for name, pair in pairs.items()}, simple, other, nulls)

        assert warehouse.data("cells") == [simple, other, nulls]

    def test_a_union_of_simple_types_keeps_its_values_too(self, warehouse: Warehouse) -> None:
        """Nothing is lost; upstream chooses one of the types and nulls other values.

        Upstream: testCoerceLegacyUnions.
        """
        _sync(
            warehouse,
            {"union": {"type": ["number", "boolean"]}, "optional": {"type": ["null", "number"]}},
            {"union": 42, "optional": "42"},
            {"union": True, "optional": None},
            {"union": "potato", "optional": "potato"},
        )

        assert warehouse.data("cells") == [
            {"union": 42, "optional": 42},
            {"union": True, "optional": None},
            {"union": "potato", "optional": None},
        ]


def _sync(warehouse: Warehouse, fields: Schema, *records: Mapping[str, Any]) -> Outcome:
    outcome = warehouse.sync(
        catalog(stream("cells", Strategy.APPEND, fields)),
        *(record("cells", **values) for values in records),
        complete("cells"),
    )
    assert outcome.exit_code == 0
    return outcome


def _sync_cells(warehouse: Warehouse, schema: Schema, cases: Sequence[Case]) -> None:
    """One record for each token, as it is written."""
    lines = [record("cells", cell="@").replace(b'"@"', token.encode()) for token, _, _ in cases]
    outcome = warehouse.sync(
        catalog(stream("cells", Strategy.APPEND, {"cell": schema})), *lines, complete("cells")
    )
    assert outcome.exit_code == 0


def _cells(warehouse: Warehouse, cases: Sequence[Case]) -> list[Case]:
    """What became of each."""
    rows: Rows = warehouse.rows("cells")
    changes = [[(c["change"], c["reason"]) for c in row[META]["changes"]] for row in rows]
    return [
        (token, row["cell"], changes[0] if changes else None)
        for (token, _, _), row, changes in zip(cases, rows, changes, strict=True)
    ]
