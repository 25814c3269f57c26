"""The suite of syncs that were cut off, and came again: nothing acknowledged is lost, nothing is there twice."""

import pytest
from attrs import evolve

from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.interruptions import (
    COVERED,
    CUT_OFF,
    PRIOR,
    THEN,
    TO_TEMP,
    cut_off,
    goes_straight,
    names_found,
    names_sent,
    sync_users,
)
from connectors.testkit.harness.messages import catalog, complete, record, state, users
from connectors.testkit.harness.model import Stint, User, after_interruption, found, published
from connectors.testkit.harness.rows import raw_id
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import RAW_ID

APPEND = Strategy.APPEND


class RecoverySuite(WarehouseSuite):
    """A sync is interrupted, or an answer lost; the next attempt ends where an undisturbed one would have."""

    # -- a sync that is cut off

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_stream_without_complete_fails_and_what_was_acknowledged_is_kept(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The final table is untouched by what goes through temp; acknowledged rows wait there for the next run."""
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)

        outcome = cut_off(warehouse, users(strategy, 2))

        assert outcome.exit_code == 1
        assert outcome.failed == {"users": "transient_error"}
        assert outcome.states == [COVERED]
        straight = goes_straight(strategy, warehouse.atomic)
        assert names_found(warehouse.data()) == names_sent([*PRIOR, *(CUT_OFF if straight else ())])
        assert names_found(warehouse.waiting()) == names_sent([] if straight else CUT_OFF)

    @pytest.mark.parametrize("strategy", Strategy)
    def test_an_interruption_before_any_record_leaves_nothing_behind(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """An empty temp table is dropped."""
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)

        outcome = warehouse.sync(catalog(users(strategy, 2)))

        assert outcome.exit_code == 1
        assert names_found(warehouse.data()) == names_sent(PRIOR)
        assert warehouse.left_behind() == set()

    # -- and comes again

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_the_same_sync_resumes_from_the_last_state_emitted(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Rows beyond the STATE are sent again, and are cut first.

        Upstream: testInterruptedTruncateWithPriorData.
        """
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        first, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        assert outcome.exit_code == 0
        assert "resume_temp" in outcome.operations()
        assert found(warehouse.rows()) == sorted(after_interruption(PRIOR, first, COVERED, then))
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_sync_that_is_cut_off_time_and_again_loses_nothing_that_was_acknowledged(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Acknowledged means durable, however many runs it takes."""
        sent = [User(number, "", number) for number in range(1, 7)]
        for number, user in enumerate(sent, 1):
            outcome = warehouse.sync(
                catalog(users(strategy, 2)), user.message(), state("users", number), record("users", id=100)
            )
            assert outcome.states == [number]

        warehouse.sync(catalog(users(strategy, 2)), complete("users"))

        assert [row["id"] for row in warehouse.data()] == [user.id for user in sent]

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_what_no_state_covered_is_not_there_twice_when_nothing_was_acknowledged(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The source starts over.

        Upstream: testInterruptedTruncateWithoutPriorData.
        """
        warehouse.sync(catalog(users(strategy, 2)), *(user.message() for user in CUT_OFF))

        sync_users(warehouse, users(strategy, 2), sent=CUT_OFF)

        expected = published([], strategy, Stint(strategy, 2, CUT_OFF).users)
        assert found(warehouse.rows()) == sorted(expected)

    def test_raw_ids_go_on_above_the_highest_though_the_clock_was_set_back(
        self, warehouse: Warehouse
    ) -> None:
        """They carry the order of arrival across runs: a resume cuts by them, and ties are decided by them."""
        sync_users(warehouse, users(APPEND), sent=PRIOR)
        final, future = warehouse.tables().final, raw_id(2**40)
        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            entry = bench.client.ledger.hold(final)
            assert entry is not None
            bench.client.ledger.save(evolve(entry, highest_raw_id=future))

        sync_users(warehouse, users(APPEND), sent=THEN)

        ids = [row[RAW_ID] for row in warehouse.rows()]
        assert ids == sorted(ids)
        assert [each > future for each in ids] == [False] * len(PRIOR) + [True] * len(THEN)

    # -- a lost answer anywhere

    @pytest.mark.parametrize("strategy", Strategy)
    def test_any_one_answer_may_be_lost_in_a_sync(self, warehouse: Warehouse, strategy: Strategy) -> None:
        """An error on COMMIT is ambiguous; the retry finds in the ledger what was achieved."""
        expected: list[User] = []
        lost, generation = True, 0
        while lost:
            generation += 1
            script = Script(wait=generation - 1)
            script.lose_next_answer()
            sent = tuple(User(user.id, user.name, user.updated + generation) for user in THEN)

            outcome = sync_users(warehouse, users(strategy, generation), sent=sent, script=script)

            expected = published(expected, strategy, Stint(strategy, generation, sent).users)
            assert (outcome.exit_code, outcome.states) == (0, [len(sent)])
            assert found(warehouse.rows()) == sorted(expected)
            assert warehouse.left_behind() == set()
            lost = script.lost > 0

        # Set up, claim, inspect, open, flush; and publish, but for what appends.
        assert generation > (5 if strategy is APPEND else 6)
