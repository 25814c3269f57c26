"""The suite of keys: distinct rows of the source are never one row, and an older record never wins.

A column that decides which rows are one, or which is the latest, holds its values as they were sent. If it cannot, its
stream fails, and no other; a later sync may bring the records into a column that holds them.
"""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from connectors.testkit.harness.messages import (
    DATE_TIME,
    INTEGER,
    STRING,
    catalog,
    complete,
    record,
    state,
    stream,
)
from connectors.testkit.harness.warehouse import SECONDS, SMALL, Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import CDC_DELETED_AT, META

DEDUPING = [Strategy.DEDUP, Strategy.DEDUP_TRUNCATE]
NUMBER = {"type": "number"}
DATE = {"type": "string", "format": "date"}
LOCAL = {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"}
TIME = {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"}
TIME_WITH_ZONE = {"type": "string", "format": "time", "airbyte_type": "time_with_timezone"}
OBJECT = {"type": "object"}
# By what they are: a declared type, and values that a source distinguishes.
DISTINCT: Mapping[str, tuple[Mapping[str, Any], tuple[Any, ...]]] = {
    "whole numbers beyond 64 bits": (INTEGER, tuple(range(2**64 - 5, 2**64))),
    "whole numbers on both sides of 64 bits": (INTEGER, (2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1)),
    "whole numbers of many digits": (INTEGER, (10**34 + 1, 10**34 + 2, 1)),
    "texts in an integer": (INTEGER, ("cf_0", "cf_1", 1)),
    "texts that look like integers": (INTEGER, ("007", "07", "7")),
    "fractions in an integer": (INTEGER, (1.25, 1.5, 1)),
    "booleans in an integer": (INTEGER, (True, False, 1)),
    "arrays in an integer": (INTEGER, ([1], [2])),
    "small numbers": (NUMBER, (1e-12, 2e-12, 3e-12, 0)),
    "large numbers": (NUMBER, (1e40, 2e40, 1)),
    "texts in a number": (NUMBER, ("cf_0", "cf_1", 1.5)),
    "numbers in a boolean": ({"type": "boolean"}, (1, 0, True)),
    "texts with a null character": (STRING, ("a\0b", "ab", "a\0\0b")),
    "texts with half a character": (STRING, ("a\ud800", "a\ud801", "a\ufffd")),
    "nanoseconds": (DATE_TIME, tuple(f"2024-01-01T00:00:00.10000000{n}Z" for n in range(3))),
    "words for moments": (DATE_TIME, ("soon", "later")),
    "years that no column holds": (DATE_TIME, ("12024-01-01T00:00:00Z", "12025-01-01T00:00:00Z")),
    "moments in a date": (DATE, ("2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z", "2024-01-01")),
    "zones in a local time": (LOCAL, ("2024-10-27T02:30:00+01:00", "2024-10-27T02:30:00+02:00")),
    "zones in a time of day": (TIME, ("10:00:00+01:00", "10:00:00+02:00")),
    "nanoseconds in a time of day": (TIME_WITH_ZONE, ("10:00:00.1000001Z", "10:00:00.1000002Z")),
    "what an object is not": (OBJECT, ([1], [2], "a")),
    "objects with a null character": (OBJECT, ({"a": "\0"}, {"a": ""})),
}
# A declared type, a value that its column holds, and one for which a wider column is made.
WIDENED: Mapping[str, tuple[Mapping[str, Any], Any, Any]] = {
    "beyond 64 bits": (INTEGER, 7, 2**64),
    "a fraction": (INTEGER, 7, 7.5),
    "a text": (INTEGER, 7, "cf_1"),
    "too many digits": (INTEGER, 7, 10**34),
    "a number for a boolean": ({"type": "boolean"}, True, 1),
    "a time of day": (DATE, "2024-01-01", "2024-01-01T10:00:00Z"),
    "a zone": (LOCAL, "2024-01-01T10:00:00", "2024-01-01T10:00:00+05:00"),
}
NUMBER_MADE = (INTEGER, 7, 2**64)
MOMENT_MADE = (DATE, "2024-01-01", "2024-01-01T10:00:00Z")
TEXT_MADE = (INTEGER, 7, "cf_1")
MOMENT = "2024-05-06T07:08:09Z"
# For a key that was widened: how, what its field is declared as once it is no key any more, a value of that, and what
# the column then holds.
LATER: Mapping[str, tuple[tuple[Mapping[str, Any], Any, Any], Mapping[str, Any], Any, Any]] = {
    "a number, then a text": (NUMBER_MADE, STRING, "cf_1", "cf_1"),
    "a number, then a boolean": (NUMBER_MADE, {"type": "boolean"}, True, True),
    "a number, then a date": (NUMBER_MADE, DATE, "2024-05-06", date(2024, 5, 6)),
    "a number, then a moment": (NUMBER_MADE, DATE_TIME, MOMENT, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    "a number, then a time of day": (NUMBER_MADE, TIME, "07:08:09", time(7, 8, 9)),
    "a number, then an object": (NUMBER_MADE, OBJECT, {"a": 1}, {"a": 1}),
    "a number, then an integer": (NUMBER_MADE, INTEGER, 5, 5),
    "a moment, then a text": (MOMENT_MADE, STRING, "cf_1", "cf_1"),
    "a moment, then a boolean": (MOMENT_MADE, {"type": "boolean"}, False, False),
    "a moment, then an integer": (MOMENT_MADE, INTEGER, 5, 5),
    "a moment, then a number": (MOMENT_MADE, NUMBER, 1.5, 1.5),
    "a moment, then a time of day": (MOMENT_MADE, TIME, "07:08:09", time(7, 8, 9)),
    "a moment, then an object": (MOMENT_MADE, OBJECT, {"a": 1}, {"a": 1}),
    "a moment, then a date": (MOMENT_MADE, DATE, "2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
    "a text, then an integer": (TEXT_MADE, INTEGER, 5, "5"),
    "a text, then a boolean": (TEXT_MADE, {"type": "boolean"}, True, "true"),
    "a text, then a moment": (TEXT_MADE, DATE_TIME, MOMENT, MOMENT),
    "a text, then an object": (TEXT_MADE, OBJECT, {"a": 1}, '{"a": 1}'),
}
# For a cursor: a declared type, the older record's and the newer's.
ORDERED: Mapping[str, tuple[Mapping[str, Any], Any, Any]] = {
    "beyond 64 bits": (INTEGER, 2**63 - 1, 2**63),
    "both beyond 64 bits": (INTEGER, 2**64, 2**65),
    "beyond what a number holds": (NUMBER, 1, 1e40),
    "a fraction": (INTEGER, 1, 1.5),
    "a text": (INTEGER, 9, "10th"),
    "another zone": (LOCAL, "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"),
    "a time of day": (DATE, "2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"),
    "a year that no column holds": (DATE_TIME, "2024-01-01T00:00:00Z", "12024-01-01T00:00:00Z"),
}


class KeySuite(WarehouseSuite):
    """Whole syncs of streams with a primary key, and values that its columns may not hold."""

    @pytest.mark.parametrize("strategy", DEDUPING)
    @pytest.mark.parametrize("case", DISTINCT)
    def test_distinct_keys_are_never_one_row(
        self, warehouse: Warehouse, strategy: Strategy, case: str
    ) -> None:
        """Each has its row, or its stream fails, says which field it was, and emits no STATE."""
        declared, keys = DISTINCT[case]
        wanted = catalog(stream("users", strategy, {"id": declared, "name": STRING}))
        records = [record("users", id=key, name=f"name {n}") for n, key in enumerate(keys)]

        outcome = _synced(warehouse, wanted, *records, state("users", 1), complete("users"))

        if outcome.exit_code == 0:
            assert sorted(row["name"] for row in warehouse.data()) == [f"name {n}" for n in range(len(keys))]
        else:
            _refuses(outcome, "id")

    @pytest.mark.parametrize("strategy", DEDUPING)
    @pytest.mark.parametrize("first", ["old", "new"])
    @pytest.mark.parametrize("case", ORDERED)
    def test_a_cursor_that_is_not_held_never_lets_the_older_record_win(
        self, warehouse: Warehouse, strategy: Strategy, case: str, first: str
    ) -> None:
        declared, old, new = ORDERED[case]
        wanted = catalog(
            stream("users", strategy, {"id": INTEGER, "seq": declared, "name": STRING}, cursor="seq")
        )
        records = [record("users", id=1, seq=old, name="old"), record("users", id=1, seq=new, name="new")]

        outcome = _synced(
            warehouse,
            wanted,
            *(records if first == "old" else records[::-1]),
            state("users", 1),
            complete("users"),
        )

        if outcome.exit_code == 0:
            assert [row["name"] for row in warehouse.data()] == ["new"]
        else:
            _refuses(outcome, "seq")

    @pytest.mark.parametrize("strategy", DEDUPING)
    def test_a_key_that_is_not_held_fails_its_stream_alone(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        fields = {"id": DATE_TIME, "name": STRING}
        wanted = catalog(stream("users", strategy, fields), stream("orders", strategy))

        outcome = warehouse.sync(
            wanted,
            record("users", id="2024-01-01T00:00:00Z", name="first"),
            record("users", id="soon", name="second"),
            record("orders", id=1, name="third"),
            state("users", 1),
            state("orders", 1),
            complete("users"),
            complete("orders"),
        )

        assert list(outcome.failed) == ["users"]
        assert outcome.states == [1]
        assert [row["name"] for row in warehouse.data("orders")] == ["third"]

    def test_the_error_of_a_key_names_its_column_and_never_its_value(self, warehouse: Warehouse) -> None:
        wanted = catalog(stream("users", Strategy.DEDUP, {"id": DATE_TIME, "name": STRING}))

        outcome = warehouse.sync(wanted, record("users", id="secret", name="secret"), complete("users"))

        (error,) = outcome.errors
        assert 'the primary key "id"' in error["message"]
        assert "received a text that is not a date with time" in error["message"]
        assert "secret" not in str(error)

    @pytest.mark.parametrize("strategy", DEDUPING)
    def test_rows_that_were_acknowledged_outlive_a_key_that_is_not_held(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        wanted = catalog(stream("users", strategy, {"id": DATE_TIME, "name": STRING}))
        kept = record("users", id="2024-01-01T00:00:00Z", name="kept")
        emitted = threading.Event()

        def feed() -> Iterator[bytes]:
            yield kept
            yield state("users", 1)
            emitted.wait(SECONDS)
            yield record("users", id="soon", name="not kept")
            yield complete("users")

        failed = warehouse.sync(wanted, feed=feed(), on_state=lambda _: emitted.set(), thresholds=SMALL)
        warehouse.sync(wanted, complete("users"))

        assert (failed.states, list(failed.failed)) == ([1], ["users"])
        assert [row["name"] for row in warehouse.data()] == ["kept"]

    @pytest.mark.parametrize("strategy", DEDUPING)
    @pytest.mark.parametrize("case", WIDENED)
    def test_the_next_sync_widens_the_column_and_brings_all_keys(
        self, warehouse: Warehouse, strategy: Strategy, case: str
    ) -> None:
        """What an earlier sync brought is found again in the wider column; the catalog does not narrow it back."""
        declared, old, new = WIDENED[case]
        fields = {"id": declared, "name": STRING}
        before = [record("users", id=old, name="before"), state("users", 1), complete("users")]
        both = [record("users", id=key, name=f"of {key}") for key in (old, new)]
        warehouse.sync(catalog(stream("users", strategy, fields, generation=1)), *before)
        wanted = catalog(stream("users", strategy, fields, generation=2))

        failed = warehouse.sync(wanted, *both, state("users", 2), complete("users"))
        brought = warehouse.sync(wanted, *both, state("users", 2), complete("users"))
        again = warehouse.sync(
            catalog(stream("users", strategy, fields, generation=3)),
            *both,
            state("users", 3),
            complete("users"),
        )

        assert (failed.failed, failed.states) == ({"users": "transient_error"}, [])
        assert any('the column of "id"' in each for each in failed.warnings)
        assert [(each.exit_code, each.states) for each in (brought, again)] == [(0, [2]), (0, [3])]
        assert sorted(row["name"] for row in warehouse.data()) == sorted([f"of {old}", f"of {new}"])

    @pytest.mark.parametrize("case", LATER)
    def test_a_key_that_was_widened_takes_what_its_field_is_declared_as_later(
        self, warehouse: Warehouse, case: str
    ) -> None:
        """None of its values becomes null, in this sync and in the next."""
        (declared, old, new), later, value, held = LATER[case]
        keyed = stream("users", Strategy.DEDUP, {"id": INTEGER, "code": declared}, key=["code"])
        both = [record("users", id=n, code=code) for n, code in enumerate([old, new])]
        for _ in range(2):
            widened = warehouse.sync(catalog(keyed), *both, complete("users"))
        wanted = catalog(stream("users", Strategy.APPEND, {"id": INTEGER, "code": later}))

        outcomes = [
            warehouse.sync(wanted, record("users", id=n, code=value), complete("users")) for n in (2, 3)
        ]

        assert [widened.exit_code, *(each.exit_code for each in outcomes)] == [0, 0, 0]
        brought = [row for row in warehouse.rows() if row["id"] in (2, 3)]
        assert [(row["code"], row[META]["changes"]) for row in brought] == [(held, [])] * 2

    @pytest.mark.parametrize("key", [["id"], ["code"]])
    def test_a_key_that_became_a_text_is_no_cursor(self, warehouse: Warehouse, key: list[str]) -> None:
        """As texts, 9 comes after 10: the older record would win."""
        fields = {"id": INTEGER, "code": INTEGER, "name": STRING}
        keyed = catalog(stream("users", Strategy.DEDUP, fields, key=["code"]))
        for _ in range(2):
            warehouse.sync(keyed, record("users", id=7, code="cf_1", name="kept"), complete("users"))
        wanted = catalog(
            stream("users", Strategy.DEDUP, fields, key=key, cursor="code"), stream("orders", Strategy.APPEND)
        )
        records = [record("users", id=1, code=10, name="new"), record("users", id=1, code=9, name="old")]

        outcome = warehouse.sync(wanted, *records, complete("users"), complete("orders"))

        assert outcome.failed == {"users": "config_error"}
        assert [row["name"] for row in warehouse.data()] == ["kept"]

    @pytest.mark.parametrize("strategy", DEDUPING)
    def test_rows_that_wait_are_widened_with_their_column(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        wanted = catalog(stream("users", strategy, {"id": INTEGER, "name": STRING}))
        emitted = threading.Event()

        def feed() -> Iterator[bytes]:
            yield record("users", id=1, name="one")
            yield record("users", id=2, name="two")
            yield state("users", 1)
            emitted.wait(SECONDS)
            yield record("users", id="x", name="a text")
            yield complete("users")

        warehouse.sync(wanted, feed=feed(), on_state=lambda _: emitted.set(), thresholds=SMALL)
        rest = [record("users", id="x", name="a text"), record("users", id=2, name="another two")]
        outcome = warehouse.sync(wanted, *rest, state("users", 2), complete("users"))

        assert (outcome.exit_code, outcome.states) == (0, [2])
        assert sorted(row["name"] for row in warehouse.data()) == ["a text", "another two", "one"]

    @pytest.mark.parametrize("strategy", DEDUPING)
    def test_a_null_key_is_the_sources_own_and_stays_one(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        wanted = catalog(stream("users", strategy))
        records = [record("users", id=None, name="a", updated=1), record("users", name="b", updated=2)]

        outcome = warehouse.sync(wanted, *records, complete("users"))

        assert outcome.exit_code == 0
        assert warehouse.data() == [{"id": None, "name": "b", "updated": 2}]

    def test_the_last_digits_of_a_cursor_are_cut_and_its_order_stays(self, warehouse: Warehouse) -> None:
        fields = {"id": INTEGER, "seq": DATE_TIME, "name": STRING}
        wanted = catalog(stream("users", Strategy.DEDUP, fields, cursor="seq"))
        times = [
            "2024-01-01T00:00:00.1000017Z",
            "2024-01-01T00:00:00.1000001Z",
            "2024-01-01T00:00:00.1000028Z",
        ]

        outcome = warehouse.sync(
            wanted,
            record("users", id=1, seq=times[0], name="new"),
            record("users", id=1, seq=times[1], name="old"),
            record("users", id=2, seq=times[1], name="old"),
            record("users", id=2, seq=times[2], name="new"),
            complete("users"),
        )

        assert outcome.exit_code == 0
        assert [row["name"] for row in warehouse.data()] == ["new", "new"]

    def test_a_deletion_that_no_column_holds_is_not_passed_over(self, warehouse: Warehouse) -> None:
        fields = {"id": INTEGER, "name": STRING, CDC_DELETED_AT: DATE_TIME}
        wanted = catalog(stream("users", Strategy.DEDUP, fields))
        gone: dict[str, Any] = {CDC_DELETED_AT: "yes"}

        outcome = _synced(
            warehouse,
            wanted,
            record("users", id=1, name="a"),
            record("users", id=1, name="a", **gone),
            complete("users"),
        )

        if outcome.exit_code == 0:
            assert warehouse.data() == []
        else:
            _refuses(outcome, CDC_DELETED_AT)

    @pytest.mark.parametrize("strategy", [Strategy.APPEND, Strategy.APPEND_TRUNCATE])
    def test_without_a_primary_key_a_value_that_is_not_held_fails_nothing(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        wanted = catalog(stream("users", strategy))

        outcome = warehouse.sync(
            wanted,
            record("users", id=2**64, name="a", updated="never"),
            state("users", 1),
            complete("users"),
        )

        assert (outcome.exit_code, outcome.states) == (0, [1])
        assert warehouse.data() == [{"id": None, "name": "a", "updated": None}]


def _synced(warehouse: Warehouse, wanted: bytes, *messages: bytes) -> Outcome:
    """The last of the attempts that a platform makes, which start over as long as none succeeds."""
    for _ in range(3):
        outcome = warehouse.sync(wanted, *messages)
        if outcome.exit_code == 0:
            break
    return outcome


def _refuses(outcome: Outcome, field: str) -> None:
    """It says which field it was, and emitted no STATE."""
    (error,) = outcome.errors
    assert f'"{field}"' in error["message"]
    assert error["failure_type"] == "config_error"
    assert outcome.states == []
