"""The rules of a stream's start and end, each as the operations its machine asks for."""

import pytest
from attrs import evolve

from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime.clock import SetClock
from dataflow.types import Kind, TableName
from machines.loads import Files, Load, Wish
from machines.operations import Answer, Facts, KeyFacts, Recipe, TempFacts
from machines.operations import StreamOperation as Op
from machines.parts import Atomic
from machines.stream import StreamLife, StreamLifecycle, stream_lifecycle
from tests.machines.lives import Answering, found, life, recipe_of

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE


def started(of: StreamLife, facts: Facts) -> tuple[StreamLifecycle, list[object]]:
    port = Answering([Answer(), Answer(facts=facts)])
    machine = stream_lifecycle(of, port, SetClock())
    machine.send("start")
    return machine, list(port.asked)


@pytest.mark.parametrize(
    ("strategy", "operations"),
    [
        (APPEND, [Op.OPEN_FINAL]),
        (DEDUP, [Op.OPEN_TEMP]),
        (APPEND_TRUNCATE, [Op.OPEN_TEMP]),
        (DEDUP_TRUNCATE, [Op.OPEN_TEMP]),
    ],
)
def test_a_first_start_opens_what_its_strategy_writes_to(strategy: Strategy, operations: list[Op]) -> None:
    machine, asked = started(life(strategy), found())

    assert asked == [Op.CLAIM, Op.INSPECT, *operations]
    assert machine.at == "writing"


@pytest.mark.parametrize("atomic", Atomic)
def test_an_append_goes_through_temp_where_only_a_statement_is_durable_at_once(atomic: Atomic) -> None:
    """A late insert of a killed run would reach the final table there, and nothing could refuse it."""
    machine, opened = started(life(APPEND, atomic=atomic), found())
    machine.send("completed")

    by_temp = atomic is Atomic.STATEMENT
    assert opened[2:] == [Op.OPEN_TEMP if by_temp else Op.OPEN_FINAL]
    assert machine.at == "done"
    assert life(APPEND, atomic=atomic).publishes_by_merge == by_temp


def test_a_temp_table_of_an_append_is_resumed_by_the_next_append() -> None:
    _, asked = started(life(APPEND, atomic=Atomic.STATEMENT), found(recipe_of(APPEND)))

    assert asked[2:] == [Op.RESUME_TEMP]


def test_a_retry_of_a_published_append_truncate_adds_through_temp_where_an_append_does() -> None:
    of = life(APPEND_TRUNCATE, atomic=Atomic.STATEMENT)

    _, asked = started(of, found(finalised=True))

    assert asked[2:] == [Op.OPEN_TEMP]
    assert (of.publishes_by_merge, of.publishes_by_swap) == (True, False)


@pytest.mark.parametrize("strategy", [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE])
def test_a_temp_table_of_this_recipe_is_resumed(strategy: Strategy) -> None:
    _, asked = started(life(strategy), found(recipe_of(strategy)))

    assert asked[2:] == [Op.RESUME_TEMP]


@pytest.mark.parametrize(
    ("before", "now"), [(APPEND_TRUNCATE, DEDUP_TRUNCATE), (DEDUP_TRUNCATE, APPEND_TRUNCATE)]
)
def test_a_truncate_of_this_generation_is_resumed_though_its_import_type_changed(
    before: Strategy, now: Strategy
) -> None:
    _, asked = started(life(now), found(recipe_of(before)))

    assert asked[2:] == [Op.RESUME_TEMP]


