"""Values at the bounds of the MySQL destination's columns, on a real server: kept as they are, or null and noted."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from connectors.testkit.harness.messages import catalog, complete, record, state, stream
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from tests.connectors.mysql.support import setting

CUT, NULLED = ["TRUNCATED"], ["NULLED"]
KEPT: list[str] = []
NULL = ("None", NULLED)
DEEP = "[" * 200 + "]" * 200
# By the field's name, which begins with its type: a value as JSON, what is kept of it, and what is noted.
VALUES: Mapping[str, Mapping[str, tuple[str, list[str]]]] = {
    "string": {
        r'"a\u0000b"': ("a\0b", KEPT),
        '"\U0001f600"': ("\U0001f600", KEPT),
        r'"\ud800"': ("\ufffd", KEPT),
        r'"\\N"': (r"\N", KEPT),
        r'"\t\n\r\\"': ("\t\n\r\\", KEPT),
        '""': ("", KEPT),
    },
    "number": {
        "-0.0": ("0E-9", KEPT),
        "1e400": NULL,
        "Infinity": NULL,
        "99999999999999999999999999999.999999999": ("99999999999999999999999999999.999999999", KEPT),
        "100000000000000000000000000000": NULL,
        "0.0000000005": ("1E-9", CUT),
    },
    "integer": {"9223372036854775807": ("9223372036854775807", KEPT), "9223372036854775808": NULL},
    "boolean": {"true": ("True", KEPT), '"true"': NULL, "1": NULL},
    "date": {
        '"0000-01-01"': NULL,
        '"0001-01-01"': ("0001-01-01", KEPT),
        '"9999-12-31"': ("9999-12-31", KEPT),
        '"10000-01-01"': NULL,
        '"2023-02-29"': NULL,
    },
    "time_without": {'"24:00:00"': NULL, '"23:59:59.999999"': ("23:59:59.999999", KEPT)},
    "time_with": {'"24:00:00Z"': NULL, '"12:00:00-03:30"': ("12:00:00-03:30", KEPT)},
    "timestamp_with": {
        '"0000-12-31T23:59:59Z"': NULL,
        '"0001-01-01T00:00:00+14:00"': NULL,
        '"9999-12-31T23:59:59.999999Z"': ("9999-12-31 23:59:59.999999+00:00", KEPT),
        '"9999-12-31T23:59:59-01:00"': NULL,
    },
    "array": {DEEP: (DEEP, KEPT)},
}


@pytest.mark.parametrize("loads", [1, 0], ids=["by a load", "by rows"])
def test_a_value_that_no_column_holds_is_null_and_noted(
    warehouse: Warehouse, server: Any, loads: int
) -> None:
    """The two ways to send rows keep the same."""
    fields = {name: fields_of(name) for name in VALUES}
    strange = stream("users", Strategy.APPEND, fields)
    sent = [raw_record(name, text) for name, cells in VALUES.items() for text in cells]

    with setting(server, local_infile=loads):
        outcome = warehouse.sync(catalog(strange), *sent, state("users", "s1"), complete("users"))

    found = [
        (name, row[name], [each["change"] for each in row["_airbyte_meta"]["changes"]])
        for row, name in zip(
            warehouse.rows(), (name for name, cells in VALUES.items() for _ in cells), strict=True
        )
    ]
    assert (outcome.exit_code, outcome.states) == (0, ["s1"])
    assert [(name, str(value), changes) for name, value, changes in found] == [
        (name, *cell) for name, cells in VALUES.items() for cell in cells.values()
    ]
    assert any("values became null" in warning for warning in outcome.warnings)


def fields_of(name: str) -> Mapping[str, Any]:
    zone = {"airbyte_type": f"{name}_timezone"} if "_with" in name else {}
    match name.partition("_")[0]:
        case "date":
            return {"type": "string", "format": "date"}
        case "time":
            return {"type": "string", "format": "time", **zone}
        case "timestamp":
            return {"type": "string", "format": "date-time", **zone}
        case kind:
            return {"type": kind}


def raw_record(field: str, text: str) -> bytes:
    """A RECORD whose one value is this JSON text, as it stands."""
    line = record("users", **cast("Any", {field: "here"}))
    return line.replace(b'"here"', text.encode())
