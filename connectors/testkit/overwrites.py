"""The suite of clients that send the same generation with every sync: what an overwrite then means, by option."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from connectors.options import Generations
from connectors.testkit.faulty import Script
from connectors.testkit.interruptions import CUT_OFF, PRIOR, THEN, TOLD, names_found, names_sent
from connectors.testkit.messages import catalog, complete, global_state, record, state, users
from connectors.testkit.model import Stint, User, found, published
from connectors.testkit.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy

CATALOG, LEDGER = Generations.CATALOG, Generations.LEDGER
OVERWRITE = Strategy.APPEND_TRUNCATE


class OverwriteSuite(WarehouseSuite):
    """Every sync here is of generation 1, minimum 1 and sync 1, as PyAirbyte sends it, unless it says otherwise."""

    def test_by_the_catalog_a_second_overwrite_is_a_retry_and_adds(self, warehouse: Warehouse) -> None:
        """The platform's meaning: what the first told may not be sent again, so it stays."""
        for sent in (PRIOR, THEN):
            outcome = _overwrite(warehouse, sent, CATALOG)

        assert outcome.states == [len(THEN)]
        assert names_found(warehouse.data()) == names_sent([*PRIOR, *THEN])

    def test_by_the_ledger_a_second_overwrite_replaces(self, warehouse: Warehouse) -> None:
        for sent in (PRIOR, THEN, CUT_OFF):
            outcome = _overwrite(warehouse, sent, LEDGER)

        assert (outcome.exit_code, outcome.warnings) == (0, [])
        assert names_found(warehouse.data()) == names_sent(CUT_OFF)
        assert warehouse.left_behind() == set()

    def test_by_the_ledger_every_sync_has_a_generation_of_its_own(self, warehouse: Warehouse) -> None:
        seen = []
        for sent in (PRIOR, THEN):
            _overwrite(warehouse, sent, LEDGER)
            seen.append({row["_airbyte_generation_id"] for row in warehouse.rows()})

        assert seen == [{1}, {2}]

    def test_a_client_without_generations_overwrites_too(self, warehouse: Warehouse) -> None:
        """Generation 0 and minimum 0 keep all generations, unless each overwrite is new."""
        entry = {**users(OVERWRITE, 0), "minimum_generation_id": 0}
        for sent in (PRIOR, THEN):
            evolve(warehouse, generations=LEDGER).sync(
                catalog(entry), *(user.message() for user in sent), complete("users")
            )

        assert names_found(warehouse.data()) == names_sent(THEN)

    @pytest.mark.parametrize("strategy", [Strategy.APPEND, Strategy.DEDUP, Strategy.DEDUP_TRUNCATE])
    def test_other_modes_mean_the_same_either_way(self, warehouse: Warehouse, strategy: Strategy) -> None:
        for sent in (PRIOR, THEN):
            outcome = _sync(warehouse, users(strategy), sent, LEDGER)

        first = published([], strategy, Stint(strategy, 1, PRIOR).users)
        expected = published(first, strategy.incremental, Stint(strategy, 1, THEN).users)
        assert outcome.states == [len(THEN)]
        assert found(warehouse.rows()) == sorted(expected)

    # -- what is told

    def test_by_the_ledger_no_state_is_told_since_all_must_be_sent_again(self, warehouse: Warehouse) -> None:
        """Told means kept, and the next sync keeps nothing."""
        outcome = evolve(warehouse, generations=LEDGER).sync(
            catalog(users(OVERWRITE), users(Strategy.APPEND, 1, "others")),
            *(part for name in ("users", "others") for part in (record(name, id=1), state(name, name))),
            *map(complete, ("users", "others")),
        )

        assert (outcome.exit_code, outcome.states) == (0, ["others"])

    def test_a_global_state_is_not_told_when_it_covers_an_overwrite_that_is_new(
        self, warehouse: Warehouse
    ) -> None:
        outcome = evolve(warehouse, generations=LEDGER).sync(
            catalog(users(OVERWRITE)),
            *(record("users", id=1), global_state(1, "users"), complete("users")),
        )

        assert (outcome.exit_code, outcome.states) == (0, [])

    # -- crashes

    def test_an_interrupted_overwrite_leaves_the_table_and_the_next_begins_anew(
        self, warehouse: Warehouse
    ) -> None:
        """Nothing of it was told, so nothing of it is resumed."""
        _overwrite(warehouse, PRIOR, LEDGER)
        interrupted = _cut_off(warehouse, LEDGER)
        untouched = names_found(warehouse.data())

        _overwrite(warehouse, CUT_OFF, LEDGER)

        assert (interrupted.exit_code, interrupted.states) == (1, [])
        assert untouched == names_sent(PRIOR)
        assert names_found(warehouse.data()) == names_sent(CUT_OFF)
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("generations", [(1, 1, 1), (1, 2, 3), (5, 5, 5)])
    @pytest.mark.parametrize(("first", "then"), [(CATALOG, LEDGER), (LEDGER, CATALOG)])
    def test_the_option_may_change_after_an_interruption(
        self, warehouse: Warehouse, first: Generations, then: Generations, generations: tuple[int, int, int]
    ) -> None:
        """A generation of the ledger's own is none of the catalog's, whatever their numbers."""
        one, two, three = generations
        _overwrite(warehouse, PRIOR, first, generation=one)
        _cut_off(warehouse, first, generation=two)

        _overwrite(warehouse, THEN, then, generation=three)

        assert names_found(warehouse.data()) == names_sent(THEN)
        assert warehouse.left_behind() == set()

    def test_an_incremental_sync_after_an_interrupted_overwrite_has_only_what_it_brings(
        self, warehouse: Warehouse
    ) -> None:
        """No checkpoint was written, so that nothing is taken for told."""
        _overwrite(warehouse, PRIOR, LEDGER)
        _cut_off(warehouse, LEDGER)

        _sync(warehouse, users(Strategy.APPEND), THEN, LEDGER)

        assert names_found(warehouse.data()) == names_sent([*PRIOR, *THEN])
        assert warehouse.left_behind() == set()

    def test_any_one_answer_may_be_lost(self, warehouse: Warehouse) -> None:
        lost, wait = True, 0
        while lost:
            script = Script(wait=wait, lose_answer=True)
            outcome = _overwrite(warehouse, THEN, LEDGER, script=script)
            assert outcome.exit_code == 0
            assert names_found(warehouse.data()) == names_sent(THEN)
            lost, wait = script.lost > 0, wait + 1

        # Set up, claim, inspect, open, flush, swap.
        assert wait > 6


def _overwrite(
    warehouse: Warehouse,
    sent: Sequence[User],
    generations: Generations,
    *,
    generation: int = 1,
    script: Script | None = None,
) -> Outcome:
    return _sync(warehouse, users(OVERWRITE, generation), sent, generations, script)


def _sync(
    warehouse: Warehouse,
    stream: dict[str, object],
    sent: Sequence[User],
    generations: Generations,
    script: Script | None = None,
) -> Outcome:
    return evolve(warehouse, generations=generations).sync(
        catalog({**stream, "sync_id": 1}),
        *(user.message() for user in sent),
        state("users", len(sent)),
        complete("users"),
        script=script,
    )


def _cut_off(warehouse: Warehouse, generations: Generations, generation: int = 1) -> Outcome:
    return evolve(warehouse, generations=generations).sync(
        catalog({**users(OVERWRITE, generation), "sync_id": 1}),
        *(user.message() for user in CUT_OFF[:TOLD]),
        state("users", TOLD),
        *(user.message() for user in CUT_OFF[TOLD:]),
    )
