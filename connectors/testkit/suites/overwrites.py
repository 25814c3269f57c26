"""The suite of overwrites: what a second one means, by what the client sends; and which STATE may then be emitted."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve, field, frozen

from connectors.contract.options import Options
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.interruptions import COVERED, CUT_OFF, PRIOR, THEN, names_found, names_sent
from connectors.testkit.harness.messages import (
    catalog,
    complete,
    global_state,
    legacy_state,
    record,
    state,
    users,
)
from connectors.testkit.harness.model import Stint, User, found, published
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, SyncMode

OVERWRITE = Strategy.APPEND_TRUNCATE
AS_NEW = Options(each_overwrite_is_new=True)
GENERATIONS = ("generation_id", "minimum_generation_id", "sync_id")


@frozen
class Client:
    """How a client sends an overwrite, and what its operator has set."""

    name: str
    generations: Mapping[str, int | None]
    options: Options = field(factory=Options)

    def stream(self, name: str = "users", mode: SyncMode = SyncMode.INCREMENTAL) -> dict[str, Any]:
        """An overwrite in its catalog."""
        entry = users(OVERWRITE, name=name)
        rest = {member: value for member, value in entry.items() if member not in GENERATIONS}
        return {**rest, "sync_mode": str(mode), **self.generations}

    def __str__(self) -> str:
        return self.name


ONES = Client("the same generation each time", dict.fromkeys(GENERATIONS, 1))
ABSENT = Client("no generations", {})
NULL = Client("generations that are null", dict.fromkeys(GENERATIONS))
ONES_AS_NEW = evolve(ONES, name="the same generation each time, each overwrite new", options=AS_NEW)
ZEROS = Client("generation 0", dict.fromkeys(GENERATIONS, 0))
ZEROS_AS_NEW = evolve(ZEROS, name="generation 0, each overwrite new", options=AS_NEW)
REPLACING = [ABSENT, NULL, ONES_AS_NEW, ZEROS_AS_NEW]
replacing = pytest.mark.parametrize("client", REPLACING, ids=str)


class OverwriteSuite(WarehouseSuite):
    """Every client here begins each sync with nothing behind it, but where a test says otherwise."""

    @pytest.mark.parametrize("client", [ONES, ZEROS], ids=str)
    def test_a_second_overwrite_adds_if_its_generation_is_no_newer(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """The same generation again is a retry: what the first sync acknowledged may not be sent again, so it stays.

        The minimum says which generations stay, and 0 is a minimum.
        """
        for sent in (PRIOR, THEN):
            outcome = _overwrite(warehouse, client, sent)

        assert outcome.states == [len(THEN)]
        assert names_found(warehouse.data()) == names_sent([*PRIOR, *THEN])

    @replacing
    def test_each_overwrite_replaces_the_one_before(self, warehouse: Warehouse, client: Client) -> None:
        for sent in (PRIOR, THEN, CUT_OFF):
            outcome = _overwrite(warehouse, client, sent)

        assert (outcome.exit_code, outcome.warnings) == (0, [])
        assert names_found(warehouse.data()) == names_sent(CUT_OFF)
        assert warehouse.left_behind() == set()

    @replacing
    def test_every_overwrite_has_a_generation_of_its_own(self, warehouse: Warehouse, client: Client) -> None:
        seen = []
        for sent in (PRIOR, THEN):
            _overwrite(warehouse, client, sent)
            seen.append({row["_airbyte_generation_id"] for row in warehouse.rows()})

        assert seen == [{1}, {2}]

    @replacing
    def test_an_overwrite_without_a_record_empties_the_table(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """So a platform clears a stream."""
        _overwrite(warehouse, client, PRIOR)

        outcome = _overwrite(warehouse, client, ())

        assert outcome.exit_code == 0
        assert warehouse.data() == []

    @pytest.mark.parametrize(
        ("strategy", "options", "generation"),
        [
            *((each, AS_NEW, 1) for each in (Strategy.APPEND, Strategy.DEDUP, Strategy.DEDUP_TRUNCATE)),
            # Rows without a generation are of generation 0.
            *((each, Options(), 0) for each in (Strategy.APPEND, Strategy.DEDUP)),
        ],
    )
    def test_other_modes_mean_the_same_with_each_overwrite_new_and_without_generations(
        self, warehouse: Warehouse, strategy: Strategy, options: Options, generation: int
    ) -> None:
        entry = {
            name: value for name, value in users(strategy).items() if generation or name not in GENERATIONS
        }
        for sent in (PRIOR, THEN):
            outcome = _sync(evolve(warehouse, options=options), entry, sent)

        first = published([], strategy, Stint(strategy, generation, PRIOR).users)
        expected = published(first, strategy.incremental, Stint(strategy, generation, THEN).users)
        assert outcome.states == [len(THEN)]
        assert found(warehouse.rows()) == sorted(expected)

    # -- the STATE of a stream

    @replacing
    @pytest.mark.parametrize("mode", SyncMode)
    def test_a_state_of_what_the_next_sync_replaces_is_not_emitted(
        self, warehouse: Warehouse, client: Client, mode: SyncMode
    ) -> None:
        """A client that went on from it would leave the table with the rest alone."""
        outcome = evolve(warehouse, options=client.options).sync(
            catalog(client.stream(mode=mode), users(Strategy.APPEND, 1, "others")),
            *(part for name in ("users", "others") for part in (record(name, id=1), state(name, name))),
            *map(complete, ("users", "others")),
        )

        assert (outcome.exit_code, outcome.states) == (0, ["others"])

    @replacing
    @pytest.mark.parametrize("mode", SyncMode)
    @pytest.mark.parametrize("text", [b"null", b"{}", b"{ }"])
    def test_a_state_by_which_a_stream_starts_over_is_emitted_once_that_is_published(
        self, warehouse: Warehouse, client: Client, text: bytes, mode: SyncMode
    ) -> None:
        """A platform that clears a stream may wait for it; nobody goes on from it."""
        beginning = state("users", None).replace(b'{"cursor": null}', text)

        happened = _happened(warehouse, client, beginning, complete("users"), mode=mode)

        assert happened == ["users", None]

    # -- a STATE of all streams

    @replacing
    def test_a_global_state_waits_for_the_replaced_streams_that_it_names(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        happened = _happened(
            warehouse,
            client,
            record("users", id=1),
            global_state(1, "others"),
            global_state(2, "users", "others"),
            global_state(3, "users", "others"),
            complete("users"),
            record("others", id=1),
            global_state(4, "users", "others"),
            complete("others"),
        )

        assert happened == [1, "users", 2, 3, 4, "others"]

    @replacing
    def test_a_global_state_that_names_no_replaced_stream_waits_for_none(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        happened = _happened(
            warehouse,
            client,
            record("users", id=1),
            record("others", id=1),
            global_state(1, "others"),
            global_state(2),
            complete("others"),
        )

        assert [each for each in happened if each != "others"] == [1, 2]

    @replacing
    def test_a_global_state_is_not_emitted_before_its_replaced_stream_is_whole(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        happened = _happened(
            warehouse,
            client,
            record("users", id=1),
            record("others", id=1),
            global_state(1, "users", "others"),
            complete("others"),
        )

        assert happened == ["others"]

    @replacing
    def test_a_global_state_from_which_a_replaced_stream_would_go_on_is_not_emitted(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """The catalog says that the source reads it incrementally: the next sync would bring the rest alone."""
        happened = _happened(
            warehouse,
            client,
            record("users", id=1),
            global_state(1, "users", "others"),
            complete("users"),
            global_state(2, "users", "others"),
            global_state(3, "others"),
            complete("others"),
            mode=SyncMode.INCREMENTAL,
        )

        assert [each for each in happened if each not in ("users", "others")] == [3]

    @replacing
    def test_a_legacy_state_names_every_stream(self, warehouse: Warehouse, client: Client) -> None:
        sent = (record("users", id=1), legacy_state(1), complete("users"), complete("others"))

        read_whole = _happened(warehouse, client, *sent)
        gone_on_with = _happened(warehouse, client, *sent, mode=SyncMode.INCREMENTAL)

        assert (read_whole, gone_on_with) == (["users", 1, "others"], ["users", "others"])

    def test_a_state_that_holds_half_a_character_waits_like_any_other(self, warehouse: Warehouse) -> None:
        """JSON may hold half of a surrogate pair, and UTF-8 cannot."""
        sent = (record("users", id=1), global_state("caf\ud83d", "users"), complete("users"))

        assert _happened(warehouse, ABSENT, *sent, complete("others")) == ["users", "caf\ud83d", "others"]

    # -- crashes

    @replacing
    def test_an_interrupted_overwrite_leaves_the_table_and_the_next_starts_over(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """Nothing of it was acknowledged, so nothing of it is resumed."""
        _overwrite(warehouse, client, PRIOR)
        interrupted = _cut_off(warehouse, client)
        untouched = names_found(warehouse.data())

        _overwrite(warehouse, client, CUT_OFF)

        assert (interrupted.exit_code, interrupted.states) == (1, [])
        assert untouched == names_sent(PRIOR)
        assert names_found(warehouse.data()) == names_sent(CUT_OFF)
        assert warehouse.left_behind() == set()

    @replacing
    def test_a_stream_that_was_published_before_another_failed_is_replaced_by_the_retry(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """Under GLOBAL states, of a source that reads it from its beginning each time."""
        whole = [record("users", id=number) for number in (1, 2)]
        state_of_both = global_state(1, "users", "others")
        _happened(warehouse, client, *whole, state_of_both, complete("users"), record("others", id=1))

        _happened(warehouse, client, *whole, state_of_both, *map(complete, ("users", "others")))

        assert [row["id"] for row in warehouse.data()] == [1, 2]

    @pytest.mark.parametrize("generations", [(1, 1, 1), (1, 2, 3), (5, 5, 5)])
    @pytest.mark.parametrize(
        ("first", "then"),
        [*itertools.product([ONES], REPLACING), *itertools.product(REPLACING, [ONES])],
        ids=str,
    )
    def test_a_client_may_begin_or_cease_to_count_after_an_interruption(
        self, warehouse: Warehouse, first: Client, then: Client, generations: tuple[int, int, int]
    ) -> None:
        """A generation of the ledger's own is none of the catalog's, whatever their numbers."""
        one, two, three = generations
        _overwrite(warehouse, _of_generation(first, one), PRIOR)
        _cut_off(warehouse, _of_generation(first, two))

        _overwrite(warehouse, _of_generation(then, three), THEN)

        assert names_found(warehouse.data()) == names_sent(THEN)
        assert warehouse.left_behind() == set()

    @replacing
    def test_an_incremental_sync_after_an_interrupted_overwrite_has_only_what_it_brings(
        self, warehouse: Warehouse, client: Client
    ) -> None:
        """No checkpoint was written, so that nothing counts as acknowledged."""
        _overwrite(warehouse, client, PRIOR)
        _cut_off(warehouse, client)

        _sync(evolve(warehouse, options=client.options), users(Strategy.APPEND), THEN)

        assert names_found(warehouse.data()) == names_sent([*PRIOR, *THEN])
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("client", [ABSENT, ONES_AS_NEW], ids=str)
    def test_any_one_answer_may_be_lost(self, warehouse: Warehouse, client: Client) -> None:
        lost, wait = True, 0
        while lost:
            script = Script(wait=wait, lose_answer=True)
            outcome = _overwrite(warehouse, client, THEN, script=script)
            assert outcome.exit_code == 0
            assert names_found(warehouse.data()) == names_sent(THEN)
            lost, wait = script.lost > 0, wait + 1

        # Set up, claim, inspect, open, flush, swap.
        assert wait > 6


def _of_generation(client: Client, generation: int) -> Client:
    counted = client.generations.get("minimum_generation_id")
    return evolve(client, generations=dict.fromkeys(GENERATIONS, generation)) if counted else client


def _happened(
    warehouse: Warehouse, client: Client, *messages: bytes, mode: SyncMode = SyncMode.FULL_REFRESH
) -> list[Any]:
    """What came of a sync of an overwrite and of `others`, which appends: STATEs, and streams that were published."""
    happened: list[Any] = []

    def keep(entry: Mapping[str, Any]) -> None:
        if entry["machine"] == "stream" and entry["to"] == "done":
            happened.append(entry["stream"])

    evolve(warehouse, options=client.options).sync(
        catalog(client.stream(mode=mode), users(Strategy.APPEND, 1, "others")),
        *messages,
        on_state=happened.append,
        keep=keep,
    )
    return happened


def _overwrite(
    warehouse: Warehouse, client: Client, sent: Sequence[User], *, script: Script | None = None
) -> Outcome:
    return _sync(evolve(warehouse, options=client.options), client.stream(), sent, script)


def _sync(
    warehouse: Warehouse, stream: Mapping[str, Any], sent: Sequence[User], script: Script | None = None
) -> Outcome:
    return warehouse.sync(
        catalog(stream),
        *(user.message() for user in sent),
        state("users", len(sent)),
        complete("users"),
        script=script,
    )


def _cut_off(warehouse: Warehouse, client: Client) -> Outcome:
    return evolve(warehouse, options=client.options).sync(
        catalog(client.stream()),
        *(user.message() for user in CUT_OFF[:COVERED]),
        state("users", COVERED),
        *(user.message() for user in CUT_OFF[COVERED:]),
    )
