"""Which STATE may be emitted: in order, when every record before it is durable, and never after its stream failed."""

import pytest

from dataflow.budget import Budget
from dataflow.errors import InternalError
from dataflow.pipeline.checkpoints import Checkpoints
from dataflow.protocol import State, StateKind
from dataflow.runtime import SYSTEM
from dataflow.types import StreamName

USERS, ORDERS = StreamName(None, "users"), StreamName(None, "orders")


def state(name: str, stream: StreamName | None = USERS, kind: StateKind = StateKind.STREAM) -> State:
    return State(text=name.encode(), kind=kind, stream=stream, source_count=None)


def emitted(checkpoints: Checkpoints) -> list[str]:
    return [checkpoint.state.text.decode() for checkpoint in checkpoints.emittable()]


def test_a_state_is_not_emitted_before_its_rows_are_durable() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("s1"), {USERS: 2})
    checkpoints.durable(USERS, 1)

    assert emitted(checkpoints) == []


def test_a_state_is_emitted_once_when_its_rows_are_durable() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("s1"), {USERS: 2})
    checkpoints.durable(USERS, 2)

    assert [emitted(checkpoints), emitted(checkpoints)] == [["s1"], []]


def test_states_of_a_stream_are_emitted_in_order_and_none_is_skipped() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    for name, position in (("s1", 1), ("s2", 1), ("s3", 4)):
        checkpoints.arrived(state(name), {USERS: position})
    checkpoints.durable(USERS, 4)

    assert emitted(checkpoints) == ["s1", "s2", "s3"]


def test_a_slow_stream_does_not_hold_back_another() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("u"), {USERS: 5})
    checkpoints.arrived(state("o", ORDERS), {ORDERS: 1})
    checkpoints.durable(ORDERS, 1)

    assert emitted(checkpoints) == ["o"]


def test_a_global_state_waits_for_every_stream() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("g", None, StateKind.GLOBAL), {USERS: 1, ORDERS: 2})
    checkpoints.durable(USERS, 1)
    before = emitted(checkpoints)
    checkpoints.durable(ORDERS, 2)

    assert before == []
    assert emitted(checkpoints) == ["g"]


def test_a_failed_stream_acknowledges_what_was_durable_and_nothing_later() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("early"), {USERS: 1})
    checkpoints.durable(USERS, 1)
    checkpoints.broken(USERS)
    checkpoints.arrived(state("late"), {USERS: 1})

    assert emitted(checkpoints) == ["early"]


def test_a_state_of_a_stream_the_catalog_does_not_name_is_emitted() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("stranger", StreamName("x", "y")), {})

    assert emitted(checkpoints) == ["stranger"]


def test_records_are_counted_from_the_state_before() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)

    counts = [checkpoints.arrived(state("s"), {USERS: position}).count for position in (3, 3, 7)]

    assert counts == [3, 0, 4]


def test_stream_and_global_states_are_not_mixed() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    checkpoints.arrived(state("s"), {USERS: 1})

    with pytest.raises(InternalError, match="Mixed state types"):
        checkpoints.arrived(state("g", None, StateKind.GLOBAL), {USERS: 1})


def test_a_state_waits_for_the_rows_before_a_state_that_was_withdrawn() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    withheld = checkpoints.arrived(state("g1", None, StateKind.GLOBAL), {USERS: 1})
    checkpoints.withdraw(withheld)
    checkpoints.arrived(state("g2", None, StateKind.GLOBAL), {ORDERS: 1})
    checkpoints.durable(ORDERS, 1)
    before = emitted(checkpoints)
    checkpoints.durable(USERS, 1)

    assert before == []
    assert emitted(checkpoints) == ["g2"]


def test_states_that_wait_for_a_publication_give_way_to_a_later_one_when_they_take_too_much() -> None:
    budget = Budget(1 << 20, SYSTEM.threads)
    checkpoints = Checkpoints(budget, most=10_000)
    for number in range(100):
        positions = {ORDERS: number + 1}
        checkpoints.arrived(state(f"g{number}", None, StateKind.GLOBAL), positions, published_first=[USERS])
    held = budget.peak
    checkpoints.durable(ORDERS, 99)
    checkpoints.published(USERS)
    before = emitted(checkpoints)
    checkpoints.durable(ORDERS, 100)
    last = list(checkpoints.emittable())

    assert held < 15_000
    assert [each.state.text for each in last] == [b"g99"]
    assert len(before) + 1 + checkpoints.superseded == 100
    assert last[0].records == 100
    assert budget.held() == 0


@pytest.mark.parametrize(
    ("first", "then"), [([USERS], []), ([USERS], [ORDERS])], ids=["for nothing", "for another"]
)
def test_a_state_waits_for_the_publication_that_one_waits_for_whose_place_it_took(
    first: list[StreamName], then: list[StreamName]
) -> None:
    """Also where it covers records of that stream."""
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=0)
    checkpoints.arrived(state("g1", None, StateKind.GLOBAL), {USERS: 1}, published_first=first)
    checkpoints.arrived(state("g2", None, StateKind.GLOBAL), {USERS: 2}, published_first=then)
    for name in then:
        checkpoints.published(name)
    checkpoints.durable(USERS, 2)
    before = emitted(checkpoints)
    checkpoints.published(USERS)

    assert before == []
    assert emitted(checkpoints) == ["g2"]
    assert checkpoints.superseded == 1


def test_a_state_waits_for_the_publication_that_one_waited_for_which_was_withdrawn() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=1 << 20)
    withheld = checkpoints.arrived(state("g1", None, StateKind.GLOBAL), {}, published_first=[USERS])
    checkpoints.withdraw(withheld)
    checkpoints.arrived(state("g2", None, StateKind.GLOBAL), {USERS: 1})
    checkpoints.durable(USERS, 1)
    before = emitted(checkpoints)
    checkpoints.published(USERS)

    assert before == []
    assert emitted(checkpoints) == ["g2"]


def test_what_is_counted_of_states_that_gave_way_is_counted_with_the_one_that_stands_for_them() -> None:
    checkpoints = Checkpoints(Budget(1 << 20, SYSTEM.threads), most=0)
    for number in range(5):
        checkpoints.arrived(
            state(f"g{number}", None, StateKind.GLOBAL), {ORDERS: 2 * number + 2}, published_first=[USERS]
        )
    checkpoints.durable(ORDERS, 10)
    checkpoints.published(USERS)

    (last,) = checkpoints.emittable()

    assert (last.state.text, last.count, last.records) == (b"g4", 10, 10)