@pytest.mark.parametrize("now", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
def test_incremental_rows_are_settled_even_when_a_truncate_is_about_to_come(now: Strategy) -> None:
    _, asked = started(life(now, generation=3), found(recipe_of(DEDUP, generation=2)))

    assert asked[2:] == [Op.SETTLE, Op.OPEN_TEMP]


@pytest.mark.parametrize(("now", "then"), [(APPEND, Op.OPEN_FINAL), (DEDUP, Op.OPEN_TEMP)])
def test_a_cancelled_truncate_is_absorbed_by_a_sync_that_keeps_all_generations(
    now: Strategy, then: Op
) -> None:
    _, asked = started(life(now, generation=3), found(recipe_of(APPEND_TRUNCATE, generation=2)))

    assert asked[2:] == [Op.SETTLE, then]


@pytest.mark.parametrize("now", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
def test_only_a_truncate_of_a_superseded_generation_is_dropped(now: Strategy) -> None:
    _, asked = started(life(now, generation=3), found(recipe_of(DEDUP_TRUNCATE, generation=2)))

    assert asked[2:] == [Op.DISCARD, Op.OPEN_TEMP]


@pytest.mark.parametrize(("covered", "operations"), [(True, [Op.SETTLE]), (False, [Op.DISCARD])])
def test_rows_of_another_recipe_are_settled_only_if_a_state_covers_some_of_them(
    covered: bool, operations: list[Op]
) -> None:
    """The source sends the others again."""
    _, asked = started(life(APPEND), found(recipe_of(DEDUP), covered=covered))

    assert asked[2:] == [*operations, Op.OPEN_FINAL]


def test_rows_of_this_recipe_are_resumed_although_no_state_covers_any() -> None:
    _, asked = started(life(DEDUP), found(recipe_of(DEDUP), covered=False))

    assert asked[2:] == [Op.RESUME_TEMP]


NARROWER = KeyFacts(narrower=(("id", Kind.STRING),))


@pytest.mark.parametrize("strategy", [APPEND, DEDUP])
def test_nothing_is_touched_where_the_final_table_would_not_keep_its_keys(strategy: Strategy) -> None:
    of = life(strategy)

    machine, asked = started(of, evolve(found(), final_keys=NARROWER))

    assert asked[2:] == [Op.ABANDON]
    assert machine.at == "failed"
    assert isinstance(of.failure, TransientError)
    assert "shop.users may hold" in str(of.failure)
    assert of.needs == {"id": Kind.STRING}


def test_a_final_table_that_is_replaced_need_not_keep_its_keys() -> None:
    _, asked = started(life(DEDUP_TRUNCATE), evolve(found(), final_keys=NARROWER))

    assert asked[2:] == [Op.OPEN_TEMP]


def test_a_final_table_that_a_published_generation_is_added_to_keeps_its_keys() -> None:
    _, asked = started(life(DEDUP_TRUNCATE), evolve(found(finalised=True), final_keys=NARROWER))

    assert asked[2:] == [Op.ABANDON]


def test_keys_whose_columns_cannot_stay_fail_for_good() -> None:
    of = life(DEDUP)
    keys = KeyFacts(narrower=(("id", Kind.STRING), ("updated", None)))

    started(of, evolve(found(), final_keys=keys))

    assert isinstance(of.failure, ConfigError)
    assert of.needs == {}


@pytest.mark.parametrize(
    ("keys", "failure", "message"),
    [
        (NARROWER, TransientError, "shop.users_tmp may hold"),
        (KeyFacts(lost=("id",)), ConfigError, 'have lost their values of "id"'),
    ],
)
def test_waiting_rows_are_not_resumed_where_temp_would_not_keep_its_keys(
    keys: KeyFacts, failure: type[DataflowError], message: str
) -> None:
    of = life(DEDUP)

    machine, asked = started(of, evolve(found(recipe_of(DEDUP)), temp_keys=keys))

    assert asked[2:] == [Op.ABANDON]
    assert machine.at == "failed"
    assert isinstance(of.failure, failure)
    assert message in str(of.failure)


@pytest.mark.parametrize(
    ("facts", "operation"),
    [(found(recipe_of(DEDUP)), Op.SETTLE), (found(recipe_of(APPEND_TRUNCATE, 1), empty=True), Op.DISCARD)],
)
def test_keys_of_waiting_rows_that_are_not_resumed_forbid_nothing(facts: Facts, operation: Op) -> None:
    _, asked = started(life(APPEND), evolve(facts, temp_keys=NARROWER))

    assert asked[2:] == [operation, Op.OPEN_FINAL]


def test_an_empty_temp_table_is_dropped_whatever_it_was() -> None:
    machine, asked = started(life(APPEND), found(recipe_of(DEDUP), empty=True))

    assert asked[2:] == [Op.DISCARD, Op.OPEN_FINAL]
    assert machine.at == "writing"


def test_an_empty_temp_table_that_the_ledger_does_not_know_is_dropped_before_another_is_opened() -> None:
    _, asked = started(life(DEDUP), Facts(temp=TempFacts(empty=True, recipe=None), finalised=False))

    assert asked[2:] == [Op.DISCARD, Op.OPEN_TEMP]


@pytest.mark.parametrize(
    ("facts", "emptied"),
    [
        (found(recipe_of(DEDUP), empty=True, covered=True), True),
        (found(recipe_of(DEDUP), empty=True, covered=False), False),
        (found(recipe_of(DEDUP), covered=True), False),
        (found(recipe_of(DEDUP, generation=1), empty=True, covered=True), False),
        (found(), False),
    ],
)
def test_a_temp_table_was_emptied_if_a_state_covers_rows_that_this_sync_does_not_load_again(
    facts: Facts, emptied: bool
) -> None:
    of = life(DEDUP_TRUNCATE)

    started(of, facts)

    assert of.temp_was_emptied is emptied


def test_that_temp_was_emptied_is_a_fact_of_the_start_alone() -> None:
    of = life(DEDUP)
    started(of, found(recipe_of(DEDUP), empty=True, covered=True))

    of.learn(Answer(left=TempFacts(empty=True, recipe=recipe_of(DEDUP))))

    assert not of.temp_was_emptied


def test_the_next_temp_table_has_the_name_that_the_ledger_has_for_the_one_before() -> None:
    """Nothing was found out about a table of the name that this version would choose."""
    of, name = life(DEDUP, generation=3), TableName("shop", "of_another_name")
    facts = evolve(found(recipe_of(APPEND_TRUNCATE, generation=2)), temp_name=name)

    _, asked = started(of, facts)

    assert asked[2:] == [Op.SETTLE, Op.OPEN_TEMP]
    assert of.tables.temp == name


def test_a_finalised_generation_is_added_to_and_never_swapped_again() -> None:
    port = Answering([Answer(), Answer(facts=found(finalised=True))])
    machine = stream_lifecycle(life(DEDUP_TRUNCATE), port, SetClock())
    machine.send("start")

    machine.send("completed")

    assert port.asked[2:] == [Op.OPEN_TEMP, Op.MERGE]


def test_a_finalised_append_truncate_writes_to_the_final_table() -> None:
    machine, asked = started(life(APPEND_TRUNCATE), found(finalised=True))
    machine.send("completed")

    assert asked[2:] == [Op.OPEN_FINAL]
    assert machine.at == "done"


def test_the_retry_of_a_finalised_truncate_resumes_the_temp_it_opened() -> None:
    _, asked = started(life(DEDUP_TRUNCATE), found(recipe_of(DEDUP), finalised=True))

    assert asked[2:] == [Op.RESUME_TEMP]


def test_a_generation_that_the_ledger_gives_is_this_syncs_own() -> None:
    of = life(APPEND, generation=2)
    facts = evolve(found(recipe_of(APPEND_TRUNCATE, generation=2)), generation=3)

    machine, asked = started(of, facts)
    machine.send("completed")

    assert of.stream.strategy is APPEND_TRUNCATE
    assert of.recipe.generation_id == 3
    assert asked[2:] == [Op.DISCARD, Op.OPEN_TEMP]


def test_a_temp_table_the_ledger_does_not_know_is_kept_and_reported() -> None:
    of = life(DEDUP)
    facts = Facts(temp=TempFacts(empty=False, recipe=None), finalised=False)

    machine, asked = started(of, facts)

    assert asked[2:] == [Op.ABANDON]
    assert machine.at == "failed"
    assert isinstance(of.failure, ConfigError)
    assert "shop.users_tmp" in str(of.failure)


@pytest.mark.parametrize(
    ("strategy", "operations"),
    [
        (APPEND, []),
        (DEDUP, [Op.MERGE]),
        (APPEND_TRUNCATE, [Op.SWAP]),
        (DEDUP_TRUNCATE, [Op.DEDUPE_AND_SWAP]),
    ],
)
def test_a_completed_stream_is_published_by_its_strategy(strategy: Strategy, operations: list[Op]) -> None:
    port = Answering([Answer(), Answer(facts=found())])
    machine = stream_lifecycle(life(strategy), port, SetClock())
    machine.send("start")

    machine.send("completed")

    assert port.asked[3:] == operations
    assert machine.at == "done"


def test_a_stream_without_complete_is_abandoned_and_its_final_table_untouched() -> None:
    port = Answering([Answer(), Answer(facts=found())])
    machine = stream_lifecycle(life(DEDUP), port, SetClock())
    machine.send("start")

    machine.send("ended")

    assert port.asked[3:] == [Op.ABANDON]
    assert machine.at == "failed"


def abandoned(left: TempFacts | None) -> tuple[StreamLifecycle, list[object]]:
    port = Answering([Answer(), Answer(facts=found()), Answer(), Answer(left=left)])
    machine = stream_lifecycle(life(DEDUP), port, SetClock())
    machine.send("start")
    machine.send("ended")
    return machine, list(port.asked)


def test_a_temp_table_that_is_left_empty_is_dropped() -> None:
    machine, asked = abandoned(TempFacts(empty=True, recipe=recipe_of(DEDUP)))

    assert asked[3:] == [Op.ABANDON, Op.DISCARD]
    assert machine.at == "failed"


@pytest.mark.parametrize(
    "left",
    [
        None,
        TempFacts(empty=False, recipe=recipe_of(DEDUP)),
        TempFacts(empty=True, recipe=recipe_of(DEDUP), covered=True),
    ],
)
def test_nothing_is_dropped_where_rows_are_left_or_were_or_no_temp_table(left: TempFacts | None) -> None:
    """A temp table that was emptied although a STATE covers rows of it is the next start's to report."""
    machine, asked = abandoned(left)

    assert asked[3:] == [Op.ABANDON]
    assert machine.at == "failed"


def test_the_first_failure_is_the_reason_even_when_abandoning_fails_too() -> None:
    first, second = TransientError("The merge was cut off."), TransientError("So was this.")
    of = life(DEDUP)
    machine = stream_lifecycle(
        of, Answering([Answer(), Answer(facts=found()), Answer(), first, second]), SetClock()
    )
    machine.send("start")

    machine.send("completed")

    assert machine.at == "failed"
    assert of.failure is first


def test_a_stream_that_the_setting_up_refused_claims_nothing() -> None:
    of, port = life(DEDUP), Answering([])
    of.fail(ConfigError("No free name was found for its table."))
    machine = stream_lifecycle(of, port, SetClock())

    machine.send("start")

    assert port.asked == []
    assert machine.at == "failed"


def test_a_stream_that_cannot_be_claimed_touches_nothing() -> None:
    port = Answering([ConfigError("Run 1 is writing to shop.users.")])
    machine = stream_lifecycle(life(DEDUP_TRUNCATE), port, SetClock())

    machine.send("start")

    assert port.asked == [Op.CLAIM]
    assert machine.at == "failed"


# -- a load

LOAD = Load(id="mine", name="users")
OTHER = evolve(recipe_of(APPEND), load="other")


def loading(strategy: Strategy, generation: int = 2, wish: Wish = Wish.LOAD) -> StreamLife:
    return evolve(life(strategy, generation), load=evolve(LOAD, wish=wish))


def opened(strategy: Strategy, *, empty: bool = False, generation: int = 2) -> Facts:
    """What INSPECT finds where the load is open."""
    return evolve(
        found(evolve(recipe_of(strategy, generation), load="mine"), empty=empty, covered=False), opened="mine"
    )


@pytest.mark.parametrize("strategy", Strategy)
def test_the_shards_of_a_load_go_to_temp_whatever_its_strategy(strategy: Strategy) -> None:
    machine, asked = started(loading(strategy), found())

    assert asked[2:] == [Op.OPEN_TEMP]
    assert machine.at == "writing"


def test_a_load_that_is_handed_over_ends_with_its_temp_table_open() -> None:
    machine, asked = started(loading(DEDUP), found())

    machine.send("handed_over")

    assert asked[2:] == [Op.OPEN_TEMP]
    assert machine.at == "left_open"


@pytest.mark.parametrize(
    ("strategy", "operation"), [(APPEND, Op.MERGE), (DEDUP, Op.MERGE), (APPEND_TRUNCATE, Op.SWAP)]
)
@pytest.mark.parametrize("empty", [True, False])
def test_the_same_load_goes_on_with_its_temp_table_and_publishes_it(
    strategy: Strategy, operation: Op, empty: bool
) -> None:
    port = Answering([Answer(), Answer(facts=opened(strategy, empty=empty))])
    machine = stream_lifecycle(loading(strategy), port, SetClock())
    machine.send("start")

    machine.send("completed")

    assert port.asked[2:] == [Op.RESUME_TEMP, operation]
    assert machine.at == "done"


@pytest.mark.parametrize(("before", "of"), [(recipe_of(APPEND), "mine"), (OTHER, None), (OTHER, "mine")])
def test_a_load_and_a_sync_never_go_on_with_each_others_temp_table(before: Recipe, of: str | None) -> None:
    wanted = life(APPEND) if of is None else loading(APPEND)

    _, asked = started(wanted, found(before))

    assert asked[2] == Op.SETTLE


def test_a_load_whose_temp_table_is_gone_is_forgotten_and_opened_again() -> None:
    _, asked = started(loading(DEDUP), evolve(found(), opened="mine"))

    assert asked[2:] == [Op.DISCARD, Op.OPEN_TEMP]


def test_a_load_that_another_process_published_is_done() -> None:
    machine, asked = started(loading(APPEND), evolve(found(), files=Files.PUBLISHED))

    assert asked[2:] == []
    assert machine.at == "done"


def test_a_load_of_files_that_another_load_published_meanwhile_is_refused() -> None:
    of = loading(APPEND)

    machine, asked = started(of, evolve(found(), files=Files.LOADED_SINCE))

    assert asked[2:] == [Op.ABANDON]
    assert machine.at == "failed"
    assert isinstance(of.failure, ConfigError)


@pytest.mark.parametrize(
    ("facts", "operations"),
    [
        (opened(DEDUP), [Op.DISCARD]),
        (opened(DEDUP, empty=True), [Op.DISCARD]),
        (evolve(found(), opened="mine"), [Op.DISCARD]),
        (found(), []),
        (found(recipe_of(DEDUP)), []),
        (evolve(opened(DEDUP), final_keys=NARROWER), [Op.DISCARD]),
    ],
)
def test_a_load_that_is_given_up_drops_what_it_loaded_and_nothing_else(
    facts: Facts, operations: list[Op]
) -> None:
    of = loading(DEDUP, wish=Wish.GIVE_UP)

    machine, asked = started(of, facts)

    assert asked[2:] == operations
    assert machine.at == "given_up"
    assert of.failure is None


@pytest.mark.parametrize("empty", [True, False])
def test_the_temp_table_of_a_load_that_fails_is_kept_for_its_workers(empty: bool) -> None:
    left = TempFacts(empty=empty, recipe=evolve(recipe_of(DEDUP), load="mine"))
    port = Answering([Answer(), Answer(facts=found()), Answer(), Answer(left=left)])
    machine = stream_lifecycle(loading(DEDUP), port, SetClock())
    machine.send("start")

    machine.send("ended")

    assert port.asked[3:] == [Op.ABANDON]
    assert machine.at == "failed"
