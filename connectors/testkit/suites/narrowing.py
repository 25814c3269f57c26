"""The suite of keys whose columns a later catalog declares narrower: rows that are there never become one.

A column that decides which rows are one stays as wide as it is, or its stream fails before anything is changed.
"""

from collections.abc import Mapping, Sequence
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
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy

DATE = {"type": "string", "format": "date"}
NUMBER = {"type": "number"}
DEDUP, DEDUP_TRUNCATE = Strategy.DEDUP, Strategy.DEDUP_TRUNCATE
HOURS = tuple(f"2024-01-01T{hour:02}:00:00Z" for hour in range(3))
# A declared type with keys, a type that is narrower with one more, and how many there are then.
KEPT: Mapping[str, tuple[Any, Sequence[Any], Any, Any, int]] = {
    "texts, then integers": (STRING, ("abc", "abd", "007", "7"), INTEGER, 8, 5),
    "numbers, then integers": (NUMBER, (1.25, 1.5, 1), INTEGER, 2, 4),
    "moments, then dates": (DATE_TIME, HOURS, DATE, "2024-01-02", 4),
}
REFUSED: Mapping[str, tuple[Any, Sequence[Any], Any]] = {
    "moments, then integers": (DATE_TIME, HOURS, INTEGER),
    "texts, then numbers": (STRING, ("abc", "abd"), NUMBER),
    "texts, then moments": (STRING, ("abc", "abd"), DATE_TIME),
}


class NarrowingSuite(WarehouseSuite):
    """Keys and cursors are never made narrower, neither in the final table nor in one that waits."""

    @pytest.mark.parametrize("case", KEPT)
    def test_a_keys_column_stays_as_wide_as_it_is(self, warehouse: Warehouse, case: str) -> None:
        wide, keys, narrow, more, expected = KEPT[case]
        _sync(warehouse, DEDUP, wide, keys)

        first = _sync(warehouse, DEDUP, narrow, (more,))
        kept = _distinct(warehouse)
        second = _sync(warehouse, DEDUP, narrow, (more,))

        assert (first.exit_code, len(kept)) == (1, len(keys))
        assert any("cannot hold every value" in error["message"] for error in first.errors)
        assert second.errors == []
        assert len(_distinct(warehouse)) == expected

    @pytest.mark.parametrize("case", REFUSED)
    def test_a_key_whose_column_cannot_stay_fails_its_stream_until_it_is_refreshed(
        self, warehouse: Warehouse, case: str
    ) -> None:
        wide, keys, narrow = REFUSED[case]
        _sync(warehouse, DEDUP, wide, keys)

        refused = [_sync(warehouse, DEDUP, narrow, ()) for _ in range(2)]
        kept = _distinct(warehouse)
        refreshed = _sync(warehouse, DEDUP_TRUNCATE, narrow, (), generation=2)

        assert [each.exit_code for each in refused] == [1, 1]
        assert len(kept) == len(keys)
        assert refreshed.errors == []

    def test_a_cursor_that_would_be_narrower_never_lets_the_older_record_win(
        self, warehouse: Warehouse
    ) -> None:
        def sync(kind: Any, cursor: Any, value: str) -> Outcome:
            fields = {"id": INTEGER, "moment": kind, "value": STRING}
            return warehouse.sync(
                catalog(stream("users", DEDUP, fields, key=("id",), cursor="moment")),
                record("users", id=1, moment=cursor, value=value),
                complete("users"),
            )

        sync(STRING, "2024-05", "newer")

        outcome = sync(INTEGER, 3, "older")

        assert outcome.exit_code == 1
        assert [row["value"] for row in warehouse.data()] == ["newer"]

    def test_keys_that_wait_stay_as_wide_as_they_are(self, warehouse: Warehouse) -> None:
        keys = ("abc", "abd", "abe")
        _sync(warehouse, DEDUP_TRUNCATE, STRING, keys, generation=2, end=(state("users", 1),))

        first = _sync(warehouse, DEDUP_TRUNCATE, INTEGER, (7,), generation=2)
        waiting = warehouse.waiting()
        second = _sync(warehouse, DEDUP_TRUNCATE, INTEGER, (7,), generation=2)

        assert (first.exit_code, len(waiting)) == (1, len(keys))
        assert second.errors == []
        assert len(_distinct(warehouse)) == len(keys) + 1

    def test_rows_that_lost_a_value_before_it_was_a_key_are_not_made_one(self, warehouse: Warehouse) -> None:
        beyond = [10**19, 10**19 + 1, 10**19 + 2]
        warehouse.sync(
            catalog(stream("users", Strategy.APPEND_TRUNCATE, {"id": INTEGER}, generation=2)),
            *(record("users", id=number) for number in beyond),
            state("users", 1),
        )

        outcome = _sync(warehouse, DEDUP_TRUNCATE, INTEGER, (7,), generation=2)
        waiting = len(warehouse.waiting())
        refreshed = _sync(warehouse, DEDUP_TRUNCATE, INTEGER, (7,), generation=3)

        assert (outcome.exit_code, waiting) == (1, len(beyond))
        assert any('lost their values of "id"' in error["message"] for error in outcome.errors)
        assert (refreshed.errors, len(_distinct(warehouse))) == ([], 1)


def _sync(
    warehouse: Warehouse,
    strategy: Strategy,
    kind: Any,
    keys: Sequence[Any],
    *,
    generation: int = 1,
    end: Sequence[bytes] = (complete("users"),),
) -> Outcome:
    return warehouse.sync(
        catalog(stream("users", strategy, {"id": kind}, key=("id",), generation=generation)),
        *(record("users", id=key) for key in keys),
        *end,
    )


def _distinct(warehouse: Warehouse) -> set[Any]:
    """The keys in the final table, in which each is once."""
    keys = [row["id"] for row in warehouse.data()]
    assert len(keys) == len(set(keys))
    return set(keys)
