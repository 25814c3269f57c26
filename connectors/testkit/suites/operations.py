"""The suite for the framework's operations over a connector: a ghost changes nothing, an answer may be lost."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve, frozen

from connectors.contract.ledger import LedgerEntry
from connectors.testkit.harness.destination import Bench, Suite
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.rows import raw_id, row
from connectors.testkit.harness.runs import USERS, Run, open_run
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, InternalError
from dataflow.types import TableName
from machines.operations import StreamOperation

O = StreamOperation  # noqa: E741 - the tables below are read by what follows it
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
ANY_TABLE = TableName("any", "table")
FEW = (row(1, id=1, name="a"), row(2, id=2, name="b"), row(3, id=1, name="c"))


@frozen
class Scenario:
    """What a run asks for in turn, after an earlier run was interrupted with rows in its temp table."""

    strategy: Strategy
    steps: tuple[StreamOperation | str, ...]
    before: Strategy | None = None
    generation: int = 2
    generation_before: int = 2


SCENARIOS: dict[str, Scenario] = {
    "append": Scenario(APPEND, (O.CLAIM, O.INSPECT, O.OPEN_FINAL, "flush", "flush")),
    "dedup": Scenario(DEDUP, (O.CLAIM, O.INSPECT, O.OPEN_TEMP, "flush", "flush", O.MERGE)),
    "append truncate": Scenario(APPEND_TRUNCATE, (O.CLAIM, O.INSPECT, O.OPEN_TEMP, "flush", O.SWAP)),
    "dedup truncate": Scenario(DEDUP_TRUNCATE, (O.CLAIM, O.INSPECT, O.OPEN_TEMP, "flush", O.DEDUPE_AND_SWAP)),
    "resume": Scenario(DEDUP, (O.CLAIM, O.INSPECT, O.RESUME_TEMP, "flush", O.MERGE), before=DEDUP),
    "settle a merge": Scenario(APPEND, (O.CLAIM, O.INSPECT, O.SETTLE, O.OPEN_FINAL, "flush"), before=DEDUP),
    "settle a copy": Scenario(
        DEDUP,
        (O.CLAIM, O.INSPECT, O.SETTLE, O.OPEN_TEMP, "flush", O.MERGE),
        before=APPEND_TRUNCATE,
        generation=3,
    ),
    "discard": Scenario(
        APPEND_TRUNCATE,
        (O.CLAIM, O.INSPECT, O.DISCARD, O.OPEN_TEMP, "flush", O.SWAP),
        before=APPEND_TRUNCATE,
        generation=3,
    ),
    "abandon rows": Scenario(DEDUP, (O.CLAIM, O.INSPECT, O.OPEN_TEMP, "flush", O.ABANDON)),
    "abandon nothing": Scenario(DEDUP, (O.CLAIM, O.INSPECT, O.OPEN_TEMP, O.ABANDON, O.DISCARD)),
}


class OperationsSuite(Suite):
    """Transactions, fence and ledger together keep the rules of the start and the end of a stream."""

    @pytest.mark.parametrize(
        "step", [O.RESUME_TEMP, O.MERGE, O.SWAP, O.DEDUPE_AND_SWAP, O.DISCARD, O.ABANDON, "flush"]
    )
    def test_a_superseded_run_changes_nothing(self, bench: Bench, step: StreamOperation | str) -> None:
        """One writer per stream, also against the ghost of a killed one whose lock died before it did."""
        ghosts = faulty(bench.connector, Script(), locks=False)
        with open_run(ghosts, DEDUP, run="ghost") as ghost, open_run(bench.connector, DEDUP) as heir:
            ghost.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, ghost.flush(1, *FEW, checkpoint=3))
            heir.do(O.CLAIM, O.INSPECT, O.RESUME_TEMP)
            before = _look(bench, heir)

            with pytest.raises(ConfigError, match="run"):
                ghost.do(ghost.flush(2, row(4, id=4)) if step == "flush" else O(step))

            assert _look(bench, heir) == before

    # -- a lost answer

    @pytest.mark.parametrize(
        ("scenario", "index"), [(name, n) for name, s in SCENARIOS.items() for n in range(len(s.steps))]
    )
    def test_an_answer_may_be_lost_and_the_step_repeated(
        self, bench: Bench, scenario: str, index: int
    ) -> None:
        """An error on COMMIT is ambiguous: the ledger knows, and a repeated step changes nothing."""
        script = Script()
        losing = faulty(bench.connector, script)

        undisturbed = _live(bench, SCENARIOS[scenario], "calm", _each)
        disturbed = _live(
            bench,
            SCENARIOS[scenario],
            "rough",
            lambda run, steps: _each(run, steps, lambda n: script.lose_next_answer() if n == index else None),
            losing,
        )

        assert script.lost == 1
        assert disturbed == undisturbed

    def test_flushes_may_land_in_any_order(self, bench: Bench) -> None:
        with open_run(bench.connector, DEDUP) as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP)
            run.do(run.flush(3, FEW[2], checkpoint=3), run.flush(1, FEW[0]), run.flush(2, FEW[1]))
            entry = _held(bench, run.life.tables.final)
            run.do(O.MERGE)

            found = bench.rows(run.life.tables.final, USERS)
        assert (entry.last_flush, entry.checkpoint, entry.highest_raw_id) == (3, raw_id(3), raw_id(3))
        assert sorted(each["name"] for each in found) == ["b", "c"]

    @pytest.mark.parametrize("strategy", [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_what_lies_beyond_a_gap_is_not_published(self, bench: Bench, strategy: Strategy) -> None:
        publish = {DEDUP: O.MERGE, APPEND_TRUNCATE: O.SWAP, DEDUP_TRUNCATE: O.DEDUPE_AND_SWAP}[strategy]
        with open_run(bench.connector, strategy) as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, run.flush(1, FEW[0]), run.flush(3, FEW[2]))

            with pytest.raises(InternalError, match="counts 1 without a gap"):
                run.do(publish)

            assert bench.destination.tables() == {run.life.tables.temp}

    def test_what_lies_beyond_a_gap_is_cut_at_the_next_start(self, bench: Bench) -> None:
        """A checkpoint beyond a gap would cover rows that were never written: acknowledged means durable."""
        with open_run(bench.connector, DEDUP, run="one") as first:
            first.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP)
            first.do(first.flush(3, FEW[2], checkpoint=3), first.flush(1, FEW[0], checkpoint=1))

        with open_run(bench.connector, DEDUP, run="two") as second:
            answer = second.do(O.CLAIM, O.INSPECT, O.RESUME_TEMP)

            assert answer.rows == 1
            assert bench.rows(second.life.tables.temp, USERS) == [FEW[0]]
            assert second.operations.highest_raw_id == raw_id(3)

    def test_a_flush_that_was_folded_already_is_not_written_again(self, bench: Bench) -> None:
        """Its answer was lost, and an operation held the entry before its retry came."""
        with open_run(bench.connector, DEDUP) as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, run.flush(1, FEW[0], checkpoint=1), O.ABANDON)

            run.do(run.flush(1, FEW[0], checkpoint=1))

            assert bench.rows(run.life.tables.temp, USERS) == [FEW[0]]

    def test_a_rolled_back_settle_is_repeated_on_the_table_the_ledger_names(self, bench: Bench) -> None:
        """The temp table's name is the ledger's to say: an earlier version may have named it otherwise."""
        with open_run(bench.connector, DEDUP) as first:
            first.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, first.flush(1, *FEW, checkpoint=3))
            final, temp = first.life.tables.final, first.life.tables.temp
        renamed = bench.table("of_another_name")
        with bench.client.transaction():
            bench.client.overwrite_table(temp, renamed)
            bench.client.ledger.save(evolve(_hold(bench, final), temp=renamed))
        script = Script()

        with open_run(faulty(bench.connector, script), APPEND) as second:
            second.do(O.CLAIM, O.INSPECT)
            script.fail_next_commit()
            answer = second.do(O.SETTLE)

        assert answer.attempts == 2
        assert [r["name"] for r in bench.rows(final, USERS)] == ["b", "c"]
        assert bench.destination.tables() == {final}

    def test_a_fresh_temp_table_has_the_name_that_the_ledger_has(self, bench: Bench) -> None:
        """What lies under the name of this version's choice was not looked at, and is left alone."""
        with open_run(bench.connector, APPEND_TRUNCATE) as first:
            first.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, first.flush(1, *FEW, checkpoint=3))
            final, temp = first.life.tables.final, first.life.tables.temp
        renamed = bench.table("of_another_name")
        with bench.client.transaction():
            bench.client.overwrite_table(temp, renamed)
            bench.client.ledger.save(evolve(_hold(bench, final), temp=renamed))
        bench.make(temp, USERS)

        with open_run(bench.connector, DEDUP, generation=2) as second:
            second.do(O.CLAIM, O.INSPECT, O.SETTLE, O.OPEN_TEMP)
            opened = _held(bench, final).temp
            second.do(second.flush(1, row(4, id=3, name="d"), checkpoint=4), O.MERGE)

        # Its opening follows where each name is used once.
        assert opened is not None
        assert opened.name.startswith(renamed.name)
        assert sorted(r["name"] for r in bench.rows(final, USERS)) == ["a", "b", "c", "d"]
        # Outside class A, a claim drops what it finds empty and unnamed.
        assert bench.destination.tables() - {temp} == {final}

    def test_a_claim_gives_the_next_epoch_and_says_where_raw_ids_go_on(self, bench: Bench) -> None:
        """Raw ids are monotonic per stream across runs."""
        with open_run(bench.connector, DEDUP, run="one") as first:
            first.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, first.flush(1, *FEW))

        with open_run(bench.connector, DEDUP, run="two") as second:
            second.do(O.CLAIM)

        entry = _held(bench, second.life.tables.final)
        assert (entry.epoch, entry.owner, entry.last_flush) == (2, "two", 0)
        assert second.operations.highest_raw_id == raw_id(3)


