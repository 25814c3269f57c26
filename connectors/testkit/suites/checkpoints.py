"""The suite for STATE: what is emitted to the platform, when, in which order, and what a failure leaves not emitted."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.testkit.harness.messages import (
    catalog,
    complete,
    global_state,
    legacy_state,
    record,
    state,
    users,
)
from connectors.testkit.harness.warehouse import SECONDS, SMALL, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.pipeline.aggregate import Thresholds

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE


class CheckpointSuite(WarehouseSuite):
    """An emitted STATE is a promise; these hold the destination to it."""

    # -- when

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_state_is_not_emitted_before_its_rows_are_durable(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Acknowledged means durable: at the moment of its emission, another connection finds the rows."""
        there: dict[int, set[int]] = {}

        def look(cursor: int) -> None:
            rows = warehouse.data() if strategy is APPEND else warehouse.waiting()
            there[cursor] = {row["id"] for row in rows}

        messages = [part for n in range(1, 21) for part in (record("users", id=n), state("users", n))]

        outcome = warehouse.sync(
            catalog(users(strategy)), *messages, complete("users"), on_state=look, thresholds=SMALL
        )

        assert outcome.states == list(range(1, 21))
        assert all(set(range(1, cursor + 1)) <= ids for cursor, ids in there.items())

    @pytest.mark.parametrize("strategy", [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_what_is_durable_is_acknowledged_before_the_stream_is_published(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Else a crash in between would have published rows sent again."""
        warehouse.sync(catalog(users(strategy, 1)), record("users", id=1, name="old"), complete("users"))
        emitted = threading.Event()
        at_its_emission: list[Any] = []

        def look(_: int) -> None:
            at_its_emission.extend(row["name"] for row in warehouse.data())
            emitted.set()

        def feed() -> Iterator[bytes]:
            yield record("users", id=1, name="new") + state("users", 1)
            emitted.wait(SECONDS)
            # At once, so that the last STATE has not been emitted when COMPLETE is read.
            yield state("users", 2) + complete("users")

        warehouse.sync(
            catalog(users(strategy, 2)), feed=feed(), on_state=look, thresholds=Thresholds(state_latency=0.01)
        )

        assert at_its_emission == ["old", "old"]
        assert [row["name"] for row in warehouse.data()] == ["new"]

    def test_a_state_is_emitted_while_the_source_goes_on(self, warehouse: Warehouse) -> None:
        """A long sync emits STATE in its course; what was acknowledged outlives the sync's end, however it ends.

        Upstream: testMidSyncCheckpointingStreamState.
        """
        emitted = threading.Event()
        in_time: list[bool] = []

        def feed() -> Iterator[bytes]:
            yield record("users", id=1)
            yield state("users", 1)
            in_time.append(emitted.wait(SECONDS))

        cut = warehouse.sync(
            catalog(users(APPEND)),
            feed=feed(),
            on_state=lambda _: emitted.set(),
            thresholds=Thresholds(state_latency=0.01),
        )
        warehouse.sync(catalog(users(APPEND)))

        assert (in_time, cut.states) == ([True], [1])
        assert [row["id"] for row in warehouse.data()] == [1]

    def test_states_without_records_are_emitted_in_order(self, warehouse: Warehouse) -> None:
        """The platform continues from the last one that it received, so the last that arrived must be the last emitted.

        Upstream: testOutOfOrderStateMessages, for input that has one order only.
        """
        outcome = warehouse.sync(
            catalog(users(APPEND)), *(state("users", n, count=0) for n in range(5)), complete("users")
        )

        assert outcome.states == list(range(5))
        assert outcome.warnings == []

    # -- what

    def test_every_stream_has_its_own_states_and_counts(self, warehouse: Warehouse) -> None:
        """A stream's counts begin with its first record and go on from state to state.

        Upstream: testStreamStateTypes.
        """
        outcome = warehouse.sync(
            catalog(*(users(APPEND, 1, name) for name in "abc")),
            *(record("a", id=1), state("a", "a1", count=1), record("b", id=1), record("b", id=2)),
            *(state("b", "b1", count=2), record("a", id=2), state("a", "a2", count=1), state("c", "c1")),
            *map(complete, "abc"),
        )

        emitted = {
            s: (t["destinationStats"]["recordCount"], t["committedRecordsCount"])
            for s, t in zip(outcome.states, outcome.emitted, strict=True)
        }
        assert emitted == {"a1": (1, 1), "b1": (2, 2), "a2": (1, 2), "c1": (0, 0)}

    def test_a_state_that_comes_before_its_records_does_not_cover_them(self, warehouse: Warehouse) -> None:
        """Input has one order: what comes after a state is the next one's, whatever the source counts.

        Upstream: testStateMessageBeforeRecords, which gives each state an id, and waits for its records.
        """
        outcome = warehouse.sync(
            catalog(users(APPEND)),
            *(state("users", 2, count=2), record("users", id=2), record("users", id=3)),
            *(state("users", 3, count=0), complete("users")),
        )

        assert outcome.states == [2, 3]
        assert [emitted["destinationStats"]["recordCount"] for emitted in outcome.emitted] == [0, 2]
        assert [row["id"] for row in warehouse.data()] == [2, 3]
        assert len(outcome.warnings) == 2

    def test_a_state_without_a_count_is_emitted_with_ours(self, warehouse: Warehouse) -> None:
        """A source need not count; then there is nothing to compare."""
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), state("users", 1), complete("users")
        )

        assert [emitted["destinationStats"]["recordCount"] for emitted in outcome.emitted] == [1]
        assert outcome.warnings == []

    @pytest.mark.parametrize("count", [0, 2])
    def test_a_count_that_differs_from_the_sources_is_warned_of(
        self, warehouse: Warehouse, count: int
    ) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), state("users", 1, count=count), complete("users")
        )

        assert (outcome.exit_code, outcome.states) == (0, [1])
        assert any(
            f"{count} records" in warning and "received is 1" in warning for warning in outcome.warnings
        )

    def test_a_global_state_is_emitted_when_every_stream_it_covers_is_durable(
        self, warehouse: Warehouse
    ) -> None:
        """One state is a promise for every stream in it; one that the catalog does not name is none of ours.

        Upstream: testCDCStateTypes.
        """
        there: dict[int, list[int]] = {}

        def look(cursor: int) -> None:
            there[cursor] = [len(warehouse.data(name)) for name in "ab"]

        outcome = warehouse.sync(
            catalog(*(users(APPEND, 1, name) for name in "ab")),
            *(record("a", id=1), record("b", id=1), global_state(1, "a", "b", "unknown", count=2)),
            *(record("b", id=2), global_state(2, "a", "b", "unknown", count=1)),
            *map(complete, "ab"),
            on_state=look,
        )

        assert (outcome.exit_code, outcome.states) == (0, [1, 2])
        assert [s["destinationStats"]["recordCount"] for s in outcome.emitted] == [2, 1]
        assert all(a >= 1 and b >= cursor for cursor, (a, b) in there.items())

    def test_a_legacy_state_covers_every_stream_and_comes_back_as_it_was(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), legacy_state("blob"), complete("users")
        )

        assert [emitted["data"] for emitted in outcome.emitted] == [{"cursor": "blob"}]

    def test_states_of_two_kinds_in_one_sync_are_refused(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), state("users", 1), global_state(2, "users"), complete("users")
        )

        assert outcome.exit_code == 1
        assert outcome.states == [1]
        assert "Mixed state types" in outcome.errors[0]["message"]
