"""The suite of syncs that were cut off: what the next one finds, what it does with it, what the table then holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from connectors.testkit.destination import open_bench
from connectors.testkit.faulty import Script
from connectors.testkit.messages import INTEGER, catalog, complete, record, state, stream, users
from connectors.testkit.model import Stint, User, after_interruption, found, published
from connectors.testkit.rows import Row, row
from connectors.testkit.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
TO_TEMP = [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE]
PRIOR = (User(1, "old", 10), User(2, "old", 10), User(9, "old", 10))
# What the first sync sends before it is cut off; a STATE covers the first `TOLD` of it.
CUT_OFF = (
    User(1, "cut", 20),
    User(2, "late", 5),
    User(3, "cut", 20),
    User(3, "cut again", 20),
    User(6, "cut", 20),
    User(4, "untold", 20),
)
TOLD = 5
# What the next one sends: the untold record again, and more. (Nothing that is late for a key of which the table has
# several rows, as an append leaves them: whether the older of those rows stay is the connector's to say.)
THEN = (User(4, "untold", 20), User(1, "then", 25), User(5, "then", 1), User(6, "late", 15))


class RecoverySuite(WarehouseSuite):
    """Whatever came before, a complete sync leaves what the design says, and nothing behind."""

    # -- a sync that is cut off

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_stream_without_complete_fails_and_what_was_told_is_kept(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The final table is untouched by what goes through temp; what was told waits there for the next run."""
        _prior(warehouse, strategy)

        outcome = _cut_off(warehouse, users(strategy, 2))

        assert outcome.exit_code == 1
        assert outcome.failed == {"users": "transient_error"}
        assert outcome.states == [TOLD]
        in_final = CUT_OFF if strategy is APPEND else ()
        assert _names(warehouse.data()) == _names_of([*PRIOR, *in_final])
        assert _names(warehouse.waiting()) == _names_of([] if strategy is APPEND else CUT_OFF)

    @pytest.mark.parametrize("strategy", Strategy)
    def test_an_interruption_before_any_record_leaves_nothing_behind(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """An empty temp table is dropped."""
        _prior(warehouse, strategy)

        outcome = warehouse.sync(catalog(users(strategy, 2)))

        assert outcome.exit_code == 1
        assert _names(warehouse.data()) == _names_of(PRIOR)
        assert warehouse.left_behind() == set()

    # -- and what comes next

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_the_same_sync_resumes_from_the_last_state_told(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """`testInterruptedTruncateWithPriorData`: rows beyond the STATE are sent again, and are cut first."""
        _prior(warehouse, strategy)
        _cut_off(warehouse, users(strategy, 2))

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        first, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        assert outcome.exit_code == 0
        assert "resume_temp" in outcome.operations()
        assert found(warehouse.rows()) == sorted(after_interruption(PRIOR, first, TOLD, then))
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_sync_that_is_cut_off_time_and_again_loses_nothing_that_was_told(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Told means kept, however many runs it takes."""
        sent = [User(number, "", number) for number in range(1, 7)]
        for number, user in enumerate(sent, 1):
            outcome = warehouse.sync(
                catalog(users(strategy, 2)), user.message(), state("users", number), record("users", id=100)
            )
            assert outcome.states == [number]

        warehouse.sync(catalog(users(strategy, 2)), complete("users"))

        assert [row["id"] for row in warehouse.data()] == [user.id for user in sent]

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_what_no_state_covered_is_not_there_twice_when_nothing_was_told(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """`testInterruptedTruncateWithoutPriorData`, without a STATE: the source begins anew."""
        warehouse.sync(catalog(users(strategy, 2)), *(user.message() for user in CUT_OFF))

        _sync(warehouse, users(strategy, 2), sent=CUT_OFF)

        expected = published([], strategy, Stint(strategy, 2, CUT_OFF).users)
        assert found(warehouse.rows()) == sorted(expected)

    def test_a_temp_table_meets_every_sync_that_can_come_next(self, warehouse: Warehouse) -> None:
        """Resumed, settled by the recipe it was opened with, or dropped: each pair of strategies, with and without
        a new generation; upstream's `testTruncateRefresh`, `testTruncateRefreshChangeSyncMode` and
        `resumeAfterCancelledTruncate` are among them.
        """
        pairs = {
            f"{first} then {then} {'of the same' if same else 'of the next'} generation": (first, then, same)
            for first in Strategy
            for then in Strategy
            for same in (True, False)
        }
        names = list(pairs)
        cut = [users(first, 2, name) for name, (first, _, _) in pairs.items()]
        next_ = [users(then, 2 if same else 3, name) for name, (_, then, same) in pairs.items()]
        _sync(warehouse, *(users(APPEND, 1, name) for name in names), sent=PRIOR)
        _cut_off(warehouse, *cut)

        outcome = _sync(warehouse, *next_, sent=THEN)

        expected = {
            name: sorted(
                after_interruption(PRIOR, Stint(first, 2, CUT_OFF), TOLD, Stint(then, 2 if same else 3, THEN))
            )
            for name, (first, then, same) in pairs.items()
        }
        assert outcome.errors == []
        assert {name: found(warehouse.rows(name)) for name in names} == expected
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_temp_table_of_another_schema_reaches_the_table_too(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A column may come or change between a sync and its resumption."""
        before = {"id": INTEGER, "name": INTEGER, "to_drop": INTEGER}
        warehouse.sync(
            catalog(stream("users", strategy, before, generation=2)),
            record("users", id=1, name=42, to_drop=7),
            state("users", 1),
        )

        warehouse.sync(
            catalog(users(strategy, 2)), record("users", id=2, name="b", updated=2), complete("users")
        )

        assert warehouse.data() == [
            {"id": 1, "name": "42", "updated": None},
            {"id": 2, "name": "b", "updated": 2},
        ]
        assert warehouse.left_behind() == set()

    # -- a generation that was published already

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_the_retry_of_a_published_truncate_adds_and_never_swaps_again(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The crash came between the swap's COMMIT and the platform's hearing of it: told rows are in the table."""
        _sync(warehouse, users(strategy, 2), sent=CUT_OFF)

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        table, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        expected = published(published([], strategy, table.users), strategy.incremental, then.users)
        assert found(warehouse.rows()) == sorted(expected)
        assert not {"swap", "dedupe_and_swap"} & set(outcome.operations())
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_an_interrupted_retry_of_a_published_truncate_is_resumed_as_what_it_is(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        _sync(warehouse, users(strategy, 2), sent=PRIOR)
        _cut_off(warehouse, users(strategy, 2))

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        prior = Stint(strategy, 2, PRIOR).users
        first, then = Stint(strategy.incremental, 2, CUT_OFF), Stint(strategy.incremental, 2, THEN)
        assert found(warehouse.rows()) == sorted(after_interruption(prior, first, TOLD, then))
        assert not {"swap", "dedupe_and_swap"} & set(outcome.operations())

    # -- what nobody can account for

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_temp_table_the_ledger_does_not_know_is_kept_and_refused(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Its rows may have been told; to drop them, or to guess how they belong, would lose them."""
        _prior(warehouse, APPEND)
        tables = warehouse.tables()
        _make(warehouse, [row(1, id=7, name="unknown", updated=1)])

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        assert (outcome.exit_code, set(outcome.failed.values())) == (1, {"config_error"})
        assert str(tables.temp) in outcome.errors[0]["message"]
        assert _names(warehouse.waiting()) == ["unknown"]
        assert _names(warehouse.data()) == _names_of(PRIOR)

    @pytest.mark.parametrize("strategy", Strategy)
    def test_an_empty_temp_table_the_ledger_does_not_know_is_dropped(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        _prior(warehouse, APPEND)
        _make(warehouse, [])

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        assert outcome.exit_code == 0
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_temp_table_that_somebody_dropped_is_no_obstacle(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The refusal's own remedy: look at the rows, drop the table, sync again."""
        _cut_off(warehouse, users(strategy, 2))
        connector = warehouse.destination.connector()
        client = connector.client()
        with client.transaction():
            client.drop_table(warehouse.tables().temp)
        client.close()
        connector.close()

        outcome = _sync(warehouse, users(strategy, 2), sent=THEN)

        assert outcome.exit_code == 0
        assert warehouse.left_behind() == set()

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

            outcome = _sync(warehouse, users(strategy, generation), sent=sent, script=script)

            expected = published(expected, strategy, Stint(strategy, generation, sent).users)
            assert (outcome.exit_code, outcome.states) == (0, [len(sent)])
            assert found(warehouse.rows()) == sorted(expected)
            assert warehouse.left_behind() == set()
            lost = script.lost > 0

        # Set up, claim, inspect, open, flush; and publish, but for what appends.
        assert generation > (5 if strategy is APPEND else 6)


def _sync(
    warehouse: Warehouse, *streams: Mapping[str, Any], sent: Sequence[User], script: Script | None = None
) -> Outcome:
    """A complete sync of the streams, each of which sends this and a STATE that counts it."""
    names = [each["stream"]["name"] for each in streams]
    return warehouse.sync(
        catalog(*streams),
        *(user.message(name) for name in names for user in sent),
        *(state(name, len(sent)) for name in names),
        *map(complete, names),
        script=script,
    )


def _prior(warehouse: Warehouse, strategy: Strategy) -> None:
    _sync(warehouse, users(strategy, 1), sent=PRIOR)


def _cut_off(warehouse: Warehouse, *streams: Mapping[str, Any]) -> Outcome:
    """A sync whose input ends before the streams are complete, some records after the last STATE."""
    names = [each["stream"]["name"] for each in streams]
    return warehouse.sync(
        catalog(*streams),
        *(user.message(name) for name in names for user in CUT_OFF[:TOLD]),
        *(state(name, TOLD) for name in names),
        *(user.message(name) for name in names for user in CUT_OFF[TOLD:]),
    )


def _make(warehouse: Warehouse, rows: Sequence[Row]) -> None:
    """Create the stream's temp table without a word in the ledger."""
    tables = warehouse.tables()
    with open_bench(warehouse.destination) as bench:
        bench.make(tables.temp, tables.columns, *rows)


def _names(rows: Iterable[Row]) -> list[str]:
    return [row["name"] for row in rows]


def _names_of(users: Iterable[User]) -> list[str]:
    return [user.name for user in users]