def _hold(bench: Bench, table: TableName) -> LedgerEntry:
    entry = bench.client.ledger.hold(table)
    assert entry is not None
    return entry


def _held(bench: Bench, table: TableName) -> LedgerEntry:
    with bench.client.transaction():
        return _hold(bench, table)


def _look(bench: Bench, run: Run) -> dict[str, Any]:
    """All that a run may have left, but for the names that only it has."""
    tables = run.life.tables
    entry = _held(bench, tables.final)
    there = {
        kind: bench.rows(table, USERS)
        for kind, table in (("final", tables.final), ("temp", tables.temp))
        if table in bench.destination.tables()
    }
    # A claim that is repeated may take one epoch more.
    return there | {
        "ledger": evolve(entry, table=ANY_TABLE, stream=None, epoch=0, temp=None),
        "temp known": entry.temp is not None,
    }


def _live(
    bench: Bench,
    scenario: Scenario,
    stream: str,
    perform: Callable[[Run, Sequence[StreamOperation | str]], None],
    connector: Any = None,
) -> dict[str, Any]:
    """What is left of a stream after the scenario."""
    if scenario.before is not None:
        with open_run(
            bench.connector, scenario.before, generation=scenario.generation_before, stream=stream
        ) as earlier:
            earlier.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP, earlier.flush(1, *FEW, checkpoint=2))
    with open_run(
        connector or bench.connector, scenario.strategy, generation=scenario.generation, stream=stream
    ) as run:
        perform(run, scenario.steps)
        return _look(bench, run)


def _each(
    run: Run, steps: Sequence[StreamOperation | str], before: Callable[[int], None] = lambda _: None
) -> None:
    """Perform the steps; each flush has a number and a row of its own."""
    flushes = 0
    for index, step in enumerate(steps):
        before(index)
        if step == "flush":
            flushes += 1
            number = 10 + flushes
            run.do(run.flush(flushes, row(number, id=number, name="new"), checkpoint=number))
        else:
            run.do(O(step))
