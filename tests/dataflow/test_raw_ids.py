"""Raw ids only grow, whatever the clock does, and are UUIDs of version 7."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.raw_ids import RawIds, as_text
from dataflow.runtime import SYSTEM
from dataflow.runtime.clock import SetClock


def texts(ids: RawIds, count: int) -> list[str]:
    return [as_text(value.as_py()) for value in ids.take(count)]


def test_ids_of_one_batch_and_the_next_are_in_input_order() -> None:
    ids = RawIds(SYSTEM.clock, SYSTEM.randomness)

    given_out = texts(ids, 5000) + texts(ids, 1) + texts(ids, 3000)

    assert given_out == sorted(given_out)
    assert len(set(given_out)) == 8001


@given(st.lists(st.floats(min_value=0, max_value=2**37), min_size=2, max_size=6))
def test_a_clock_set_back_does_not_set_the_ids_back(moments: list[float]) -> None:
    clock = SetClock()
    ids = RawIds(clock, SYSTEM.randomness)
    given_out = list[str]()

    for clock.at in moments:
        given_out += texts(ids, 2)

    assert given_out == sorted(set(given_out))


def test_a_new_run_begins_above_the_last_one_though_its_clock_is_behind() -> None:
    last = texts(RawIds(SetClock(2_000_000_000), SYSTEM.randomness), 10)[-1]

    first = texts(RawIds(SetClock(1_000_000_000), SYSTEM.randomness, after=last), 1)[0]

    assert first > last


@pytest.mark.parametrize("count", [1, 2, 2**20 + 3])
def test_every_id_is_a_uuid_of_version_7(count: int) -> None:
    taken = RawIds(SYSTEM.clock, SYSTEM.randomness).take(count)

    parsed = [UUID(bytes=taken[i].as_py()) for i in (0, count // 2, count - 1)]

    assert {(uuid.version, uuid.variant) for uuid in parsed} == {(7, "specified in RFC 4122")}


def test_an_id_carries_the_time_in_milliseconds() -> None:
    (text,) = texts(RawIds(SetClock(1_767_225_600.125), SYSTEM.randomness), 1)

    assert UUID(text).int >> 80 == 1_767_225_600_125
